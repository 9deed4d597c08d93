"""The broker stopped in mid-load: `python -m tests.long.broker_away --minutes 10`. Work goes on, and soon enough.

Jobs are enqueued at a steady rate, each after its predecessor's commit, to two workers on a PostgreSQL and a RabbitMQ
of the run's own; each says when it begins. With the broker, without it for so many minutes, and with it again, it is
noted how long jobs wait from their commit to their begin, and, in bursts, how many are done in a second. While the
broker is there its queues are emptied and deleted. Each job is reconciled with its row and with its begin.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import attrs
import kombu
import psycopg
from tests.chaos.house import LANES
from tests.long.begins import Begins
from tests.long.fleet import Fleet
from tests.long.spread import spread

from nexus_core import Nexus

PICK_UP = 5.0
"""Seconds within which a job must begin while the broker is away."""

HALF = 0.5
"""The part of the usual rate at which work must go on."""

BURST = 400
"""How many jobs are enqueued at once, to see how many are done in a second."""

EACH_SECONDS = 20.0
"""How often there is a burst, or the queues are emptied."""


def main() -> int:
    """Run, and tell; 1 when work went on too slowly, or something was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1, help="without the broker")
    parser.add_argument("--rate", type=float, default=20, help="jobs a second")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nexus-broker-away-") as name, Fleet(Path(name)) as fleet:
        fleet.start_workers()
        with fleet.hub() as hub:
            return BrokerAway(fleet, hub, wanted.rate).run(wanted.minutes * 60)


@attrs.define
class Phase:
    """A time with or without the broker."""

    name: str
    waited: list[float] = attrs.field(factory=list)  #: seconds from the commit to the begin
    committing: list[float] = attrs.field(factory=list)  #: seconds that whoever enqueues a job waits
    rates: list[float] = attrs.field(factory=list)  #: jobs a second, by burst
    jobs: dict[int, float] = attrs.field(factory=dict)  #: when each was committed

    @property
    def rate(self) -> float:
        """Of the middle burst."""
        return sorted(self.rates)[len(self.rates) // 2] if self.rates else 0.0


class BrokerAway:
    """The load, and what came of it."""

    def __init__(self, fleet: Fleet, hub: Nexus, rate: float) -> None:
        self._fleet = fleet
        self._hub = hub
        self._pause = 1 / rate
        self._begins = Begins(fleet.begins)
        self._number = 0
        self._lock = threading.Lock()
        self._emptied = {"purged": 0, "deleted": 0}

    def run(self, seconds: float) -> int:
        """With the broker, without it for so long, and with it again."""
        there, away, again = Phase("with the broker"), Phase("without it"), Phase("with it again")
        self._one(Phase("warm"), 60)
        self._load(there, min(60.0, seconds), empties=True)
        self._fleet.rabbit.kill()
        self._load(away, seconds)
        self._fleet.rabbit.start()
        self._load(again, min(60.0, seconds), empties=True)
        wrong = self._reconciled([there, away, again])
        for phase in (there, away, again):
            self._measure(phase)
            print(f"{phase.name}: {spread(phase.waited)} from commit to begin; enqueued in {spread(phase.committing)}")
            print(f"  {phase.rate:.0f} jobs a second in the middle one of {len(phase.rates)} bursts of {BURST}")
        print(f"queues purged {self._emptied['purged']} times, deleted {self._emptied['deleted']} times")
        if max(away.waited) > PICK_UP:
            wrong.append(f"a job began {max(away.waited):.1f} s after its commit")
        if away.rate < HALF * there.rate:
            wrong.append(f"{away.rate:.0f} jobs a second without the broker, {there.rate:.0f} with it")
        print("\n".join(wrong[:20] or ["nothing lost"]))
        return 1 if wrong else 0

    def _one(self, phase: Phase, patience: float) -> None:
        """Enqueue one and wait for its begin: the workers are there."""
        number = self._enqueue(phase)
        assert self._begins.wait(number, 1, patience) is not None, "the workers do not begin"

    def _enqueue(self, phase: Phase) -> int:
        with self._lock:
            self._number += 1
            number = self._number
        began = time.monotonic()
        self._hub.jobs.enqueue("probe.note", {"n": number})
        phase.committing.append(time.monotonic() - began)
        phase.jobs[number] = time.time()
        return number

    def _load(self, phase: Phase, seconds: float, *, empties: bool = False) -> None:
        """Steady load for so long, interrupted by bursts."""
        end, turn = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            until = min(end, time.monotonic() + EACH_SECONDS)
            stop = threading.Event()
            emptying = threading.Thread(target=self._empty_now_and_then, args=(stop,))
            if empties:
                emptying.start()
            due = time.monotonic()
            while (due := due + self._pause) < until:
                time.sleep(max(0.0, due - time.monotonic()))
                self._enqueue(phase)
            stop.set()
            if empties:
                emptying.join()
            turn += 1
            phase.rates.append(self._burst(f"burst {turn}"))

    def _burst(self, name: str) -> float:
        """How many jobs of many that are due at once begin in a second; those of before have begun."""
        phase = Phase(name)
        began = time.time()
        writers = [threading.Thread(target=self._enqueue_many, args=(phase, BURST // 4)) for _ in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        begins = [self._begins.wait(number, 1, 120) for number in phase.jobs]
        return BURST / (max(begin.at for begin in begins if begin is not None) - began)

    def _enqueue_many(self, phase: Phase, number: int) -> None:
        for _ in range(number):
            self._enqueue(phase)

    def _empty_now_and_then(self, stop: threading.Event) -> None:
        """Purge the queues, and delete them: with them go the rings that no worker has taken."""
        turn = 0
        while not stop.wait(2.0):
            turn += 1
            how = "deleted" if turn % 4 == 0 else "purged"
            try:
                with kombu.Connection(self._fleet.rabbit.url, connect_timeout=2) as connection:
                    channel = connection.channel()
                    for lane in LANES:
                        (channel.queue_delete if how == "deleted" else channel.queue_purge)(f"nexus.{lane}")
            except Exception:
                continue  # no worker has made its queues again yet
            self._emptied[how] += 1

    # What came of it --------------------------------------------------------------------------------------------------

    def _measure(self, phase: Phase) -> None:
        begins = self._begins.read()
        phase.waited = [max(0.0, begins[number][0].at - at) for number, at in phase.jobs.items() if number in begins]

    def _reconciled(self, phases: Sequence[Phase]) -> list[str]:
        """What is wrong when all has been done, or a minute has passed: each job is done and was begun once."""
        end, wrong = time.monotonic() + 60, ["it was never looked at"]
        while wrong and time.monotonic() < end:
            time.sleep(0.5)
            begins = self._begins.read()
            with psycopg.connect(self._fleet.database) as connection:
                states = dict(
                    connection.execute(
                        "SELECT (payload::json->>'n')::int, state FROM jobs WHERE kind = 'probe.note'"
                    ).fetchall()
                )
            wrong = [f"job {n} is {states.get(n)}" for n in range(1, self._number + 1) if states.get(n) != "done"]
            wrong += [f"job {n} began {len(seen)} times" for n, seen in begins.items() if len(seen) != 1]
            wrong += [f"job {n} never began" for n in range(1, self._number + 1) if n not in begins]
        return wrong


if __name__ == "__main__":
    sys.exit(main())
