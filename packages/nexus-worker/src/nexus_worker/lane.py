"""The threads of one lane, and the jobs that they hold."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from itertools import count
from queue import PriorityQueue

from nexus_core.domain.jobs import Job

AHEAD = 2
"""How many jobs a thread of a short lane may have waiting. Agents have none: another worker may be free."""

AHEAD_SECONDS = 0.1
"""It may have more of those that take so little that together they wait no longer than this, and"""

AHEAD_MOST = 100
"""no more than so many a lane."""

LONG_SECONDS = 1.0
"""A thread whose job has run for longer has none waiting: nobody knows when it ends, and others may be free."""


class Lane:
    """Runs jobs of one lane, so many at once, and holds a few more, for threads that end theirs."""

    def __init__(self, name: str, *, threads: int, waits: bool, run: Callable[[Job], None]) -> None:
        self.name = name
        self.threads = threads
        self.waits = waits  #: whether jobs may wait here
        self.is_time = True  #: whether the store is to be asked as soon as there is room, before any ring is answered
        self.hungry = True  #: whether the store may have more, and is to be asked though it is not time
        self._usual = AHEAD_SECONDS  #: how long a job took lately, in seconds
        self._run = run
        self._queue: PriorityQueue[tuple[float, int, Job | None]] = PriorityQueue()
        self._order = count()
        self._held: dict[int, Job] = {}
        self._running: dict[int, float] = {}  #: since when, by job
        self._hung: set[tuple[int, int]] = set()
        self._changed = threading.Condition()

    def start(self) -> None:
        """Start the threads. They do not keep the process alive: a job that hangs must not."""
        for number in range(self.threads):
            self._start_thread(number)

    def _start_thread(self, number: int) -> None:
        threading.Thread(target=self._work, name=f"nexus-{self.name}-{number}", daemon=True).start()

    @property
    def free(self) -> int:
        """How many more jobs it can hold; none, when they take longer than those did for which it took so many."""
        with self._changed:
            return max(0, self._capacity() - len(self._held))

    def _capacity(self) -> int:
        if not self.waits:
            return self.threads
        late = time.monotonic() - LONG_SECONDS
        quick = self.threads - sum(since < late for since in self._running.values())
        many = int(quick * AHEAD_SECONDS / max(self._usual, 1e-6))
        return self.threads + max(AHEAD * quick, min(many, AHEAD_MOST))

    def take(self, jobs: Iterable[Job]) -> None:
        """Run these, which are leased to us."""
        for job in jobs:
            with self._changed:
                self._held[job.id] = job
            self._queue.put((-job.priority, next(self._order), job))

    def let_go(self, jobs: Iterable[Job]) -> None:
        """These have ended, and what came of them is recorded or lost."""
        with self._changed:
            for job in jobs:
                self._running.pop(job.id, None)
                self._held.pop(job.id, None)
            self._changed.notify_all()

    def held(self) -> list[Job]:
        """The jobs that run or wait here: their leases are ours to renew."""
        with self._changed:
            return list(self._held.values())

    def running(self) -> list[tuple[Job, float]]:
        """The jobs that have begun, and for how many seconds they have run."""
        now = time.monotonic()
        with self._changed:
            return [(self._held[job_id], now - began) for job_id, began in self._running.items()]

    def give_up(self, job: Job) -> bool:
        """Hold a job no longer that hangs; false when it has ended meanwhile.

        No thread can be ended from outside: another takes its place, and it ends when its job lets it.
        """
        with self._changed:
            if self._running.pop(job.id, None) is None:
                return False
            del self._held[job.id]
            self._hung.add((job.id, job.attempt))
            self._changed.notify_all()
        self._start_thread(self.threads + len(self._hung))
        return True

    def was_given_up(self, job: Job) -> bool:
        """Whether this attempt was given up."""
        with self._changed:
            return (job.id, job.attempt) in self._hung

    def forget_waiting(self) -> list[Job]:
        """Give up the jobs that no thread has begun; they are the caller's to hand back."""
        return self._forget(len(self._held))

    def forget_surplus(self) -> list[Job]:
        """Give up those that wait behind jobs which take long, the least urgent first; the caller hands them back."""
        with self._changed:
            surplus = len(self._held) - self._capacity()
        return self._forget(surplus)

    def _forget(self, most: int) -> list[Job]:
        with self._changed:
            waiting = [job for job_id, job in self._held.items() if job_id not in self._running]
            waiting.sort(key=lambda job: -job.priority)
            given_up = waiting[-most:] if most > 0 else []
            for job in given_up:
                del self._held[job.id]
        return given_up

    def wait(self, deadline: float) -> bool:
        """Wait until nothing is held, or for `time.monotonic()` to reach the deadline; whether nothing is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._held, max(0.0, deadline - time.monotonic()))

    def stop(self) -> None:
        """Have the threads end after their jobs."""
        for _ in range(self.threads):
            self._queue.put((math.inf, next(self._order), None))

    def _work(self) -> None:
        while (job := self._queue.get()[2]) is not None:
            with self._changed:
                if self._held.get(job.id) is not job:
                    continue  # it was given up while it waited here, and may have come again
                began = self._running[job.id] = time.monotonic()
            self._run(job)
            if self.was_given_up(job):
                return  # another thread has taken this one's place
            self._usual += 0.2 * (time.monotonic() - began - self._usual)
