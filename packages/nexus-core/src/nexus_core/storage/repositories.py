"""Repositories and changes in SQL."""

from __future__ import annotations

import builtins
from datetime import datetime

from ..clock import to_text
from ..domain.changes import Change, ChangeLink, ChangeRef, ChangeState
from ..domain.repositories import Repository
from ..errors import Duplicate, NotFound
from . import rows
from .session import Row, SqlSession


class SqlRepositories:
    """Repositories."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def add(self, name: str, url: str, *, default_branch: str, external_id: str | None, now: datetime) -> Repository:
        """Store a repository."""
        if self.find(name):
            raise Duplicate(f"the repository {name} is there already")
        row = self._session.one(
            "insert_repository", name=name, url=url, default_branch=default_branch, external_id=external_id,
            now=to_text(now),
        )  # fmt: skip
        if row is None:
            raise Duplicate(f"the repository {name} is there already")
        return _repository(row)

    def get(self, repository_id: int) -> Repository:
        """One."""
        row = self._session.one("get_repository", id=repository_id) if abs(repository_id) < 2**63 else None
        if row is None:
            raise NotFound(f"there is no repository {repository_id}")
        return _repository(row)

    def find(self, name: str) -> Repository | None:
        """By name, whatever the case."""
        row = self._session.one("find_repository", name=name)
        return None if row is None else _repository(row)

    def find_external(self, external_id: str) -> Repository | None:
        """By its host's own id."""
        row = self._session.one("find_repository_external", external_id=external_id)
        return None if row is None else _repository(row)

    def list(self) -> list[Repository]:
        """All."""
        return [_repository(row) for row in self._session.all("list_repositories")]

    def save(self, repository: Repository) -> None:
        """Write a changed repository."""
        self._session.run(
            "update_repository", id=repository.id, name=repository.name, url=repository.url,
            default_branch=repository.default_branch, external_id=repository.external_id,
        )  # fmt: skip


class SqlChanges:
    """Changes on code hosts, and the tasks that they belong to."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def find(self, source: str, repository_id: int, number: int) -> Change | None:
        """One, locked until the transaction ends."""
        row = self._session.one("lock_change", source=source, repository_id=repository_id, number=number)
        return None if row is None else _change(row)

    def add(self, ref: ChangeRef, repository_id: int, state: ChangeState, now: datetime) -> Change | None:
        """Store a change; None when it is there already."""
        row = self._session.one(
            "insert_change", source=ref.source, repository_id=repository_id, number=ref.number, state=str(state),
            title=ref.title, branch=ref.branch, url=ref.url, author=ref.author, head=ref.head, now=to_text(now),
            host_updated_at=rows.time(ref.updated_at),
        )  # fmt: skip
        return None if row is None else _change(row)

    def save(self, change: Change, now: datetime) -> None:
        """Write a changed change."""
        self._session.run(
            "update_change", id=change.id, state=str(change.state), title=change.title, branch=change.branch,
            url=change.url, author=change.author, head=change.head, now=to_text(now),
            host_updated_at=rows.time(change.host_updated_at),
        )  # fmt: skip

    def of_task(self, task_id: int) -> builtins.list[tuple[Change, ChangeLink]]:
        """The changes that name a task, with why."""
        found = self._session.all("changes_of_task", task_id=task_id)
        return [(_change(row), _change_link(row, row["id"])) for row in found]

    def by_head(self, source: str, repository_id: int, head: str) -> builtins.list[Change]:
        """The changes that end with this commit."""
        found = self._session.all("changes_by_head", source=source, repository_id=repository_id, head=head)
        return [_change(row) for row in found]

    def by_branch(self, repository_id: int, branch: str) -> builtins.list[Change]:
        """The changes of a branch."""
        found = self._session.all("changes_by_branch", repository_id=repository_id, branch=branch)
        return [_change(row) for row in found]

    def links(self, change_id: int) -> builtins.list[ChangeLink]:
        """The tasks of a change."""
        return [_change_link(row, change_id) for row in self._session.all("links_of_change", change_id=change_id)]

    def link(self, link: ChangeLink) -> bool:
        """Tie a change to a task; false when it was so already."""
        fields = {
            "change_id": link.change_id,
            "task_id": link.task_id,
            "closes": link.closes,
            "reason": link.reason,
        }
        if self._session.run("insert_change_link", **fields):
            return True
        self._session.run("update_change_link", **fields)
        return False


def _repository(row: Row) -> Repository:
    """A repository."""
    return Repository(**{**row, "created_at": rows.at(row["created_at"])})


def _change(row: Row) -> Change:
    """A change."""
    names = ("id", "source", "repository_id", "number", "title", "branch", "url", "author", "head")
    return Change(
        **{name: row[name] for name in names},
        state=ChangeState(row["state"]),
        created_at=rows.at(row["created_at"]),
        updated_at=rows.at(row["updated_at"]),
        host_updated_at=rows.maybe_at(row["host_updated_at"]),
    )


def _change_link(row: Row, change_id: int) -> ChangeLink:
    """Why a change belongs to a task."""
    return ChangeLink(change_id=change_id, task_id=row["task_id"], closes=bool(row["closes"]), reason=row["reason"])
