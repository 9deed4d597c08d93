"""Neutral facts about code hosts. A plugin translates deliveries into these; the core decides what they mean."""

from __future__ import annotations

import enum
from datetime import datetime

import attrs


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


@attrs.frozen(kw_only=True)
class ChangeOpened:
    """A change was opened, reopened, made ready for review, or edited while open."""

    change: ChangeRef
    draft: bool = False
    reopened: bool = False


@attrs.frozen(kw_only=True)
class ChangeMerged:
    """A change was merged."""

    change: ChangeRef
    by: str = ""
    commit: str = ""


@attrs.frozen(kw_only=True)
class ChangeClosed:
    """A change was closed without being merged."""

    change: ChangeRef
    by: str = ""


@attrs.frozen(kw_only=True)
class ChangeReviewed:
    """A person reviewed a change. `verdict` is `approved`, `changes_requested` or `commented`."""

    change: ChangeRef
    verdict: str
    by: str = ""
    body: str = ""


@attrs.frozen(kw_only=True)
class ChecksFinished:
    """The checks of a commit ended. `conclusion` is `success`, `failure` or `neutral`."""

    source: str
    repository: str
    head: str
    conclusion: str
    name: str = ""
    summary: str = ""
    url: str = ""


@attrs.frozen(kw_only=True)
class Commit:
    """A commit as its host describes it."""

    id: str
    message: str
    author: str = ""


@attrs.frozen(kw_only=True)
class CommitsPushed:
    """Commits reached a branch."""

    source: str
    repository: str
    branch: str
    commits: tuple[Commit, ...] = ()
    by: str = ""
    is_default_branch: bool = False


@attrs.frozen(kw_only=True)
class TaskFileChanged:
    """The repository's task file changed on its default branch; `content` is None when it must still be fetched."""

    source: str
    repository: str
    path: str
    commit: str = ""
    content: bytes | None = None


@attrs.frozen(kw_only=True)
class IssueOpened:
    """Somebody opened an issue."""

    source: str
    repository: str
    number: int
    title: str
    body: str = ""
    author: str = ""
    trusted: bool = False  #: the author belongs to the repository
    labels: tuple[str, ...] = ()
    url: str = ""


@attrs.frozen(kw_only=True)
class RepositoryRenamed:
    """A repository has a new name."""

    source: str
    old_name: str
    new_name: str
    external_id: str | None = None


Fact = (
    ChangeOpened
    | ChangeMerged
    | ChangeClosed
    | ChangeReviewed
    | ChecksFinished
    | CommitsPushed
    | TaskFileChanged
    | IssueOpened
    | RepositoryRenamed
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


@attrs.frozen(kw_only=True)
class ChangeLink:
    """Why a change belongs to a task."""

    change_id: int
    task_id: int
    closes: bool  #: merging the change completes the task
    reason: str  #: such as `the branch names NX-12`
