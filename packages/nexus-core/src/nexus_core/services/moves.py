"""Moving a task: the one way by which a status changes, whoever asks."""

from __future__ import annotations

from typing import Any

import attrs

from ..domain.access import Actor
from ..domain.agents import AssignmentStatus
from ..domain.events import AssignmentCancelled, AssignmentCompleted, TaskCompleted, TaskMoved, TaskUndepended
from ..domain.tasks import Status, Task
from ..domain.transitions import check_move
from . import upkeep
from .work import Work, said_from

#: A task that an agent holds may stand here; a move to anywhere else ends the assignment.
_HELD = (Status.IN_PROGRESS, Status.REVIEW, Status.BLOCKED)


def move_task(
    work: Work, task: Task, to: Status, *, reason: str, actor: Actor, delivery: str | None = None, by_host: bool = False
) -> Task:
    """Move a locked task, with all that follows from it. `by_host` = its changes at their host say so.

    A move that opens or closes the task changes counts of others: whoever makes one locked the graph before the task.

    :raises TransitionRefused: the table of moves does not have it
    """
    if task.status is to:
        return task
    check_move(task.status, to)
    if task.assignment_id is not None and to not in _HELD:
        end_assignment(work, task, to, reason=reason, actor=actor, delivery=delivery)
    reopened = task.status.is_closed and not to.is_closed
    changed = attrs.evolve(
        task,
        status=to,
        assignment_id=task.assignment_id if to in _HELD else None,
        agent=task.agent if to in _HELD else None,
        failures=0 if reopened else task.failures,
        retry_at=None if reopened else task.retry_at,
    )
    work.tasks.place(changed, work.now)
    if reopened and not by_host:
        work.changes.spend(task.id)
    common = {"task_id": task.id, "repository_id": task.repository_id}
    work.record(
        TaskMoved, actor=actor, delivery=delivery, **common, **said_from(task.status), to=str(to), reason=reason,
        title=task.title, **of_issue(task),
    )  # fmt: skip
    if to is Status.DONE:
        work.record(TaskCompleted, actor=actor, delivery=delivery, **common, reason=reason, title=task.title)
    touched = [task.id]
    if task.status.is_closed is not to.is_closed:
        touched += upkeep.task_opened_or_closed(work, changed)
    upkeep.announce_ready(work, touched, actor=actor, because=task.id, delivery=delivery)
    return work.tasks.get(task.id)


def of_issue(task: Task) -> dict[str, Any]:
    """The payload entry `issue` of a task that is kept in step with one, so that its host's plugin hears of it."""
    return {"issue": task.issue_id} if task.issue_id is not None else {}


def end_assignment(work: Work, task: Task, to: Status, *, reason: str, actor: Actor, delivery: str | None) -> None:
    """End the live assignment of a task because the task moves on without it."""
    assert task.assignment_id is not None  # noqa: S101 - callers ask first
    assignment = work.assignments.get(task.assignment_id, lock=True)
    status = AssignmentStatus.COMPLETED if to is Status.DONE else AssignmentStatus.CANCELLED
    work.assignments.save(attrs.evolve(assignment, status=status, ended_at=work.now))
    work.access.revoke_assignment_keys(assignment.id, work.now)
    done = status is AssignmentStatus.COMPLETED
    work.record(
        AssignmentCompleted if done else AssignmentCancelled,
        actor=actor,
        task_id=task.id,
        repository_id=task.repository_id,
        assignment_id=assignment.id,
        delivery=delivery,
        agent=assignment.agent,
        reason=reason,
        **({"branch": None, "head": None, "commits": 0, "summary": reason} if done else {}),
    )


def drop_dependency(work: Work, task: Task, on: int, *, actor: Actor, reason: str = "") -> bool:
    """Have a locked task no longer depend on another; false when it did not. The graph is locked already."""
    if not work.tasks.undepend(task.id, on):
        return False
    upkeep.dependency_changed(work, task, work.tasks.get(on, lock=True), -1)
    payload: dict[str, Any] = {"on": on, **({"reason": reason} if reason else {})}
    work.record(TaskUndepended, actor=actor, task_id=task.id, repository_id=task.repository_id, **payload)
    below = work.tasks.descendants([task.id])
    upkeep.announce_ready(work, [task.id, *below], actor=actor, because=on, delivery=None)
    return True
