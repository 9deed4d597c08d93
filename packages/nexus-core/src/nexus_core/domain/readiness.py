"""Readiness: the one rule for what can be worked on now, and why not.

A task is ready when its status is `pending`, every dependency is satisfied, no ancestor is unready for its own
dependencies, it has no open subtask, it is not parked, and nobody holds it. The store keeps the counts that the rule
needs beside each task, so that the rule is one indexed look-up there; `explain` is the same rule with its reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import attrs

from .behind import MOST_COUNTED
from .tasks import Status, Task


@attrs.frozen(kw_only=True)
class Condition:
    """One reason why a task is not ready, with the tasks that cause it."""

    code: str  #: status, dependencies, ancestors, subtasks, parked, held
    message: str
    tasks: tuple[int, ...] = ()


@attrs.frozen(kw_only=True)
class Impact:
    """What it would bring to finish a task."""

    unblocks: tuple[int, ...]  #: these become ready
    waiting: int  #: this many open tasks wait for it, directly or not
    longest_chain: int  #: so many tasks are in the longest chain behind it
    is_at_least: bool = False  #: so many or more wait; they were not counted further


@attrs.frozen(kw_only=True)
class Readiness:
    """Whether a task can be worked on, and why not."""

    ready: bool
    why: tuple[Condition, ...]  #: each failing condition; empty when ready
    notes: tuple[str, ...] = ()  #: such as: a dependency counts because it was cancelled
    impact: Impact | None = None


def is_ready(task: Task, now: datetime) -> bool:
    """The rule, on the counts that the store keeps."""
    return (
        task.status is Status.PENDING
        and task.open_dependencies == 0
        and task.blocked_ancestors == 0
        and task.open_subtasks == 0
        and (task.not_before is None or task.not_before <= now)
        and task.assignment_id is None
    )


def explain(
    task: Task,
    *,
    dependencies: Sequence[Task],
    ancestors: Sequence[Task],
    subtasks: Sequence[Task],
    now: datetime,
) -> Readiness:
    """The rule, on the tasks themselves, with each failing condition."""
    why: list[Condition] = []

    def fail(code: str, message: str, causes: Sequence[Task] = ()) -> None:
        why.append(Condition(code=code, message=message, tasks=tuple(cause.id for cause in causes)))

    if task.status is not Status.PENDING:
        fail("status", f"its status is {task.status}, not pending")
    if waiting := [other for other in dependencies if not other.status.is_closed]:
        fail("dependencies", f"it waits for {_count(len(waiting), 'task')}", waiting)
    if blocked := [other for other in ancestors if other.open_dependencies]:
        fail("ancestors", f"{_count(len(blocked), 'task')} above it {_verb(len(blocked))} for others", blocked)
    if children := [other for other in subtasks if not other.status.is_closed]:
        fail("subtasks", f"it has {_count(len(children), 'open subtask')}", children)
    if task.not_before is not None and task.not_before > now:
        fail("parked", f"it is parked until {task.not_before:%Y-%m-%d %H:%M} UTC")
    if task.assignment_id is not None:
        fail("held", f"{task.agent or 'an agent'} holds it")
    notes = tuple(
        f"{other.title} counts as satisfied because it was cancelled"
        for other in dependencies
        if other.status is Status.CANCELLED
    )
    return Readiness(ready=not why, why=tuple(why), notes=notes)


def order_key(task: Task) -> tuple[int, int, int, int]:
    """Sorts ready tasks: priority, then impact, then smaller complexity, then lower id."""
    return (task.priority.rank, -task.impact, task.complexity if task.complexity is not None else 5, task.id)


def order_reasons(task: Task) -> tuple[str, ...]:
    """Why a task comes where it comes, in words."""
    reasons = [f"{task.priority} priority"]
    if task.impact:
        more = " or more" if task.impact >= MOST_COUNTED else ""
        reasons.append(f"{task.impact}{more} {_noun(task.impact, 'open task')} {_verb(task.impact)} for it")
    if task.complexity is not None:
        reasons.append(f"complexity {task.complexity}")
    return tuple(reasons)


def _count(number: int, noun: str) -> str:
    return f"{number} {_noun(number, noun)}"


def _noun(number: int, noun: str) -> str:
    return noun if number == 1 else f"{noun}s"


def _verb(number: int) -> str:
    return "waits" if number == 1 else "wait"
