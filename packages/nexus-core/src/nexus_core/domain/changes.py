"""Neutral facts about code hosts. A plugin translates deliveries into these; the core decides what they mean."""

from __future__ import annotations

import enum
from datetime import datetime

import attrs

from .hosts import (
    AuthorizationRevoked,
    CommentAdded,
    DefaultBranchChanged,
    HostAccessChanged,
    RepositoryStateChanged,
)
from .issues import IssueOpened, IssueTransferred


class ChangeState(enum.StrEnum):
    """Where a change (a pull request, a merge request) stands."""

    DRAFT = "draft"
    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@attrs.frozen(kw_only=True)
class ChangeRef:
    """What is known of a change whenever its host speaks of it."""

    source: str  #: such as `github`
    repository: str  #: `owner/name`
    number: int
    title: str = ""
    body: str = ""
    branch: str = ""
    url: str = ""
    author: str = ""
    head: str = ""  #: the commit that it ends with
    updated_at: datetime | None = None  #: by the host's clock; older facts never overwrite newer ones
    repository_external_id: str | None = None  #: the host's id of the repository, which survives a rename
    created_at: datetime | None = None  #: by the host's clock: when it was opened first
    is_fork: bool = False  #: its branch lies in another repository


@attrs.frozen(kw_only=True)
class ChangeOpened:
    """A change was opened, reopened, made ready for review, or edited while open."""

    change: ChangeRef
    draft: bool = False
    reopened: bool = False  #: of two facts with one time this is later than that it was closed
    first: bool = False  #: as it was when it was opened: of two facts with one time this is the earlier one


@attrs.frozen(kw_only=True)
class ChangeMerged:
    """A change was merged."""

    change: ChangeRef
    by: str = ""
    commit: str = ""  #: that the merge made on the branch it went to
    at: datetime | None = None  #: by the host's clock


@attrs.frozen(kw_only=True)
class ChangeClosed:
    """A change was closed without being merged."""

    change: ChangeRef
    by: str = ""
    #: It came from elsewhere, of somebody who does not belong to the repository: that they give it up releases nobody.
    outside: bool = False


@attrs.frozen(kw_only=True)
class ChangeReviewed:
    """A person reviewed a change.

    `verdict` is `approved`, `changes_requested` or `commented`; or `dismissed`, when a review no longer counts, or
    `asked`, when the person is asked to look (again). The latest word of each person counts, a comment is none.
    """

    change: ChangeRef
    verdict: str
    by: str = ""
    body: str = ""
    by_id: str = ""  #: the host's own id of the person; their name changes hands
    commit: str = ""  #: what they looked at; empty = where the change ended then
    at: datetime | None = None  #: by the host's clock; None = `change.updated_at`


@attrs.frozen(kw_only=True)
class ChecksFinished:
    """A check of a commit, or all those of one tool, ended. `conclusion` is `success`, `failure` or `neutral`.

    Of the facts with one `key` about one commit the latest counts.
    """

    source: str
    repository: str
    head: str
    conclusion: str
    name: str = ""
    summary: str = ""
    url: str = ""
    key: str = ""  #: tells the check from others of the commit, however often it runs; empty = its name
    at: datetime | None = None  #: by the host's clock
    repository_external_id: str | None = None


@attrs.frozen(kw_only=True)
class Commit:
    """A commit as its host describes it."""

    id: str
    message: str
    author: str = ""
    at: datetime | None = None


@attrs.frozen(kw_only=True)
class CommitsPushed:
    """Commits reached a branch."""

    source: str
    repository: str
    branch: str
    commits: tuple[Commit, ...] = ()
    by: str = ""
    is_default_branch: bool = False
    head: str = ""  #: the commit that the branch ends with now
    paths: tuple[str, ...] = ()  #: the files that the commits touched
    rewrites: bool = False  #: the branch was moved: commits that it had before may be gone
    at: datetime | None = None  #: by the host's clock: when they reached it
    repository_external_id: str | None = None


@attrs.frozen(kw_only=True)
class TaskFileChanged:
    """The repository's task file may have changed on its default branch.

    `content` is None when it must still be fetched; `path` is empty while nobody knows where it lies.
    """

    source: str
    repository: str
    path: str
    commit: str = ""
    content: bytes | None = None
    branch: str = ""  #: the default branch, where the file is read as it is now, however late this is told
    repository_external_id: str | None = None


@attrs.frozen(kw_only=True)
class RepositoryRenamed:
    """A repository has a new name."""

    source: str
    old_name: str
    new_name: str
    external_id: str | None = None


@attrs.frozen(kw_only=True)
class OwnerRenamed:
    """A person or an organisation has a new name, and so has each of their repositories."""

    source: str
    old_name: str
    new_name: str


Fact = (
    ChangeOpened
    | ChangeMerged
    | ChangeClosed
    | ChangeReviewed
    | ChecksFinished
    | CommitsPushed
    | TaskFileChanged
    | IssueOpened
    | IssueTransferred
    | CommentAdded
    | RepositoryRenamed
    | OwnerRenamed
    | RepositoryStateChanged
    | DefaultBranchChanged
    | HostAccessChanged
    | AuthorizationRevoked
)


@attrs.frozen(kw_only=True)
class Change:
    """A change as Nexus keeps it."""

    id: int
    source: str
    repository_id: int
    number: int
    state: ChangeState
    title: str
    branch: str
    url: str
    author: str
    head: str
    created_at: datetime
    updated_at: datetime  #: by Nexus's clock
    host_updated_at: datetime | None = None  #: by the host's clock
    host_created_at: datetime | None = None  #: by the host's clock
    merged_at: datetime | None = None  #: by the host's clock
    merge_commit: str = ""
    is_fork: bool = False  #: its branch lies in another repository

    @property
    def is_open(self) -> bool:
        """Whether it may still be merged."""
        return self.state in (ChangeState.OPEN, ChangeState.DRAFT)


@attrs.frozen(kw_only=True)
class ChangeLink:
    """Why a change belongs to a task."""

    change_id: int
    task_id: int
    closes: bool  #: merging the change completes the task
    reason: str  #: such as `the branch names NX-12`
    spent: bool = False  #: the change was merged, and somebody reopened the task since


@attrs.frozen(kw_only=True)
class Review:
    """The latest word of a reviewer on a change."""

    reviewer: str  #: by the host's own id, where it is known
    name: str
    verdict: str
    commit: str
    body: str
    at: datetime | None


@attrs.frozen(kw_only=True)
class Check:
    """The latest end of a check of a commit."""

    key: str
    name: str
    conclusion: str
    summary: str
    url: str
    at: datetime | None


@attrs.frozen(kw_only=True)
class BranchCommit:
    """A commit of a branch that is not the default one: it names tasks for the change of the branch, or rewrites it."""

    branch: str
    id: str
    message: str  #: empty where it names no task
    rewrites: bool  #: what was pushed before it may be gone
    pushed_at: datetime  #: by the host's clock


@attrs.frozen(kw_only=True)
class CommitLink:
    """A commit on a default branch that completes a task."""

    repository_id: int
    source: str
    commit: str
    task_id: int
    reason: str  #: such as `the commit message says “fixes NX-12” in 0a1b2c3d4e on main`
    head: str = ""  #: where the push ended that brought it
    at: datetime | None = None
    spent: bool = False
