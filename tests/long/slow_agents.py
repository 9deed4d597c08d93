"""A hundred slow agent jobs beside webhooks: `python -m tests.long.slow_agents`. No webhook waits for an agent.

One worker has the agent jobs in its lane `agents`, more than it runs at once, while a server takes webhooks at a steady
rate. By the jobs' own rows and the worker's records: how long from a webhook's commit until its job was done. It ends
when every agent job is done. With `--no-broker` the worker asks the store.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from tests.integration.senders import Senders
from tests.long.begins import Begins
from tests.long.fleet import Fleet
from tests.long.spread import spread

P99 = 2.0
"""Seconds from the commit of a webhook to the end of its job, at the 99th percentile."""

BATCH_SECONDS = 5.0
"""For how long webhooks are sent before it is looked whether all agent jobs are done."""


def main() -> int:
    """Run, and tell; 1 when webhooks were late, or something was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=100, help="agent jobs")
    parser.add_argument("--seconds", type=float, default=5, help="that each of them takes")
    parser.add_argument("--rate", type=float, default=20, help="webhooks a second")
    parser.add_argument("--no-broker", action="store_true")
    wanted = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="nexus-slow-agents-") as name,
        Fleet(Path(name), has_broker=not wanted.no_broker) as fleet,
    ):
        fleet.start(workers=1)
        return slow_agents(fleet, wanted.agents, wanted.seconds, wanted.rate)


def slow_agents(fleet: Fleet, agents: int, seconds: float, rate: float) -> int:
    """Run it on a fleet that serves; 1 when webhooks were late, or something was lost."""
    begins = Begins(fleet.begins)
    with fleet.hub() as hub:
        hub.jobs.enqueue("probe.note", {"n": agents})
        assert begins.wait(agents, 1, 60) is not None, "the worker does not begin"
        for number in range(agents):
            hub.jobs.enqueue("probe.agent", {"n": number, "seconds": seconds})
    senders = Senders(fleet.port, "slow-agents", threads=16)
    began, batch = time.monotonic(), max(1, round(rate * BATCH_SECONDS))
    while (done := _done(fleet.database, "probe.agent")) < agents and time.monotonic() < began + 20 * agents * seconds:
        senders.run(batch, rate, first=len(senders.sent))
    senders.close()
    wrong = [f"webhook {one.number} was answered {one.status}" for one in senders.sent if one.status != 202]
    if done < agents:
        wrong.append(f"{agents - done} agent jobs were not done")
    took = _took(fleet.database, len(senders.sent))
    print(f"{agents} agent jobs of {seconds:g} s took {time.monotonic() - began:.0f} s on one worker")
    print(f"webhooks meanwhile, from the commit to the end of their jobs: {spread(took)} (asked: p99 {P99:g} s)")
    if len(took) < len(senders.sent):
        wrong.append(f"{len(senders.sent) - len(took)} webhooks were not handled")
    if took and sorted(took)[max(0, int(len(took) * 0.99) - 1)] > P99:
        wrong.append("webhooks waited for agents")
    print("\n".join(wrong[:20] or ["no webhook waited for an agent"]))
    return 1 if wrong else 0


def _done(database: str, kind: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT count(*) FROM jobs WHERE kind = %s AND state = 'done'", [kind]).fetchone()
    return int(row[0]) if row else 0


def _took(database: str, number: int) -> list[float]:
    """Seconds from the commit to the end of each webhook's job, once there are so many, or half a minute passed."""
    end = time.monotonic() + 30
    while _done(database, "core.delivery") < number and time.monotonic() < end:
        time.sleep(0.2)
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT extract(epoch FROM finished_at - created_at) FROM jobs"
            " WHERE kind = 'core.delivery' AND state = 'done'"
        ).fetchall()
    return [float(row[0]) for row in rows]


if __name__ == "__main__":
    sys.exit(main())
