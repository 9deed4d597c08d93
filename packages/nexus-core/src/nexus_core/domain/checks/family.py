"""The checks of tasks and their subtasks.

A new one is a function that yields cases, and an entry in the table below.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..chart import Chart, are, keys, moves
from ..findings import Case, Check, Mend, Severity
from ..tasks import Status


def _closed_with_open_subtasks(chart: Chart, status: Status, then: Status) -> Iterator[Case]:
    for task in chart.tasks.values():
        if task.status is status and (open_ones := chart.open_children(task)):
            yield Case(
                task=task.id,
                others=tuple(child.id for child in open_ones),
                message=f"{are(keys(chart, open_ones))} open",
                commands=(*moves(chart, open_ones, then), *moves(chart, [task], Status.PENDING)),
            )


def done_with_open_subtasks(chart: Chart) -> Iterator[Case]:
    """Work is counted as done that is not."""
    return _closed_with_open_subtasks(chart, Status.DONE, Status.DONE)


def cancelled_with_open_subtasks(chart: Chart) -> Iterator[Case]:
    """Its subtasks would still be handed out."""
    return _closed_with_open_subtasks(chart, Status.CANCELLED, Status.CANCELLED)


def deferred_with_ready_subtasks(chart: Chart) -> Iterator[Case]:
    """They would be handed out, though the whole was put off."""
    for task in chart.tasks.values():
        ready = [child for child in chart.open_below(task) if child.status is Status.PENDING]
        if task.status is Status.DEFERRED and ready:
            yield Case(
                task=task.id,
                others=tuple(child.id for child in ready),
                message=f"{are(keys(chart, ready))} pending",
                commands=(*moves(chart, ready, Status.DEFERRED), *moves(chart, [task], Status.PENDING)),
            )


def open_with_closed_subtasks(chart: Chart) -> Iterator[Case]:
    """Nothing is left to do but to say so, or something is missing."""
    for task in chart.tasks.values():
        below = chart.children.get(task.id, ())
        is_over = all(child.status.is_closed for child in below) and any(child.status is Status.DONE for child in below)
        if task.status in (Status.PENDING, Status.IN_PROGRESS) and task.assignment_id is None and is_over:
            yield Case(
                task=task.id,
                others=tuple(child.id for child in below),
                message=f"it is {task.status}",
                commands=moves(chart, [task], Status.DONE),
            )


CHECKS: tuple[Check, ...] = (
    Check(
        code="done_with_open_subtasks", severity=Severity.WARNING, find=done_with_open_subtasks,
        one="a task is done, but not all of its subtasks",
        many="{count} tasks are done, but not all of their subtasks",
        meanwhile="the subtasks stay open and are handed out",
        mends=(
            Mend(name="complete", does="completes the open subtasks that nobody holds"),
            Mend(name="reopen", does="sets the tasks back to pending"),
        ),
    ),
    Check(
        code="cancelled_with_open_subtasks", severity=Severity.WARNING, find=cancelled_with_open_subtasks,
        one="a task is cancelled, but not all of its subtasks",
        many="{count} tasks are cancelled, but not all of their subtasks",
        meanwhile="the subtasks stay open and are handed out",
        mends=(
            Mend(name="cancel", does="cancels the open subtasks that nobody holds"),
            Mend(name="reopen", does="sets the tasks back to pending"),
        ),
    ),
    Check(
        code="deferred_with_ready_subtasks", severity=Severity.WARNING, find=deferred_with_ready_subtasks,
        one="a task is deferred, but its subtasks would still be handed out",
        many="{count} tasks are deferred, but their subtasks would still be handed out",
        mends=(Mend(name="defer", does="defers the pending subtasks"),),
    ),
    Check(
        code="open_with_closed_subtasks", severity=Severity.WARNING, find=open_with_closed_subtasks,
        one="all subtasks of a task are done, but not the task itself",
        many="all subtasks of {count} tasks are done, but not the tasks themselves",
        meanwhile="a pending one is ready, and handed out",
        advice="Or add what remains to be done: `nexus task add TITLE --parent TASK`.",
        mends=(Mend(name="complete", does="completes the tasks"),),
    ),
)  # fmt: skip
