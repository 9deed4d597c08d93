"""Outcomes are recorded together, none is lost on the way, and one that cannot be recorded harms no other."""

import threading
from datetime import UTC, datetime

import pytest

from nexus_core.domain.jobs import Done, Job, JobState
from nexus_worker.lane import AHEAD, AHEAD_MOST, Lane
from nexus_worker.loop import Worker
from nexus_worker.settling import AT_ONCE, Settling

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_what_ended_meanwhile_goes_together():
    """While one transaction is under way others end: they share the next, up to so many; the end waits for all."""
    recorded, begun, go_on = [], threading.Event(), threading.Event()

    def record(ended):
        begun.set()
        go_on.wait(10)
        recorded.append([job for job, _ in ended])

    settling = Settling(record)
    settling.start()
    settling.put(0, Done())
    assert begun.wait(5)
    for number in range(1, AT_ONCE + 11):
        settling.put(number, Done())
    go_on.set()
    settling.stop(10)

    assert [[0], list(range(1, AT_ONCE + 1)), list(range(AT_ONCE + 1, AT_ONCE + 11))] == recorded


def test_an_outcome_that_cannot_be_recorded_harms_no_other(make_hub, monkeypatch):
    """The others of its transaction are recorded one by one; its own lease ends in time."""
    hub = make_hub()
    for number in range(30):
        hub.enqueue(n=number)
    settle = hub.nexus.jobs.settle

    def failing(ended):
        if any(job.payload["n"] == 7 for job, _ in ended):
            raise ValueError("it cannot be written")
        settle(ended)

    monkeypatch.setattr(hub.nexus.jobs, "settle", failing)
    Worker(hub.nexus).run(until_idle=True)

    assert (29, 1) == (hub.states().count("done"), hub.states().count("running"))


@pytest.mark.parametrize(("took", "most"), [(0.0, AHEAD_MOST), (0.004, 100), (1.0, 4 * AHEAD)])
def test_how_many_wait_in_a_lane(took, most):
    """Many of those that take nothing, few of those that take long: another worker may be free for them."""
    lane = Lane("default", threads=4, waits=True, run=lambda job: None)
    lane._usual = took

    assert 4 + most == lane.free

    lane.take(Job(id=number, kind="k", lane="default", state=JobState.RUNNING, attempt=1, max_attempts=1, run_at=NOW,
                  created_at=NOW) for number in range(4 + most))  # fmt: skip
    lane._usual = 10.0

    assert 0 == lane.free
    assert 4 == Lane("agents", threads=4, waits=False, run=lambda job: None).free
