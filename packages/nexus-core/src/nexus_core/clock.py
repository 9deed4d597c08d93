"""Time comes from here and from nowhere else, so that tests can hold it still."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)


@lru_cache(maxsize=64)
def to_text(at: datetime) -> str:
    """An instant as Nexus writes it everywhere: UTC, ISO 8601, microseconds, `Z`.

    >>> to_text(datetime(2026, 1, 31, 12, tzinfo=UTC))
    '2026-01-31T12:00:00.000000Z'
    """
    return at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def from_text(text: str) -> datetime:
    """The instant that an ISO 8601 text names; a text without a zone is taken as UTC.

    >>> from_text("2026-01-31T12:00:00Z") == from_text("2026-01-31T13:00:00.000000+01:00")
    True

    :raises ValueError: it names none, or one that is before the year 1 or behind 9999 in UTC
    """
    at = datetime.fromisoformat(text)
    try:
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from None
