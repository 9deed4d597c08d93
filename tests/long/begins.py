"""The file in which jobs say that they begin (tests/worker_process.py), read on as it grows."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple


class Begin(NamedTuple):
    """That a job began."""

    process: int
    at: float  #: seconds since the epoch


class Begins:
    """What jobs said."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._found: dict[int, list[Begin]] = defaultdict(list)
        self._lock = threading.Lock()

    def read(self) -> dict[int, list[Begin]]:
        """By job, in their order."""
        with self._lock:
            with self._path.open("rb") as file:
                file.seek(self._at)
                new = file.read()
            new = new[: new.rfind(b"\n") + 1]  # what is being written is read next time
            self._at += len(new)
            for line in new.splitlines():
                number, process, at = line.split()
                self._found[int(number)].append(Begin(int(process), float(at)))
            return dict(self._found)

    def processes(self) -> set[int]:
        """Those in which jobs began."""
        return {begin.process for begins in self.read().values() for begin in begins}

    def wait(self, number: int, times: int, seconds: float) -> Begin | None:
        """The begin of a job for the so-manieth time; None when it did not come."""
        end = time.monotonic() + seconds
        while len(found := self.read().get(number, [])) < times:
            if time.monotonic() >= end:
                return None
            time.sleep(0.05)
        return found[times - 1]
