"""Workers killed in mid-job: `python -m tests.long.kills --kills 200`. Each one's job runs again within 45 seconds.

In each wave some jobs begin, several workers hold them, and every process that holds one is killed with -9, each at a
random moment. The clock runs from the kill until the job begins again; the next wave waits for that, so that no job
meets two kills. PostgreSQL and RabbitMQ are the run's own. At the end each job's row is compared with what was noted.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from tests.long.begins import Begins
from tests.long.fleet import Fleet
from tests.long.spread import spread

from nexus_core import Nexus

WITHIN = 45.0
"""Seconds within which a job must begin again: a lease is 30, and leases that ended are looked for each 5."""

WAVE = 20
"""How many jobs are held at a time."""

HELD_SECONDS = 60.0
"""How long a job is held, unless its worker is killed; those that began too late to be killed end by themselves."""

BEGIN_SECONDS = 15.0
"""How long the jobs of a wave have to begin."""

PATIENCE = 120.0  #: seconds, for what should take WITHIN, so that it is measured when it is late


def main() -> int:
    """Run, and tell; 1 when a job was late, lost or done twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=WAVE, help="jobs whose worker is killed")
    parser.add_argument("--workers", type=int, default=10, help="each runs two jobs: all of a wave are held")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nexus-kills-") as name, Fleet(Path(name)) as fleet:
        fleet.start_workers(wanted.workers)
        with fleet.hub() as hub:
            return Kills(fleet, hub, random.Random(wanted.seed)).run(wanted.kills)


class Kills:
    """Waves of kills, and what came of them."""

    def __init__(self, fleet: Fleet, hub: Nexus, chance: random.Random) -> None:
        self._fleet = fleet
        self._hub = hub
        self._chance = chance
        self._begins = Begins(fleet.begins)
        self._numbers = 0
        self._killed: dict[int, float] = {}  #: jobs, and when their process was killed
        self._processes = 0

    def run(self, kills: int) -> int:
        """So many jobs whose worker is killed."""
        while (left := kills - len(self._killed)) > 0:
            self._wave(min(WAVE, left))
            print(f"{len(self._killed)} of {kills}", file=sys.stderr, flush=True)
        wrong = self._reconciled()
        begins = self._begins.read()
        took = [begins[number][1].at - at for number, at in self._killed.items() if len(begins[number]) > 1]
        print(f"{self._processes} processes killed with {len(self._killed)} jobs, {len(took)} of which began again")
        print(f"from the kill to the second begin: {spread(took)} (asked: {WITHIN:g} s)")
        wrong += [f"a job began again after {seconds:.1f} s" for seconds in took if seconds > WITHIN]
        print("\n".join(wrong[:20] or ["each row is as noted: done, in its second attempt, begun twice"]))
        return 1 if wrong else 0

    def _wave(self, size: int) -> None:
        numbers = range(self._numbers, self._numbers + size)
        self._numbers += size
        for number in numbers:
            self._hub.jobs.enqueue("probe.hold", {"n": number, "seconds": HELD_SECONDS})
            time.sleep(0.1)  # one after another, so that several workers have some
        holding: dict[int, list[int]] = {}
        patience = time.monotonic() + BEGIN_SECONDS
        for number in numbers:
            # One that has not begun has no process that could be killed with it: it does not count.
            begin = self._begins.wait(number, 1, max(0.0, patience - time.monotonic()))
            if begin is not None:
                holding.setdefault(begin.process, []).append(number)
        for process, held in self._chance.sample([*holding.items()], len(holding)):
            time.sleep(self._chance.uniform(0, 0.5))
            os.kill(process, signal.SIGKILL)
            self._processes += 1
            self._killed |= dict.fromkeys(held, time.time())
        end = time.monotonic() + PATIENCE
        for number in numbers:
            times = 2 if number in self._killed else 1
            self._begins.wait(number, times, max(0.0, end - time.monotonic()))

    def _reconciled(self) -> list[str]:
        """What is wrong when all has been done, or half a minute has passed."""
        end, wrong = time.monotonic() + 30, ["it was never looked at"]
        while wrong and time.monotonic() < end:
            time.sleep(0.5)
            with psycopg.connect(self._fleet.database) as connection:
                rows = {
                    number: (state, attempt)
                    for number, state, attempt in connection.execute(
                        "SELECT (payload::json->>'n')::int, state, attempt FROM jobs WHERE kind = 'probe.hold'"
                    ).fetchall()
                }
            begins = self._begins.read()
            wrong = [
                f"job {number} is {rows.get(number)}, begun {len(begins.get(number, []))} times"
                for number in self._killed
                if (rows.get(number), len(begins.get(number, []))) != (("done", 2), 2)
            ]
        return wrong


if __name__ == "__main__":
    sys.exit(main())
