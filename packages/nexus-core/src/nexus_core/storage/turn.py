"""The turn to write to an SQLite file, among the threads and processes of a host.

SQLite lets one write at a time, and its own way of waiting (to sleep and look again) starves processes and, when many
wait, costs more time than the writing. Here those who wait sleep in the kernel until it is their turn, in the order in
which they came: one file's lock is the turn, and only the one that holds the other's, the door, waits for it. So
whoever just wrote cannot be quicker than one that waits: it has to come in by the door again.

The kernel's locks end with the process that held them. They know no time-out, so a thread of its own waits for them on
behalf of the others. SQLite's own lock remains the truth: whoever does not know these files is only less fair.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from queue import Empty, SimpleQueue

try:
    import fcntl
except ImportError:  # where there is no such lock, SQLite's own has to do
    fcntl = None  # type: ignore[assignment] # a module, or its absence


class Turn:
    """The turn of one process's threads; a process that forks makes its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.Lock()
        self._files: _Files | None = None

    def take(self, seconds: float) -> bool:
        """Wait for the turn; false when it did not come within the time. :raises OSError: there can be no files"""
        if not self._threads.acquire(timeout=seconds):
            return False
        came = False
        try:
            came = fcntl is None or self._opened().lock(seconds)
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
    """The two locks, and the thread that waits for them while another wants them."""

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._door, self._turn = (os.open(f"{path}-{name}", flags, 0o600) for name in ("door", "turn"))
        self._state = threading.Lock()
        self._wanted = False  #: somebody waits for the answer
        self._busy = False  #: the thread waits for the locks, or will
        self._waiting: threading.Thread | None = None
        self._asked: SimpleQueue[bool] = SimpleQueue()  #: whether to wait, or to end
        self._came: SimpleQueue[None] = SimpleQueue()

    def lock(self, seconds: float) -> bool:
        if self._lock_at_once():
            return True
        self._ask()
        try:
            self._came.get(timeout=seconds)
        except Empty:
            return self._give_up()
        return True

    def _lock_at_once(self) -> bool:
        with self._state:
            if self._busy:  # its locks and ours are the same to the kernel: it would give back what we took
                return False
            if not _lock_now(self._door):
                return False
            came = _lock_now(self._turn)
            fcntl.flock(self._door, fcntl.LOCK_UN)
            return came

    def _ask(self) -> None:
        with self._state:
            self._wanted = True
            if self._waiting is None:
                self._waiting = threading.Thread(target=self._wait, name="nexus-turn", daemon=True)
                self._waiting.start()
            if not self._busy:
                self._busy = True
                self._asked.put(True)

    def _give_up(self) -> bool:
        with self._state:
            self._wanted = False
            return not self._came.empty() and self._came.get() is None  # it came in this very moment

    def _wait(self) -> None:
        while self._asked.get():
            fcntl.flock(self._door, fcntl.LOCK_EX)
            fcntl.flock(self._turn, fcntl.LOCK_EX)
            fcntl.flock(self._door, fcntl.LOCK_UN)
            with self._state:
                self._busy = False
                if self._wanted:
                    self._wanted = False
                    self._came.put(None)
                else:
                    self.unlock()  # whoever asked has given up
        self._close()

    def unlock(self) -> None:
        fcntl.flock(self._turn, fcntl.LOCK_UN)

    def close(self) -> None:
        with self._state:
            if self._waiting is None:
                self._close()
            else:
                self._asked.put(False)  # it may sleep in the kernel: it closes what it waits for

    def _close(self) -> None:
        os.close(self._door)
        os.close(self._turn)


def _lock_now(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
