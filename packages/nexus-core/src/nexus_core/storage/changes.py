"""Changes on code hosts in SQL, with what reviewers and checks said of them."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from datetime import datetime

from ..clock import to_text
from ..domain.changes import BranchCommit, Change, ChangeLink, ChangeRef, ChangeState, Check, CommitLink, Review
from . import rows
from .session import Row, SqlSession


class SqlChanges:
    """Changes on code hosts, and the tasks that they belong to."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def find(self, source: str, repository_id: int, number: int) -> Change | None:
        """One, locked until the transaction ends."""
        row = self._session.one("lock_change", source=source, repository_id=repository_id, number=number)
        return None if row is None else _change(row)

    def add(
        self, ref: ChangeRef, repository_id: int, state: ChangeState, now: datetime,
        *, merged_at: datetime | None = None, merge_commit: str = "",
    ) -> Change | None:  # fmt: skip
        """Store a change; None when it is there already."""
        row = self._session.one(
            "insert_change", source=ref.source, repository_id=repository_id, number=ref.number, state=str(state),
            title=ref.title, branch=ref.branch, url=ref.url, author=ref.author, head=ref.head, now=to_text(now),
            host_updated_at=rows.time(ref.updated_at), host_created_at=rows.time(ref.created_at),
            merged_at=rows.time(merged_at), merge_commit=merge_commit, is_fork=ref.is_fork,
        )  # fmt: skip
        return None if row is None else _change(row)

    def save(self, change: Change, now: datetime) -> None:
        """Write a changed change."""
        self._session.later(
            "update_change", id=change.id, state=str(change.state), title=change.title, branch=change.branch,
            url=change.url, author=change.author, head=change.head, now=to_text(now),
            host_updated_at=rows.time(change.host_updated_at), host_created_at=rows.time(change.host_created_at),
            merged_at=rows.time(change.merged_at), merge_commit=change.merge_commit, is_fork=change.is_fork,
        )  # fmt: skip

    def of_task(self, task_id: int) -> builtins.list[tuple[Change, ChangeLink]]:
        """The changes that name a task, with why."""
        found = self._session.all("changes_of_task", task_id=task_id)
        return [(_change(row), _change_link(row, row["id"])) for row in found]

    def by_head(self, source: str, repository_id: int, head: str) -> builtins.list[Change]:
        """The changes that end with this commit."""
        found = self._session.all("changes_by_head", source=source, repository_id=repository_id, head=head)
        return [_change(row) for row in found]

    def open_in(self, source: str, repository_id: int) -> builtins.list[Change]:
        """The changes of a repository that may still be merged."""
        found = self._session.all("open_changes", source=source, repository_id=repository_id)
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
        self._session.later("mark_task_linked", task_id=link.task_id)
        if self._session.run("insert_change_link", **fields):
            return True
        self._session.later("update_change_link", **fields)
        return False

    def look(self, source: str, repository_id: int, number: int) -> Change | None:
        """One, as it is."""
        row = self._session.one("find_change", source=source, repository_id=repository_id, number=number)
        return None if row is None else _change(row)

    def by_commit(self, source: str, repository_id: int, commit: str) -> builtins.list[Change]:
        """The changes that end with this commit, or whose merge made it."""
        found = self._session.all("changes_by_commit", source=source, repository_id=repository_id, commit_id=commit)
        return [_change(row) for row in found]

    def spend(self, task_id: int) -> None:
        """Note that what has been merged completes the task no more: somebody reopened it."""
        self._session.later("spend_change_links", task_id=task_id)
        self._session.later("spend_commit_links", task_id=task_id)

    # What reviewers and checks said -----------------------------------------------------------------------------------

    def reviews(self, source: str, repository_id: int, number: int) -> builtins.list[Review]:
        """The latest word of each reviewer of a change, which need not be known itself."""
        found = self._session.all("reviews_of_change", source=source, repository_id=repository_id, number=number)
        return [
            Review(
                reviewer=row["reviewer"], name=row["name"], verdict=row["verdict"], commit=row["commit_id"],
                body=row["body"], at=rows.maybe_at(row["at"]),
            )
            for row in found
        ]  # fmt: skip

    def review(self, source: str, repository_id: int, number: int, review: Review) -> None:
        """Put a reviewer's word in the place of what they said before."""
        self._session.later(
            "put_review", source=source, repository_id=repository_id, number=number, reviewer=review.reviewer,
            name=review.name, verdict=review.verdict, commit_id=review.commit, body=review.body,
            at=rows.time(review.at),
        )  # fmt: skip

    def checks(self, source: str, repository_id: int, head: str) -> builtins.list[Check]:
        """The latest end of each check of a commit."""
        found = self._session.all("checks_of_commit", source=source, repository_id=repository_id, head=head)
        return [
            Check(
                key=row["name"], name=row["title"], conclusion=row["conclusion"], summary=row["summary"],
                url=row["url"], at=rows.maybe_at(row["at"]),
            )
            for row in found
        ]  # fmt: skip

    def check(self, source: str, repository_id: int, head: str, check: Check) -> None:
        """Put the end of a check in the place of an earlier one."""
        self._session.later(
            "put_check", source=source, repository_id=repository_id, head=head, name=check.key, title=check.name,
            conclusion=check.conclusion, summary=check.summary, url=check.url, at=rows.time(check.at),
        )  # fmt: skip

    def prune_checks(self, before: datetime) -> int:
        """Forget checks that ended before that time, but those of open changes; how many they were."""
        return self._session.run("prune_checks", before=to_text(before))

    # What took back what ----------------------------------------------------------------------------------------------

    def reverts_of(self, source: str, repository_id: int, targets: Sequence[str]) -> builtins.list[tuple[str, str]]:
        """What takes back any of these, changes (`#7`) and commits: (what is taken back, by what)."""
        found = self._session.all("reverts_of", source=source, repository_id=repository_id, targets=tuple(targets))
        return [(row["target"], row["reverted_by"]) for row in found]

    def reverts_by(self, source: str, repository_id: int, by: str) -> builtins.list[str]:
        """What a change or a commit takes back."""
        found = self._session.all("reverts_by", source=source, repository_id=repository_id, reverted_by=by)
        return [row["target"] for row in found]

    def set_reverts(self, source: str, repository_id: int, by: str, targets: Sequence[str]) -> None:
        """Say anew what a change or a commit takes back."""
        self._session.later("drop_reverts", source=source, repository_id=repository_id, reverted_by=by)
        for target in targets:
            self._session.later(
                "add_revert", source=source, repository_id=repository_id, target=target, reverted_by=by
            )  # fmt: skip

    # Branches ---------------------------------------------------------------------------------------------------------

    def lock_branch(self, repository_id: int, branch: str) -> None:
        """Have who is told of a branch's commits and who is told of its change go one after the other."""
        self._session.later("lock_branch", repository_id=repository_id, branch=branch)

    def note_branch(self, source: str, repository_id: int, commit: BranchCommit, now: datetime) -> None:
        """Keep a commit of a branch; of one that is known, when it was pushed last."""
        self._session.later(
            "put_branch_commit", source=source, repository_id=repository_id, branch=commit.branch,
            commit_id=commit.id, message=commit.message, rewrites=commit.rewrites, pushed_at=to_text(commit.pushed_at),
            now=to_text(now),
        )  # fmt: skip

    def branch_commits(self, change: Change, limit: int) -> builtins.list[BranchCommit]:
        """What is kept of the commits of a change, the latest first; nothing of one from a fork."""
        if change.is_fork or not change.branch:
            return []
        found = self._session.all(
            "commits_of_change", source=change.source, repository_id=change.repository_id, branch=change.branch,
            number=change.number, merged_at=rows.time(change.merged_at), told_at=to_text(change.updated_at),
            limit=limit,
        )  # fmt: skip
        return [
            BranchCommit(
                branch=change.branch, id=row["commit_id"], message=row["message"], rewrites=bool(row["rewrites"]),
                pushed_at=rows.at(row["pushed_at"]),
            )
            for row in found
        ]  # fmt: skip

    def prune_branches(self, before: datetime) -> int:
        """Forget commits that were pushed before that time, but those of open changes; how many they were."""
        return self._session.run("prune_branch_commits", before=to_text(before))

    # Commits ----------------------------------------------------------------------------------------------------------

    def link_commit(self, link: CommitLink) -> bool:
        """Note that a commit completes a task; false when it was known."""
        return bool(
            self._session.run(
                "add_commit_link", repository_id=link.repository_id, source=link.source, commit_id=link.commit,
                task_id=link.task_id, head=link.head, reason=link.reason, at=rows.time(link.at),
            )
        )  # fmt: skip

    def commits_of(self, task_id: int) -> builtins.list[CommitLink]:
        """The commits that complete a task."""
        return [_commit_link(row) for row in self._session.all("commit_links_of_task", task_id=task_id)]

    def tasks_of_commit(self, source: str, repository_id: int, commit: str) -> builtins.list[int]:
        """The tasks that a commit completes."""
        found = self._session.all(
            "commit_links_of_commit", source=source, repository_id=repository_id, commit_id=commit
        )
        return [row["task_id"] for row in found]


