"""What the store remembers of requests: those that may be repeated, and how many they were."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ..domain.answers import Attempt, Remembered


class Answers(Protocol):
    """Requests by who asked and by their key, with their answers."""

    def begin(self, attempt: Attempt, now: datetime) -> bool:
        """Note that a request is being worked on; false when its key is known already."""
        ...

    def get(self, asker: str, key_hash: str) -> Remembered | None:
        """What is known under a key."""
        ...

    def take_over(self, attempt: Attempt, now: datetime, silent_since: datetime) -> bool:
        """Begin anew what was begun before that time, has no answer and took no effect; false when it is not so."""
        ...

    def apply(self, attempt: Attempt) -> bool:
        """Note, in the transaction of the effect, that it took effect; false when another try took over."""
        ...

    def finish(self, attempt: Attempt, status: int, answer: bytes) -> None:
        """Remember the answer."""
        ...

    def drop(self, attempt: Attempt) -> bool:
        """Forget a request that took no effect; false when it did."""
        ...

    def prune(self, before: datetime, limit: int) -> int:
        """Forget so many of those that came before that time; how many they were."""
        ...

    def count(self, who: str, period: int, number: int, now: datetime) -> int:
        """Add to what one has asked for in a period; what it is with what others added."""
        ...

    def prune_counts(self, before: datetime) -> int:
        """Forget what was counted before that time; how many they were."""
        ...
