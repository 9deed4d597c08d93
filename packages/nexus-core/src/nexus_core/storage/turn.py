"""The turn to write to an SQLite file, among the threads and processes of a host.

SQLite lets one write at a time, and its own way of waiting starves processes. Here those who wait look now and then, at
longer and longer intervals, for each look takes time from the one who writes. Who has waited long goes to the door:
while somebody stands there nobody else may take the turn, so the wait has an end. They go one by one with a pause
between: on a busy machine it takes a while until the one at the door looks again, and meanwhile nobody writes.

The locks are the kernel's, on two files beside the database, so that they end with the process that held them. SQLite's
own lock remains the truth: whoever does not know these files is only less fair.
"""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path

try:
    import fcntl
except ImportError:  # where there is no such lock, SQLite's own has to do
    fcntl = None  # type: ignore[assignment] # a module, or its absence

_LONG = 0.04
"""Seconds after which one that waits goes to the door."""

_PAUSE = 0.01
"""Seconds between one that came by the door and the next."""

_FIRST, _LAST = 0.0002, 0.001
"""Seconds between two looks of one that waits: at first, and at most."""

_AT_THE_DOOR = 0.0002
"""Seconds between two looks of the one at the door."""


class Turn:
    """The turn of one process's threads; a process that forks makes its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.Lock()
        self._files: tuple[int, int] | None = None

    def take(self, seconds: float) -> bool:
        """Wait for the turn; false when it did not come within the time."""
        began = time.monotonic()
        if not self._threads.acquire(timeout=seconds):
            return False
        came = False
        try:
            came = fcntl is None or self._came(began, seconds)
        finally:
            if not came:
                self._threads.release()
        return came

    def _came(self, began: float, seconds: float) -> bool:
        door, turn = self._opened()
        pause = _FIRST
        while True:
            if _lock(door):
                if _lock(turn):
                    fcntl.flock(door, fcntl.LOCK_UN)
                    return True
                if time.monotonic() - began > _LONG and time.time() - os.fstat(door).st_mtime > _PAUSE:
                    return self._came_at_the_door(door, turn, began + seconds)
                fcntl.flock(door, fcntl.LOCK_UN)
            if time.monotonic() - began > seconds:
                return False
            time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - a wait, not a secret
            pause = min(2 * pause, _LAST)

    def _came_at_the_door(self, door: int, turn: int, end: float) -> bool:
        came = _lock(turn)
        while not came and time.monotonic() < end:
            time.sleep(_AT_THE_DOOR)
            came = _lock(turn)
        os.utime(door)
        fcntl.flock(door, fcntl.LOCK_UN)
        return came

    def leave(self) -> None:
        """Let another write."""
        if self._files is not None:
            fcntl.flock(self._files[1], fcntl.LOCK_UN)
        self._threads.release()

    def close(self) -> None:
        """Let go of the files."""
        if self._files is not None:
            for file in self._files:
                os.close(file)
            self._files = None

    def _opened(self) -> tuple[int, int]:
        if self._files is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            door, turn = (os.open(f"{self._path}-{name}", flags, 0o600) for name in ("door", "turn"))
            self._files = (door, turn)
        return self._files


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