def _change(row: Row) -> Change:
    """A change."""
    names = ("id", "source", "repository_id", "number", "title", "branch", "url", "author", "head")
    return Change(
        **{name: row[name] for name in names},
        state=ChangeState(row["state"]),
        created_at=rows.at(row["created_at"]),
        updated_at=rows.at(row["updated_at"]),
        host_updated_at=rows.maybe_at(row["host_updated_at"]),
        host_created_at=rows.maybe_at(row["host_created_at"]),
        merged_at=rows.maybe_at(row["merged_at"]),
        merge_commit=row["merge_commit"],
        is_fork=bool(row["is_fork"]),
    )


def _change_link(row: Row, change_id: int) -> ChangeLink:
    """Why a change belongs to a task."""
    return ChangeLink(
        change_id=change_id, task_id=row["task_id"], closes=bool(row["closes"]), reason=row["reason"],
        spent=bool(row["spent"]),
    )  # fmt: skip


def _commit_link(row: Row) -> CommitLink:
    """A commit that completes a task."""
    return CommitLink(
        repository_id=row["repository_id"], source=row["source"], commit=row["commit_id"], task_id=row["task_id"],
        head=row["head"], reason=row["reason"], at=rows.maybe_at(row["at"]), spent=bool(row["spent"]),
    )  # fmt: skip
