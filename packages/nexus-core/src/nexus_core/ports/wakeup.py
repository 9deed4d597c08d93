"""The wake-up: how a worker learns at once that there is work. It carries hints; the job row is the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs


@attrs.frozen
class Ring:
    """A job that may be due, in its lane."""

    lane: str
    job_id: int


class Wakeup(Protocol):
    """Tells workers of new jobs. Losing a ring costs at most one poll interval."""

    def ring(self, rings: Sequence[Ring]) -> None:
        """Announce committed jobs. Best effort: never raises, never blocks for longer than a few seconds."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class NoWakeup:
    """Nobody is told: workers ask the store."""

    def ring(self, rings: Sequence[Ring]) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
