"""Tasks: what they are and the words for their status and priority."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from ..errors import Invalid


class Status(enum.StrEnum):
    """Where a task stands: the words of Taskmaster's files, on the wire too."""

    PENDING = "pending"
    IN_PROGRESS = "in-progress"
    REVIEW = "review"
    DONE = "done"
    BLOCKED = "blocked"
    DEFERRED = "deferred"
    CANCELLED = "cancelled"

    @property
    def is_closed(self) -> bool:
        """Whether a task with this status satisfies those that depend on it."""
        return self in (Status.DONE, Status.CANCELLED)


class Priority(enum.StrEnum):
    """How urgent a task is."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for the most urgent."""
        return list(Priority).index(self)


@attrs.frozen(kw_only=True)
class Task:
    """A unit of work in a repository, or in none."""

    id: int
    title: str
    status: Status
    priority: Priority
    version: int  #: goes up with each change; the ETag
    created_at: datetime
    updated_at: datetime
    repository_id: int | None = None
    repository: str | None = None  #: `owner/name`
    parent_id: int | None = None
    description: str = ""
    details: str = ""
    test_strategy: str = ""
    labels: tuple[str, ...] = ()
    dependencies: tuple[int, ...] = ()
    complexity_auto: int | None = None  #: 1 to 10, estimated
    complexity_manual: int | None = None  #: 1 to 10, set by a person; wins
    external_key: str | None = None  #: `tag:id` in the file that it came from
    raw_data: Mapping[str, Any] = attrs.field(factory=dict)  #: the object of that file as it was
    not_before: datetime | None = None  #: parked until then
    assignment_id: int | None = None  #: the live assignment that holds it
    agent: str | None = None  #: the holder's name
    fence: int = 0  #: the number of the latest claim
    failures: int = 0  #: failed runs since it last succeeded or was reopened
    issue_id: int | None = None  #: the issue that it is kept in step with
    retry_at: datetime | None = None  #: automatic assignment waits until then; a claim need not
    # Kept by the store beside the task, so that readiness is one indexed look-up (see readiness.py):
    open_dependencies: int = 0
    open_subtasks: int = 0
    blocked_ancestors: int = 0
    impact: int = 0  #: how many open tasks wait for this one, directly or not, up to MOST_COUNTED
    chain: int = 0  #: how many of them the longest chain has
    level: int = 0  #: above that of every task that this one depends on

    @property
    def complexity(self) -> int | None:
        """The effective one: a person's word, else the estimate."""
        return self.complexity_manual if self.complexity_manual is not None else self.complexity_auto


@attrs.frozen(kw_only=True)
class NewTask:
    """A task that is to be stored."""

    title: str
    status: Status = Status.PENDING
    priority: Priority = Priority.MEDIUM
    repository_id: int | None = None
    parent_id: int | None = None
    description: str = ""
    details: str = ""
    test_strategy: str = ""
    labels: tuple[str, ...] = ()
    complexity_auto: int | None = None
    complexity_manual: int | None = None
    external_key: str | None = None
    raw_data: Mapping[str, Any] = attrs.field(factory=dict)
    not_before: datetime | None = None


def task_key(task_id: int, prefix: str = "NX") -> str:
    """How a task is shown.

    >>> task_key(12)
    'NX-12'
    """
    return f"{prefix}-{task_id}"


def parse_task_id(text: str | int, prefix: str = "NX") -> int:
    """The id that `12`, `"12"` or `"NX-12"` names.

    >>> parse_task_id("nx-12")
    12

    :raises Invalid: the text names no task
    """
    if isinstance(text, int):
        return text
    found = re.fullmatch(rf"(?:{re.escape(prefix)}-)?([1-9]\d{{0,17}})", text, re.IGNORECASE | re.ASCII)
    if not found:
        raise Invalid(f"“{text[:40]}” names no task; write its number or {prefix}-12")
    return int(found[1])
