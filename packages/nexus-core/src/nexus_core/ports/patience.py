"""How long the store is waited for: less than usual where somebody outside waits for the caller."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic

_end: ContextVar[float] = ContextVar("end", default=math.inf)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is asked of the store in this block must be over within so many seconds; a longer wait raises Unavailable.

    It is the caller's deadline: it also ends waits for a database that takes everything and answers nothing. A block
    within another has no more time than that one.
    """
    token = _end.set(min(_end.get(), monotonic() + seconds))
    try:
        yield
    finally:
        _end.reset(token)


def left(seconds: float) -> float:
    """Of a wait of so many seconds, as much as the caller has time for: 0 or more.

    >>> with within(1.0):
    ...     0.9 < left(8.0) <= 1.0
    True
    """
    end = _end.get()
    return seconds if end == math.inf else max(0.0, min(seconds, end - monotonic()))
