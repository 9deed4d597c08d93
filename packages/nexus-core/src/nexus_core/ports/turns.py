"""Whose turn it is to call a service outside, among all processes of the hub."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import attrs


@attrs.frozen(kw_only=True)
class Turn:
    """How it stands with the calls of one account."""

    busy_until: datetime  #: somebody calls; when they fell silent, until then
    free_at: datetime  #: before, nobody may write
    closed_until: datetime  #: before, nobody may call at all
    strikes: int  #: limits in a row


class Turns(Protocol):
    """Turns by the name of an account."""

    def take(self, name: str, holder: str, now: datetime, until: datetime) -> bool:
        """Take the turn when it is free; it is the holder's until it is given back, or until that time."""
        ...

    def get(self, name: str) -> Turn | None:
        """How it stands; None = nobody called yet."""
        ...

    def give_back(self, name: str, holder: str, now: datetime, free_at: datetime) -> None:
        """End the holder's turn; the next one may begin at that time."""
        ...

    def close(self, name: str, now: datetime, until: datetime) -> None:
        """Let nobody call before that time; an earlier word that goes further stands."""
        ...

    def strike(self, name: str, now: datetime) -> int:
        """Count a limit; how many they are in a row."""
        ...

    def calm(self, name: str) -> None:
        """The row of limits has ended."""
        ...
