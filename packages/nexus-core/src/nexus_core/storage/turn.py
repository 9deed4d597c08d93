"""The turn to write to an SQLite file, among the threads and processes of a host.

SQLite lets one write at a time, and its own way of waiting (all sleep and look again) starves processes and, when many
wait, costs more time than the writing. Here those who wait sleep in the kernel before a door, in the order in which
they came; only the one that has passed it looks whether the turn is free. Whoever came by the door may write again
without it for a moment: to hand the turn on takes as long as a write, and a process that goes on has all at hand.

Door and turn are the kernel's locks on two files beside the database, so that they end with the process that held them.
SQLite's own lock remains the truth: whoever does not know these files is only less fair.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue

try:
    import fcntl
except ImportError:  # where there is no such lock, SQLite's own has to do
    fcntl = None  # type: ignore[assignment] # a module, or its absence

_AGAIN = 0.003
"""Seconds for which one that came by the door may write again and again: eight processes then wait 25 ms."""

_LOOK = 0.0004
"""Seconds between two looks of the one that has passed the door."""


class Turn:
    """The turn of one process's threads; a process that forks makes its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.Lock()
        self._files: _Files | None = None

    def take(self, seconds: float) -> bool:
        """Wait for the turn; false when it did not come within the time. :raises OSError: there can be no files"""
        began = time.monotonic()
        if not self._threads.acquire(timeout=seconds):
            return False
        came = False
        try:
            came = fcntl is None or self._opened().lock(began + seconds)
        finally:
            if not came:
                self._threads.release()
        return came

    def leave(self) -> None:
        """Let another write."""
        if self._files is not None:
            self._files.unlock()
        self._threads.release()

    def close(self) -> None:
        """Let go of the files."""
        if self._files is not None:
            self._files.close()
            self._files = None

    def _opened(self) -> _Files:
        if self._files is None:
            self._files = _Files(self._path)
        return self._files


class _Files:
    """The two locks, for one thread at a time."""

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._door, self._turn = (os.open(f"{path}-{name}", flags, 0o600) for name in ("door", "turn"))
        self._wait = _Wait(self._door)
        self._again = 0.0  #: until then the turn may be taken without the door

    def lock(self, end: float) -> bool:
        now = time.monotonic()
        if now < self._again and _lock_now(self._turn):
            return True
        if not self._wait.pass_by(end - now):
            return False
        while not (came := _lock_now(self._turn)) and time.monotonic() < end:
            time.sleep(_LOOK)
        fcntl.flock(self._door, fcntl.LOCK_UN)
        if came:
            self._again = time.monotonic() + _AGAIN
        return came

    def unlock(self) -> None:
        fcntl.flock(self._turn, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._turn)
        self._wait.close()


class _Wait:
    """The wait before the door. The kernel's knows no time-out, so a thread of its own waits on behalf of others."""

    def __init__(self, door: int) -> None:
        self._door = door
        self._state = threading.Lock()
        self._wanted = False  #: somebody waits for the answer
        self._busy = False  #: the thread waits for the lock, or will
        self._thread: threading.Thread | None = None
        self._asked: SimpleQueue[bool] = SimpleQueue()  #: whether to wait, or to end
        self._came: SimpleQueue[None] = SimpleQueue()

    def pass_by(self, seconds: float) -> bool:
        """Have the door to oneself, in so many seconds at most."""
        with self._state:
            # While the thread waits, its lock and ours are the same to the kernel: it would give back what we took.
            if not self._busy and _lock_now(self._door):
                return True
            self._ask()
        try:
            self._came.get(timeout=max(0.0, seconds))
        except Empty:
            return self._give_up()
        return True

    def _ask(self) -> None:
        self._wanted = True
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="nexus-turn", daemon=True)
            self._thread.start()
        if not self._busy:
            self._busy = True
            self._asked.put(True)

    def _give_up(self) -> bool:
        with self._state:
            self._wanted = False
            return not self._came.empty() and self._came.get() is None  # it came in this very moment

    def _run(self) -> None:
        while self._asked.get():
            fcntl.flock(self._door, fcntl.LOCK_EX)
            with self._state:
                self._busy = False
                if self._wanted:
                    self._wanted = False
                    self._came.put(None)
                else:
                    fcntl.flock(self._door, fcntl.LOCK_UN)  # whoever asked has given up
        os.close(self._door)

    def close(self) -> None:
        """Let go of the door."""
        with self._state:
            if self._thread is None:
                os.close(self._door)
            else:
                self._asked.put(False)  # it may sleep in the kernel: it closes what it waits for


def _lock_now(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
