"""Counts of requests, shared by the worker processes of one server."""

from __future__ import annotations

import mmap
import struct
import threading
from collections.abc import Iterator

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other")
CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
SLOTS = 32  #: more than a server has workers at once
_CELL = struct.Struct("qd")  #: how many, and how many seconds they took together
_SLOT_SIZE = len(METHODS) * len(CLASSES) * _CELL.size


class RequestCounters:
    """Requests by method and class of status.

    Made before the workers are forked, it lies in memory that they share. Each worker writes into a slot of its own,
    and whichever is asked adds them all up.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, SLOTS * _SLOT_SIZE)
        self._slot = 0
        self._lock = threading.Lock()

    def use_slot(self, number: int) -> None:
        """Write into this worker's slot from now on; a worker that replaces another goes on in one of the slots."""
        self._slot = number % SLOTS

    def count(self, method: str, status: int, seconds: float) -> None:
        """Add a request."""
        row = METHODS.index(method) if method in METHODS else len(METHODS) - 1
        column = min(max(status // 100, 1), 5) - 1
        offset = self._slot * _SLOT_SIZE + (row * len(CLASSES) + column) * _CELL.size
        with self._lock:
            number, total = _CELL.unpack_from(self._memory, offset)
            _CELL.pack_into(self._memory, offset, number + 1, total + seconds)

    def totals(self) -> Iterator[tuple[str, str, int, float]]:
        """Method, class of status, how many and how many seconds together; those that never came are left out."""
        for index in range(len(METHODS) * len(CLASSES)):
            cells = [_CELL.unpack_from(self._memory, slot * _SLOT_SIZE + index * _CELL.size) for slot in range(SLOTS)]
            number = sum(cell[0] for cell in cells)
            if number:
                row, column = divmod(index, len(CLASSES))
                yield METHODS[row], CLASSES[column], number, sum(cell[1] for cell in cells)
