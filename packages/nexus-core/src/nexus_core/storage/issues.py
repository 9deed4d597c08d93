"""Issues in SQL."""

from __future__ import annotations

from typing import Any

from ..domain.issues import Issue, IssueText
from . import rows
from .session import Row, SqlSession


class SqlIssues:
    """Issues of code hosts, and the tasks that they are kept in step with."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def find(self, source: str, external_id: str) -> Issue | None:
        """One by its host's own id, locked until the transaction ends."""
        row = self._session.one("lock_issue", source=source, external_id=external_id)
        return None if row is None else _issue(row)

    def numbered(self, source: str, repository_id: int, number: int) -> Issue | None:
        """One by its number, locked until the transaction ends."""
        row = self._session.one("lock_issue_by_number", source=source, repository_id=repository_id, number=number)
        return None if row is None else _issue(row)

    def of_task(self, task_id: int) -> Issue | None:
        """The one of a task, locked until the transaction ends."""
        row = self._session.one("lock_issue_of_task", task_id=task_id)
        return None if row is None else _issue(row)

    def add(self, issue: Issue) -> Issue | None:
        """Store an issue under the next id; None when it is there already."""
        row = self._session.one("insert_issue", **_columns(issue))
        return None if row is None else _issue(row)

    def save(self, issue: Issue) -> None:
        """Write a changed issue."""
        self._session.later("update_issue", id=issue.id, task_id=issue.task_id, **_columns(issue))

    def tie(self, issue_id: int, task_id: int) -> None:
        """Have a task know its issue."""
        self._session.later("set_task_issue", id=task_id, issue_id=issue_id)


def _columns(issue: Issue) -> dict[str, Any]:
    text = issue.text
    return {
        "source": issue.source, "repository_id": issue.repository_id, "external_id": issue.external_id,
        "number": issue.number, "url": issue.url, "author": issue.author, "title": text.title, "body": text.body,
        "state": text.state, "labels": rows.to_json(list(text.labels)), "trusted": issue.trusted,
        "host_updated_at": rows.time(issue.host_updated_at),
    }  # fmt: skip


def _issue(row: Row) -> Issue:
    """An issue."""
    text = IssueText(
        title=row["title"], body=row["body"], state=row["state"], labels=tuple(rows.from_json(row["labels"]))
    )
    names = ("id", "source", "repository_id", "external_id", "number", "url", "author", "task_id")
    return Issue(
        **{name: row[name] for name in names}, text=text, trusted=bool(row["trusted"]),
        host_updated_at=rows.maybe_at(row["host_updated_at"]),
    )  # fmt: skip
