"""Counts of requests over processes."""

import os

from nexus_http.counters import RequestCounters


def test_counts_of_all_processes_are_added_up():
    """A forked worker's requests are seen by the process that is asked."""
    counters = RequestCounters()
    counters.count("GET", 200, 0.5)
    child = os.fork()
    if child == 0:
        counters.use_slot(1)
        counters.count("GET", 204, 0.25)
        counters.count("BREW", 404, 0.1)
        os._exit(0)
    os.waitpid(child, 0)

    assert [("GET", "2xx", 2, 0.75), ("other", "4xx", 1, 0.1)] == list(counters.totals())
