"""Outlines of tasks in SQL."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ..domain.findings import FileMend
from ..domain.tasks import Priority, Status, Task
from . import rows
from .session import Row, SqlSession, chunks
from .tasks import SqlTasks


class SqlCharts:
    """Outlines of tasks, and mends of task files."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def outline(self, repository_id: int | None) -> list[Task]:
        """The tasks of a repository, or of those that are in none."""
        if repository_id is None:
            return self._tasks(self._session.all("outline_no_repository"))
        return self._tasks(self._session.all("outline_repository", repository_id=repository_id))

    def outlines(self, ids: Sequence[int]) -> list[Task]:
        """Those of the ids that exist, by id."""
        parts = chunks(sorted(set(ids)))
        return self._tasks([row for part in parts for row in self._session.all("chart_tasks", ids=part)])

    def _tasks(self, found: Sequence[Row]) -> list[Task]:
        dependencies: dict[int, list[int]] = {}
        for task_id, on in SqlTasks(self._session).dependencies([row["id"] for row in found]):
            dependencies.setdefault(task_id, []).append(on)
        return [_task(row, tuple(dependencies.get(row["id"], ()))) for row in found]

    def imported(self, repository_id: int) -> frozenset[int]:
        """The tasks of a repository that came from a task file."""
        return frozenset(row["id"] for row in self._session.all("imported_tasks", repository_id=repository_id))

    def file_mends(self, repository_id: int) -> tuple[FileMend, ...]:
        """What was mended in the text of the repository's task file."""
        row = self._session.one("get_file_mends", repository_id=repository_id)
        return tuple(FileMend(**mend) for mend in rows.from_json(row["mends"])) if row else ()

    def set_file_mends(self, repository_id: int, mends: Sequence[FileMend]) -> None:
        """Remember these mends, and no others."""
        plain = rows.to_json([attrs.asdict(mend) for mend in mends])
        self._session.later("set_file_mends", repository_id=repository_id, mends=plain)


def _task(row: Row, dependencies: tuple[int, ...]) -> Task:
    """A task without its texts."""
    fields = dict(row)
    fields.update(
        status=Status(row["status"]),
        priority=Priority(row["priority"]),
        labels=tuple(rows.from_json(row["labels"])),
        not_before=rows.maybe_at(row["not_before"]),
        created_at=rows.at(row["created_at"]),
        updated_at=rows.at(row["updated_at"]),
        dependencies=dependencies,
    )
    return Task(**fields)
