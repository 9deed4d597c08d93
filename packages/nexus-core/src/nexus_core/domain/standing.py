"""Where a task stands by what code hosts say of it: one answer for one state of things, however it came about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs

from .changes import ChangeState
from .tasks import Status


@attrs.frozen(kw_only=True)
class Closer:
    """Something that completes a task when it is merged: a change, or a commit on the default branch."""

    key: str  #: tells it from the others of the task
    name: str  #: such as `acme/api#7`
    state: ChangeState
    merged: str = ""  #: what is said when it completes the task
    opened_at: datetime | None = None
    ended_at: datetime | None = None  #: when it was merged or closed
    findings: tuple[str, ...] = ()  #: what reviewers and checks want of it
    reverted_by: str = ""  #: what took it back, in words
    spent: bool = False  #: it completed the task once, and somebody reopened the task

    @property
    def is_open(self) -> bool:
        """Whether it may still be merged."""
        return self.state in (ChangeState.OPEN, ChangeState.DRAFT)

    @property
    def counts(self) -> bool:
        """Whether it is merged, and stands."""
        return self.state is ChangeState.MERGED and not self.reverted_by and not self.spent


@attrs.frozen
class Standing:
    """The status that changes ask for, if any, and why."""

    status: Status | None
    reason: str = ""


NOWHERE = Standing(None)


def standing(closers: Sequence[Closer], first: str = "") -> Standing:
    """Where a task stands by all that closes it. `first` is the one to speak of where several say the same.

    Work on any of them keeps it in progress, else one that is open keeps it under review, else one that is merged and
    was not taken back completes it. One that was opened when the task had been completed already does not count.
    """
    ordered = sorted(closers, key=lambda one: (one.key != first, one.name))
    is_open = [one for one in ordered if one.is_open and not _was_done(one, closers)]
    for one in is_open:
        if one.findings:
            return Standing(Status.IN_PROGRESS, one.findings[0])
    for one in is_open:
        if one.state is ChangeState.DRAFT:
            return Standing(Status.IN_PROGRESS, f"{one.name} is a draft")
    if is_open:
        return Standing(Status.REVIEW, f"{is_open[0].name} is open for review")
    return next((Standing(Status.DONE, one.merged) for one in ordered if one.counts), NOWHERE)


def _was_done(opened: Closer, closers: Sequence[Closer]) -> bool:
    """Whether the task had been completed when this one was opened, by the host's clock."""
    at = opened.opened_at
    if at is None or not any(_ended(one, at) for one in closers if one.counts):
        return False
    before = [one for one in closers if one is not opened and one.opened_at is not None and one.opened_at < at]
    return all(_ended(one, at) for one in before)


def _ended(one: Closer, at: datetime) -> bool:
    return not one.is_open and one.ended_at is not None and one.ended_at <= at
