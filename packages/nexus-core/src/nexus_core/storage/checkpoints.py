"""Carrying what was written from SQLite's log (WAL) into the database, beside the writers instead of within them.

SQLite by itself tries at each commit once the log is long. While a forgotten reader keeps it from doing so, each try
sorts the whole log for nothing: within a minute writes take ten times as long. Here a thread of one of the
processes tries now and then, and more seldom the longer a try takes.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic, time

EVERY = 0.25
"""Seconds between two tries, at least."""

SHARE = 20.0
"""A try that took a second is followed by so many seconds without one."""

LONGEST = 30.0
"""Seconds between two tries, at most: so long may the log stay when the reader has gone."""


class Checkpoints:
    """Those of one process; a process that forks makes its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._times = Path(f"{path}-turn")
        self._wanted = threading.Event()
        self._closed = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def committed(self) -> None:
        """Note that the log has grown."""
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="nexus-checkpoints", daemon=True)
                    self._thread.start()
        if not self._wanted.is_set():
            self._wanted.set()

    def close(self) -> None:
        """Try no more. What remains in the log is carried over by whoever closes the database last."""
        self._closed.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while self._wanted.wait() and not self._closed.wait(max(EVERY, self._pause())):
            if self._pause() > 0:
                continue  # another process tried meanwhile
            self._wanted.clear()
            began = monotonic()
            if not self._tried():
                self._wanted.set()  # once more, even if nobody writes
            self._put_off(SHARE * (monotonic() - began))

    def _pause(self) -> float:
        """Seconds until the next try of any process is due: the time of the file says when that is."""
        try:
            return min(self._times.stat().st_mtime - time(), LONGEST)
        except OSError:
            return EVERY

    def _put_off(self, seconds: float) -> None:
        due = time() + min(max(EVERY, seconds), LONGEST)
        with suppress(OSError):
            os.utime(self._times, (due, due))

    def _tried(self) -> bool:
        """Carry over what can be; whether that was all."""
        try:
            connection = sqlite3.connect(self._path, isolation_level=None, timeout=0)
            try:
                _, written, carried = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            finally:
                connection.close()
        except sqlite3.Error:
            return False  # the disk is full, or the file is gone: who writes will say so
        return bool(written == carried)
