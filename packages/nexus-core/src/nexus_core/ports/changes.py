"""The collections of what code hosts say: changes, and issues."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from ..domain.changes import BranchCommit, Change, ChangeLink, ChangeRef, ChangeState, Check, CommitLink, Review
from ..domain.issues import Issue


class Changes(Protocol):
    """Changes on code hosts, and the tasks that they belong to."""

    def find(self, source: str, repository_id: int, number: int) -> Change | None:
        """One, locked until the transaction ends."""
        ...

    def add(
        self, ref: ChangeRef, repository_id: int, state: ChangeState, now: datetime,
        *, merged_at: datetime | None = None, merge_commit: str = "",
    ) -> Change | None:  # fmt: skip
        """Store a change; None when it is there already."""
        ...

    def save(self, change: Change, now: datetime) -> None:
        """Write a changed change."""
        ...

    def of_task(self, task_id: int) -> builtins.list[tuple[Change, ChangeLink]]:
        """The changes that name a task, with why."""
        ...

    def by_head(self, source: str, repository_id: int, head: str) -> builtins.list[Change]:
        """The changes that end with this commit."""
        ...

    def open_in(self, source: str, repository_id: int) -> builtins.list[Change]:
        """The changes of a repository that may still be merged, as far as is known."""
        ...

    def by_branch(self, repository_id: int, branch: str) -> builtins.list[Change]:
        """The changes of a branch."""
        ...

    def links(self, change_id: int) -> builtins.list[ChangeLink]:
        """The tasks of a change."""
        ...

    def link(self, link: ChangeLink) -> bool:
        """Tie a change to a task; false when it was so already. `closes` and the reason are brought up to date."""
        ...

    def look(self, source: str, repository_id: int, number: int) -> Change | None:
        """One, as it is."""
        ...

    def by_commit(self, source: str, repository_id: int, commit: str) -> builtins.list[Change]:
        """The changes that end with this commit, or whose merge made it."""
        ...

    def spend(self, task_id: int) -> None:
        """Note that what has been merged completes the task no more: somebody reopened it."""
        ...

    def reviews(self, source: str, repository_id: int, number: int) -> builtins.list[Review]:
        """The latest word of each reviewer of a change, which need not be known itself."""
        ...

    def review(self, source: str, repository_id: int, number: int, review: Review) -> None:
        """Put a reviewer's word in the place of what they said before."""
        ...

    def checks(self, source: str, repository_id: int, head: str) -> builtins.list[Check]:
        """The latest end of each check of a commit."""
        ...

    def check(self, source: str, repository_id: int, head: str, check: Check) -> None:
        """Put the end of a check in the place of an earlier one."""
        ...

    def prune_checks(self, before: datetime) -> int:
        """Forget checks that ended before that time, but those of open changes; how many they were."""
        ...

    def reverts_of(self, source: str, repository_id: int, targets: Sequence[str]) -> builtins.list[tuple[str, str]]:
        """What takes back any of these, changes (`#7`) and commits: (what is taken back, by what)."""
        ...

    def reverts_by(self, source: str, repository_id: int, by: str) -> builtins.list[str]:
        """What a change or a commit takes back."""
        ...

    def set_reverts(self, source: str, repository_id: int, by: str, targets: Sequence[str]) -> None:
        """Say anew what a change or a commit takes back."""
        ...

    def lock_branch(self, repository_id: int, branch: str) -> None:
        """Have who is told of a branch's commits and who is told of its change go one after the other.

        Before the change itself is locked, and until the transaction ends.
        """
        ...

    def note_branch(self, source: str, repository_id: int, commit: BranchCommit, now: datetime) -> None:
        """Keep a commit of a branch; of one that is known, when it was pushed last."""
        ...

    def branch_commits(self, change: Change, limit: int) -> builtins.list[BranchCommit]:
        """What is kept of the commits of a change, the latest first; nothing of one from a fork.

        A branch may carry one change after the other: each has what was pushed since the one before it was merged,
        until it was merged itself.
        """
        ...

    def prune_branches(self, before: datetime) -> int:
        """Forget commits that were pushed before that time, but those of open changes; how many they were."""
        ...

    def link_commit(self, link: CommitLink) -> bool:
        """Note that a commit completes a task; false when it was known."""
        ...

    def commits_of(self, task_id: int) -> builtins.list[CommitLink]:
        """The commits that complete a task."""
        ...

    def tasks_of_commit(self, source: str, repository_id: int, commit: str) -> builtins.list[int]:
        """The tasks that a commit completes."""
        ...


class Issues(Protocol):
    """Issues of code hosts, and the tasks that they are kept in step with."""

    def find(self, source: str, external_id: str) -> Issue | None:
        """One by its host's own id, locked until the transaction ends."""
        ...

    def numbered(self, source: str, repository_id: int, number: int) -> Issue | None:
        """One by its number, locked until the transaction ends."""
        ...

    def of_task(self, task_id: int) -> Issue | None:
        """The one of a task, locked until the transaction ends."""
        ...

    def add(self, issue: Issue) -> Issue | None:
        """Store an issue under the next id; None when it is there already."""
        ...

    def save(self, issue: Issue) -> None:
        """Write a changed issue."""
        ...

    def tie(self, issue_id: int, task_id: int) -> None:
        """Have a task know its issue."""
        ...
