"""A lock between processes and threads of one machine, which its holder's death releases."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, *, wait: float, beat: Callable[[], None] = lambda: None) -> Iterator[bool]:
    """Hold the lock of this file; yields False when it was not to be had within `wait` seconds.

    `beat` is called while waiting, about ten times a second.
    """
    deadline = time.monotonic() + wait
    descriptor = _try(path)
    while descriptor is None and time.monotonic() < deadline:
        time.sleep(0.1)
        beat()
        descriptor = _try(path)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _try(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == path.stat().st_ino:  # else: removed and made anew meanwhile
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None
