"""The collection of scores: where the complexity of each task comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from ..domain.complexity import Score


class Scores(Protocol):
    """Where the complexity of each task comes from."""

    def of(self, ids: Sequence[int]) -> dict[int, Score]:
        """The scores of these tasks, for those that have one on record."""
        ...

    def save(self, scores: Mapping[int, Score], now: datetime) -> None:
        """Record scores, and set the tasks' complexity to them; their versions stay, as with all that is derived."""
        ...

    def estimated_otherwise(self, repository_id: int, estimator: str) -> list[int]:
        """The tasks of a repository that have no score on record, or an estimate that is not this estimator's."""
        ...

    def parts(self, ids: Sequence[int]) -> dict[int, int]:
        """How many subtasks each of these has; only those that have some."""
        ...
