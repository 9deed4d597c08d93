"""What was sent, written down before each send and after each answer, so that all can be reconciled afterwards."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

OK, FAILED, UNKNOWN = "ok", "failed", "unknown"


class Ledger:
    """A file of lines, each synced to the disk before the next step."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("a")
        self._lock = threading.Lock()

    def note(self, name: str, word: str) -> None:
        """`sent` before a send; then `ok` (2xx), `failed` (not sent, or with a status), or `unknown`."""
        with self._lock:
            self._file.write(json.dumps([name, word]) + "\n")
            self._file.flush()
            os.fdatasync(self._file.fileno())

    def read(self) -> dict[str, str]:
        """What became of each; one that was sent and of which no more is known is unknown."""
        found: dict[str, str] = {}
        for name, word in self._lines():
            found[name] = UNKNOWN if word == "sent" else word
        return found

    def _lines(self) -> Iterator[tuple[str, str]]:
        for line in self._path.read_text().splitlines():
            name, word = json.loads(line)
            yield name, word
