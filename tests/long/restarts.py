"""Rolling restarts under load: `python -m tests.long.restarts --restarts 100`. Nobody notices, and no job waits.

Two servers behind a TCP balancer and three workers, on a PostgreSQL and a RabbitMQ of the run's own. A restart replaces
a server (by turns SIGTERM and a new process, and SIGHUP) and, at the same time, a worker (SIGTERM and a new process).
Meanwhile webhooks come, tasks go their way through the API, readers read, and jobs run, some of them for longer than a
worker waits that is told to end. All is put on record and reconciled row by row.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import attrs
import psutil
import psycopg
from tests.chaos.ledger import OK, Ledger
from tests.chaos.run import EVERY, Sender, prepare, reconcile
from tests.chaos.stories import Teller, reconcile_stories
from tests.long.begins import Begins
from tests.long.fleet import Fleet
from tests.long.readers import Readers
from tests.long.spread import spread

from nexus_core import Nexus

PICK_UP = 15.0
"""Seconds within which each job must begin, and one that was handed back begin again: far less than a lease (30)."""

HELD_SECONDS = 60.0
"""How long the jobs run that outlast a worker's patience (20)."""

WARM = 2 * 10**6
"""The number of the first of the jobs that are not counted."""

STORIES, WEBHOOKS, JOBS = 0.5, 4.0, 2.0
"""A second."""


