"""What the doctor of tasks asks of the store: many tasks without their texts, and what it mended in task files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..domain.findings import FileMend
from ..domain.tasks import Task


class Charts(Protocol):
    """Outlines of tasks: everything but their texts, raw data and retries, so that thousands are read at once."""

    def outline(self, repository_id: int | None) -> list[Task]:
        """The tasks of a repository, or of those that are in none, by id."""
        ...

    def outlines(self, ids: Sequence[int]) -> list[Task]:
        """Those of the ids that exist, by id."""
        ...

    def imported(self, repository_id: int) -> frozenset[int]:
        """The tasks of a repository that came from a task file."""
        ...

    def file_mends(self, repository_id: int) -> tuple[FileMend, ...]:
        """What was mended in the text of the repository's task file; it outlasts an import."""
        ...

    def set_file_mends(self, repository_id: int, mends: Sequence[FileMend]) -> None:
        """Remember these mends, and no others."""
        ...
