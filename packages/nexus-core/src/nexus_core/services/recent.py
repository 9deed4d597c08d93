"""What was read a moment ago, so that it need not be read for every request."""

from __future__ import annotations

import time
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """Values by name, each for so many seconds after it was asked for, and `size` of them at most."""

    def __init__(self, seconds: float, size: int = 1000) -> None:
        self._seconds = seconds
        self._size = size
        self._values: dict[str, tuple[float, T]] = {}
        self._forgotten = float("-inf")  #: when; what was asked for before it is not kept after it either

    def now(self) -> float:
        """The time by which values grow old; taken before a value is asked for."""
        return time.monotonic()

    def get(self, name: str) -> T | None:
        """The value, while it is recent."""
        found = self._values.get(name)
        if found is None or found[0] <= self._forgotten or self.now() - found[0] >= self._seconds:
            return None
        return found[1]

    def keep(self, name: str, value: T, asked: float) -> None:
        """Remember a value that was asked for at that time."""
        if len(self._values) >= self._size:
            self._values = {}
        self._values[name] = (asked, value)

    def forget(self) -> None:
        """Remember nothing, not even what somebody is just asking for."""
        self._forgotten = self.now()
        self._values = {}