def main() -> int:
    """Run, and tell; 1 when somebody noticed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--restarts", type=int, default=4)
    parser.add_argument("--logs", type=Path, help="a folder for the logs of all processes")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nexus-restarts-") as name, Fleet(Path(name)) as fleet:
        try:
            report = Restarts(fleet).run(wanted.restarts)
        finally:
            if wanted.logs is not None:
                wanted.logs.mkdir(parents=True, exist_ok=True)
                for log in Path(name).glob("*.log"):
                    (wanted.logs / log.name).write_bytes(log.read_bytes())
    print("\n".join(report.lines()))
    return 1 if report.wrong else 0


@attrs.define
class Report:
    """What a run came to."""

    restarts: int
    seconds: float
    answers: dict[str, dict[str, int]]
    pick_up: list[float]
    again: list[float]
    ends: list[float]
    wrong: list[str]

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"{self.restarts} restarts of a server and a worker in {self.seconds:.0f} s",
            *(f"{who}: {', '.join(f'{n} × {word}' for word, n in seen.items())}" for who, seen in self.answers.items()),
            f"jobs, from their commit to their begin: {spread(self.pick_up)}",
            f"jobs that were handed back, from the worker's end to their second begin: {spread(self.again)}",
            f"workers told to end took {spread(self.ends)}",
            *(self.wrong[:20] or ["nobody noticed, nothing lost, no effect twice"]),
        ]


class Restarts:
    """The load, the restarts, and what came of both."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._ledger = Ledger(fleet.folder / "ledger")
        self._begins = Begins(fleet.begins)
        self._stop = threading.Event()
        self._due: dict[int, float] = {}
        self._held: list[int] = []
        self._worker_ended: dict[int, float] = {}
        self._ends: list[float] = []
        self._failed: list[str] = []
        self._sent = {"webhooks": 0, "stories": 0}

    def run(self, restarts: int) -> Report:
        """So many, under load."""
        tasks = prepare(self._fleet.database, self._fleet.folder, 20 + 10 * restarts)
        self._fleet.start()
        sender, teller = Sender(self._fleet.port, self._ledger, tasks), Teller(self._fleet.port, self._ledger)
        readers = Readers(self._fleet.port, keeping=4, opening=2, rate=3)
        began = time.monotonic()
        with self._fleet.hub() as hub:
            load = [
                *self._each("webhooks", WEBHOOKS, sender.send),
                *self._each("stories", STORIES, teller.tell),
                *self._each("jobs", JOBS, lambda number: self._enqueue(hub, number)),
            ]
            self._warm_up(hub)
            for thread in load:
                thread.start()
            readers.start()
            restarted = [
                threading.Thread(target=self._guarded, args=(self._servers, restarts)),
                threading.Thread(target=self._guarded, args=(lambda many: self._workers(hub, many), restarts)),
            ]
            for thread in restarted:
                thread.start()
            for thread in restarted:
                thread.join()
            self._stop.set()
            for thread in load:
                thread.join()
            readers.end()
        took = time.monotonic() - began
        wrong = self._reconciled(tasks)
        answers = {"readers": dict(readers.answers), "writers": dict(teller.answers), "webhooks": self._webhooks()}
        wrong += [f"readers saw {readers.failures}"] if readers.failures else []
        wrong += [f"writers saw {dict(teller.refused)}"] if teller.refused else []
        wrong += [f"senders of webhooks saw {self._webhooks()}"] if set(self._webhooks()) != {OK} else []
        pick_up, again = self._times()
        wrong += [f"a job began after {one:.1f} s" for one in pick_up + again if one > PICK_UP]
        return Report(restarts, took, answers, pick_up, again, self._ends, wrong + self._failed)

    def _warm_up(self, hub: Nexus) -> None:
        """Have each worker begin a job: from now on none waits for a process that starts."""
        for which in range(len(self._fleet.workers)):
            for number in range(10):
                hub.jobs.enqueue("probe.slow", {"n": WARM + 100 * which + number, "seconds": 0.3})
            self._await_worker(which)

    # The load ---------------------------------------------------------------------------------------------------------

    def _each(self, name: str, rate: float, action: Callable[[int], None]) -> list[threading.Thread]:
        """Threads that act so often a second together, with a number of its own for each act."""
        lock, begun = threading.Lock(), time.monotonic()
        self._sent[name] = 0

        def go_on() -> None:
            while True:
                with lock:
                    number = self._sent[name]
                    if self._stop.wait(max(0.0, begun + number / rate - time.monotonic())):
                        return
                    self._sent[name] += 1
                action(number)

        return [threading.Thread(target=go_on) for _ in range(6)]

    def _enqueue(self, hub: Nexus, number: int) -> None:
        self._due[number] = time.time()
        hub.jobs.enqueue("probe.slow", {"n": number, "seconds": 3 if number % 20 == 7 else 0.1})

    # The restarts -----------------------------------------------------------------------------------------------------

    def _guarded(self, action: Callable[[int], None], restarts: int) -> None:
        try:
            action(restarts)
        except Exception as error:
            self._failed.append(f"{type(error).__name__}: {error}")

    def _servers(self, restarts: int) -> None:
        for number in range(restarts):
            which = number % len(self._fleet.servers)
            if number // len(self._fleet.servers) % 2:
                self._fleet.servers[which].reload()
            else:
                self._fleet.servers[which].replace()
            self._fleet.await_ready(which)
            if (number + 1) % 10 == 0:
                print(f"{number + 1} restarts of servers", file=sys.stderr, flush=True)

    def _workers(self, hub: Nexus, restarts: int) -> None:
        for number in range(restarts):
            held = 10**6 + number
            if number % 10 == 5:
                self._held.append(held)
                self._due[held] = time.time()
                hub.jobs.enqueue("probe.hold", {"n": held, "seconds": HELD_SECONDS})
                begin = self._begins.wait(held, 1, 30)
                which = self._of(begin.process) if begin else number % len(self._fleet.workers)
            else:
                which = number % len(self._fleet.workers)
            self._ends.append(self._fleet.workers[which].replace())
            self._worker_ended[held] = time.time()
            self._await_worker(which)

    def _of(self, process: int) -> int:
        """Which worker a process belongs to."""
        parent = psutil.Process(process).ppid()
        return next(n for n, one in enumerate(self._fleet.workers) if one.process.pid in (process, parent))

    def _await_worker(self, which: int) -> None:
        """Wait until a worker has begun a job: then it stands in for the other."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            children = {one.pid for one in psutil.Process(self._fleet.workers[which].process.pid).children()}
            if children & self._begins.processes():
                return
            time.sleep(0.2)
        raise TimeoutError(f"worker {which} begins nothing")

    # What came of it --------------------------------------------------------------------------------------------------

    def _webhooks(self) -> dict[str, int]:
        words = [word for name, word in self._ledger.read().items() if name.startswith("chaos-")]
        return {word: words.count(word) for word in set(words)}

    def _times(self) -> tuple[list[float], list[float]]:
        """From commit to begin, and from a worker's end to the second begin of what it handed back."""
        begins = self._begins.read()
        first = [begins[number][0].at - due for number, due in self._due.items() if number in begins]
        again = [
            begins[number][1].at - self._worker_ended[number]
            for number in self._held
            if len(begins.get(number, [])) > 1
        ]
        return first, again

    def _reconciled(self, tasks: list[int]) -> list[str]:
        """What is wrong when all has been done, or a minute has passed."""
        outcomes, end, wrong = self._ledger.read(), time.monotonic() + 60, ["it was never looked at"]
        sent = tasks[: -(-self._sent["webhooks"] // EVERY)]  # the others' merges were not sent
        while wrong and time.monotonic() < end:
            time.sleep(0.5)
            wrong = reconcile(self._fleet.database, outcomes, sent)
            wrong += reconcile_stories(self._fleet.database, outcomes, self._sent["stories"])
            wrong += self._jobs()
        return wrong

    def _jobs(self) -> list[str]:
        """Each job is done, and was begun once, or once more when it was handed back."""
        with psycopg.connect(self._fleet.database) as connection:
            rows = connection.execute(
                "SELECT (payload::json->>'n')::int, state FROM jobs WHERE kind LIKE 'probe.%%'"
            ).fetchall()
        begins = self._begins.read()
        wrong = [f"job {number} is {state}" for number, state in rows if state != "done"]
        wrong += [f"job {number} is not there" for number in self._due.keys() - {number for number, _ in rows}]
        for number in self._due:
            times = len(begins.get(number, []))
            if times != (2 if number in self._held else 1):
                wrong.append(f"job {number} began {times} times")
        return wrong


if __name__ == "__main__":
    sys.exit(main())
