"""Recording what came of jobs: of all that ended since the last time together, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from nexus_core.domain.jobs import Job, Outcome

AT_ONCE = 50
"""How many outcomes one transaction records at most."""

Ended = tuple[Job, Outcome]


class Settling:
    """Records outcomes by `record`, which is given several at once where several have ended meanwhile.

    A transaction for each would be most of the work of a short job. Nobody waits for others to end: whatever is there
    is recorded. Until then the worker holds the jobs, and renews their leases.
    """

    def __init__(self, record: Callable[[Sequence[Ended]], None]) -> None:
        self._record = record
        self._queue: SimpleQueue[Ended | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="nexus-settling", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, job: Job, outcome: Outcome) -> None:
        """A job ended."""
        self._queue.put((job, outcome))

    def stop(self, timeout: float) -> None:
        """End, when all that was put is recorded."""
        self._queue.put(None)
        self._thread.join(timeout)

    def _work(self) -> None:
        ends = False
        while not ends:
            found, ends = self._next()
            if found:
                self._record(found)

    def _next(self) -> tuple[list[Ended], bool]:
        """What has ended, and whether that was all."""
        found: list[Ended] = []
        one = self._queue.get()
        while one is not None:
            found.append(one)
            if len(found) == AT_ONCE:
                return found, False
            try:
                one = self._queue.get_nowait()
            except Empty:
                return found, False
        return found, True
