"""Issues of code hosts: the facts about them, and how they stay in step with tasks.

An issue and its task are compared with what both said when they last agreed; each side's changes go to the other. So
what Nexus itself wrote to an issue comes back as no change at all, whoever its host says it is from.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import attrs

from .tasks import Status

LONGEST_ISSUE_TITLE = 256  #: characters; no host that is known takes more
LONGEST_ISSUE_BODY = 65_536  #: the same for the text


@attrs.frozen(kw_only=True)
class IssueOpened:
    """An issue as it stands: opened, edited, labelled, closed or reopened."""

    source: str
    repository: str
    number: int
    title: str
    body: str = ""
    author: str = ""
    trusted: bool = False  #: the author belongs to the repository
    labels: tuple[str, ...] = ()
    url: str = ""
    #: `open`, `completed`, or `not-planned`: closed without being done.
    state: str = "open"
    updated_at: datetime | None = None  #: by the host's clock
    external_id: str = ""  #: the host's own id, which survives a transfer of the repository; empty = its number
    repository_external_id: str | None = None
    vouched: str = ""  #: the label that somebody other than the author has just put on it, who may do that
    own: bool = False  #: Nexus itself opened it


@attrs.frozen(kw_only=True)
class IssueTransferred:
    """An issue is another one now, in another repository."""

    source: str
    repository: str
    number: int
    external_id: str
    to_repository: str
    to_number: int
    to_external_id: str
    to_url: str = ""
    repository_external_id: str | None = None
    to_repository_external_id: str | None = None


@attrs.frozen(kw_only=True)
class IssueText:
    """What both an issue and its task say, in the issue's terms."""

    title: str
    body: str
    state: str
    labels: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Issue:
    """An issue as Nexus keeps it: what it said when it and its task last agreed."""

    id: int
    source: str
    repository_id: int
    external_id: str
    number: int
    url: str
    author: str
    text: IssueText
    trusted: bool
    task_id: int | None = None
    host_updated_at: datetime | None = None


@attrs.frozen(kw_only=True)
class Outgoing:
    """What is to be written to an issue, for it to say what its task says."""

    issue: Issue
    repository: str  #: `owner/name`
    text: IssueText
    changed: frozenset[str]  #: which of `title`, `body`, `state`, `labels`


@attrs.frozen(kw_only=True)
class IssuePolicy:
    """Which issues of a repository become tasks."""

    all: bool = False
    label: str | None = None  #: those with this label

    @property
    def is_on(self) -> bool:
        """Whether any do."""
        return self.all or self.label is not None

    def wants(self, labels: Iterable[str]) -> bool:
        """Whether an issue with these labels does."""
        return self.all or (self.label is not None and self.label.lower() in (label.lower() for label in labels))

    def is_vouched_by(self, label: str) -> bool:
        """Whether who puts this label on an issue wants it for a task. Hosts do not tell upper case from lower."""
        return self.label is not None and label.lower() == self.label.lower()

    def shown(self, labels: Iterable[str]) -> tuple[str, ...]:
        """The labels that a task has too: neither the one that chose it nor those that speak of Nexus."""
        hidden = "" if self.label is None else self.label.lower()
        return tuple(
            label for label in labels if label.lower() != hidden and not label.lower().startswith(("nexus:", "nexus/"))
        )


STATES = {Status.DONE: "completed", Status.CANCELLED: "not-planned"}


def state_of(status: Status) -> str:
    """What the issue of a task with this status is.

    >>> state_of(Status.REVIEW), state_of(Status.DONE)
    ('open', 'completed')
    """
    return STATES.get(status, "open")


def shortened(text: str, most: int) -> str:
    """A text as an issue can say it; what came from an issue is never shortened.

    >>> shortened("Log in", 5), shortened("Log", 5)
    ('Log …', 'Log')
    """
    return text if len(text) <= most else text[: most - 1] + "…"


def merged_labels(base: tuple[str, ...], mine: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[str, ...]:
    """Mine, with what they added and without what they took away since both were as the base.

    >>> merged_labels(("a", "b"), ("a", "b", "c"), ("b", "d"))
    ('b', 'c', 'd')
    """
    kept = [label for label in mine if label in theirs or label not in base]
    return tuple(dict.fromkeys([*kept, *(label for label in theirs if label not in base)]))
