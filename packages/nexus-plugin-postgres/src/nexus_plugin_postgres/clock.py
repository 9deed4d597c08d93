"""The database's clock, which every host that uses the database shares."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from nexus_core.errors import NexusError

GOOD_FOR = 10.0
"""Seconds after which the database is asked again: it may have moved to another host."""


def steady() -> float:
    """Seconds since some instant, by a count that nobody sets; where the system can, it goes on while it sleeps."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class DatabaseClock:
    """Tells the time by the database, which is asked once in a while, and by how long ago that was.

    Leases are counted on it, so that a host whose own clock is wrong neither takes what others hold nor keeps what is
    no longer its own. What the host believes the date to be is not looked at.
    """

    def __init__(self, ask: Callable[[], datetime]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._zero: datetime | None = None  #: the database's time when the count was 0
        self._asked = float("-inf")

    def now(self) -> datetime:
        """The present instant, aware, in UTC.

        :raises Unavailable: the database was not reached yet
        """
        zero = self._zero
        if zero is None or steady() - self._asked > GOOD_FOR:
            zero = self._look(zero)
        return zero + timedelta(seconds=steady())

    def _look(self, zero: datetime | None) -> datetime:
        """Ask the database. One thread does; the others wait for it only where nothing is known yet."""
        if not self._lock.acquire(blocking=zero is None) and zero is not None:
            return zero
        try:
            if self._zero is None or steady() - self._asked > GOOD_FOR:
                self._zero = self._told()
                self._asked = steady()
            return self._zero
        finally:
            self._lock.release()

    def _told(self) -> datetime:
        before = steady()
        try:
            told = self._ask()
        except NexusError:
            if self._zero is None:
                raise
            return self._zero  # what we knew is good for a while longer
        return told.astimezone(UTC) - timedelta(seconds=(before + steady()) / 2)
