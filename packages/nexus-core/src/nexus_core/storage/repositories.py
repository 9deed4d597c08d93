"""Repositories in SQL."""

from __future__ import annotations

from datetime import datetime

from ..clock import to_text
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

    def get(self, repository_id: int, *, lock: bool = False) -> Repository:
        """One."""
        row = None
        if abs(repository_id) < 2**63:
            row = self._session.one("lock_repository" if lock else "get_repository", id=repository_id)
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
            default_branch=repository.default_branch, external_id=repository.external_id, state=repository.state,
            state_at=rows.time(repository.state_at), reachable=repository.reachable,
            reachable_at=rows.time(repository.reachable_at),
        )  # fmt: skip


def _repository(row: Row) -> Repository:
    """A repository."""
    fields = dict(row)
    fields.update(
        created_at=rows.at(row["created_at"]), state_at=rows.maybe_at(row["state_at"]),
        reachable=bool(row["reachable"]), reachable_at=rows.maybe_at(row["reachable_at"]),
    )  # fmt: skip
    return Repository(**fields)
