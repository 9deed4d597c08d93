"""The threads that answer requests.

Of all threads only a few work at a time, since only one at a time can hold the interpreter: each further one that wants
it costs the others more than it does. Those in reserve help when requests have waited too long: while the database is
slow, say, or while some of those at work wait for events to come.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from . import waiting

AT_WORK = 3
LATE_SECONDS = 0.1  #: a request that waited so long has one of the reserve help


class Crew:
    """Threads, up to a number, that work off what is submitted, in its order.

    It is not `concurrent.futures`, which makes a promise for each piece of work, with a lock and a condition, and has
    all its threads work at once. Nobody waits for an answer here: whoever made it sees to the connection afterwards.
    """

    def __init__(self, number: int, work: Callable[[Any], None], name: str) -> None:
        """Begin. `work` lets no exception out."""
        self._work = work
        self._number = number
        self._name = name
        self._threads = 0
        self._idle: list[SimpleQueue[bool]] = []  #: the one that worked last comes first: what it used is at hand
        self._counting = threading.Lock()
        self.queue: deque[tuple[float, Any]] = deque()

    def submit(self, item: Any) -> None:
        """Have a thread work on this."""
        self.queue.append((time.monotonic(), item))
        self.help()

    def help(self) -> None:
        """Call another thread to work, where what waits needs one."""
        with self._counting:
            busy = self._threads - len(self._idle)
            if not self.queue or busy >= self._number:
                return
            if busy < AT_WORK + waiting.seated() or time.monotonic() - self.queue[0][0] > LATE_SECONDS:
                (self._idle.pop() if self._idle else self._begun()).put(True)

    def _begun(self) -> SimpleQueue[bool]:
        calls: SimpleQueue[bool] = SimpleQueue()
        name = f"{self._name}_{self._threads}"
        self._threads += 1
        # What it still does when the worker has had its time to stop, its end cuts off.
        threading.Thread(target=self._run, args=(calls,), name=name, daemon=True).start()
        return calls

    def shutdown(self, wait: bool = False) -> None:
        """Let the threads end that do nothing; the others end with the process."""
        with self._counting:
            for calls in self._idle:
                calls.put(False)

    def _run(self, calls: SimpleQueue[bool]) -> None:
        while calls.get():
            while (item := self._next(calls)) is not None:
                self._work(item)

    def _next(self, calls: SimpleQueue[bool]) -> Any:
        with self._counting:
            if self.queue:
                return self.queue.popleft()[1]
            self._idle.append(calls)
            return None
