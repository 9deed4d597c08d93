"""The checks of tasks and what they wait for.

A new one is a function that yields cases, and an entry in the table below.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ..chart import Chart, are, keys, listed, moves
from ..findings import Case, Check, Mend, Severity
from ..tasks import Status, Task
from ..waiting import held_up

PARKED_FAR = timedelta(days=30)


def waits_for_deferred(chart: Chart) -> Iterator[Case]:
    """Nothing will move, and nothing says so elsewhere."""
    return held_up(chart, lambda task: task.status is Status.DEFERRED, lambda task: "it is deferred")


def waits_for_blocked(chart: Chart) -> Iterator[Case]:
    """Blocked by hand, and held by nobody who could end it."""
    return held_up(
        chart,
        lambda task: task.status is Status.BLOCKED and task.assignment_id is None,
        lambda task: "it is blocked, and nobody holds it",
    )


def waits_for_parked(chart: Chart) -> Iterator[Case]:
    """Parked so far off that a year may be mistyped."""

    def until(task: Task) -> str:
        return f"it is parked until {task.not_before:%Y-%m-%d}"

    def is_far(task: Task) -> bool:
        return task.status is Status.PENDING and (task.not_before or chart.now) > chart.now + PARKED_FAR

    yield from held_up(chart, is_far, until)


def parked_far(chart: Chart) -> Iterator[Case]:
    """The same, where nobody waits for it."""
    known = {case.task for case in waits_for_parked(chart)}
    for task in chart.tasks.values():
        far = task.not_before is not None and task.not_before > chart.now + PARKED_FAR
        if far and not task.status.is_closed and task.id not in known:
            yield Case(
                task=task.id,
                message=f"until {task.not_before:%Y-%m-%d}",
                commands=(f"nexus task edit {chart.key(task.id)} --not-before now",),
            )


def done_before_dependency(chart: Chart) -> Iterator[Case]:
    """One of the two is not true."""
    for task in chart.tasks.values():
        waiting = [on for on in chart.dependencies(task) if not on.status.is_closed]
        if task.status is Status.DONE and waiting:
            yield Case(
                task=task.id,
                others=tuple(on.id for on in waiting),
                message=f"{are(keys(chart, waiting))} not done",
                commands=(*moves(chart, waiting, Status.DONE), *moves(chart, [task], Status.PENDING)),
            )


def cancelled_dependency(chart: Chart) -> Iterator[Case]:
    """It counts as satisfied, though what it was to bring will not come."""
    for task in chart.tasks.values():
        gone = [on for on in chart.dependencies(task) if on.status is Status.CANCELLED]
        if not task.status.is_closed and gone:
            yield Case(
                task=task.id,
                others=tuple(on.id for on in gone),
                message=f"{are(keys(chart, gone))} cancelled",
                commands=(
                    *(f"nexus task depend {chart.key(task.id)} {chart.key(on.id)} --remove" for on in gone),
                    *moves(chart, [task], Status.CANCELLED),
                ),
            )


def waits_across_repositories(chart: Chart) -> Iterator[Case]:
    """Nothing is wrong with it; who looks for what holds a repository up wants to know."""
    for task in chart.tasks.values():
        away = [on for on in chart.dependencies(task) if on.id in chart.others and not on.status.is_closed]
        if not task.status.is_closed and away:
            others = tuple(on.id for on in away)
            yield Case(task=task.id, others=others, message=f"for {listed(keys(chart, away))}")


CHECKS: tuple[Check, ...] = (
    Check(
        code="waits_for_deferred", severity=Severity.WARNING, find=waits_for_deferred,
        one="a task is deferred, and others wait for it for ever",
        many="{count} tasks are deferred, and others wait for them for ever",
        advice="Take it up again, or let the others no longer wait.",
    ),
    Check(
        code="waits_for_blocked", severity=Severity.WARNING, find=waits_for_blocked,
        one="a task is blocked, and others wait for it until somebody acts",
        many="{count} tasks are blocked, and others wait for them until somebody acts",
        advice="Find out what blocks it, or let the others no longer wait.",
    ),
    Check(
        code="waits_for_parked", severity=Severity.WARNING, find=waits_for_parked,
        one="a task is parked far off, and others wait for it",
        many="{count} tasks are parked far off, and others wait for them",
        advice="Unpark it, or let the others no longer wait.",
    ),
    Check(
        code="parked_far", severity=Severity.NOTE, find=parked_far,
        one="a task is parked far off", many="{count} tasks are parked far off",
        advice="Unpark it, if the date is wrong.",
    ),
    Check(
        code="done_before_dependency", severity=Severity.WARNING, find=done_before_dependency,
        one="a task is done, but not what it depends on",
        many="{count} tasks are done, but not what they depend on",
        advice="Complete what it depends on, or reopen the task.",
    ),
    Check(
        code="cancelled_dependency", severity=Severity.WARNING, find=cancelled_dependency,
        one="a task depends on a cancelled one",
        many="{count} tasks depend on cancelled ones",
        meanwhile="it counts as satisfied; Taskmaster would never offer it",
        mends=(Mend(name="drop", does="lets the tasks no longer depend on what is cancelled"),),
    ),
    Check(
        code="waits_across_repositories", severity=Severity.NOTE, find=waits_across_repositories,
        one="a task waits for others elsewhere", many="{count} tasks wait for others elsewhere",
    ),
)  # fmt: skip
