"""The checks of tasks and who works on them.

A new one is a function that yields cases, and an entry in the table below.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ..agents import Agent
from ..chart import Chart, listed, moves
from ..findings import Case, Check, Mend, Severity
from ..tasks import Status, Task

FORGOTTEN = timedelta(days=7)


def _unheld(chart: Chart) -> Iterator[Task]:
    for task in chart.tasks.values():
        if task.status is Status.IN_PROGRESS and task.assignment_id is None and not chart.children.get(task.id):
            yield task


def _is_forgotten(chart: Chart, task: Task) -> bool:
    return task.fence > 0 or task.updated_at <= chart.now - FORGOTTEN


def in_progress_forgotten(chart: Chart) -> Iterator[Case]:
    """An agent held it once, or nothing happened for long."""
    for task in _unheld(chart):
        if _is_forgotten(chart, task):
            words = f"unchanged since {task.updated_at:%Y-%m-%d}"
            yield Case(task=task.id, message=words, commands=moves(chart, [task], Status.PENDING))


def stale_lease(chart: Chart) -> Iterator[Case]:
    """A worker would have taken it back."""
    for task_id, assignment in chart.expired.items():
        yield Case(
            task=task_id,
            message=f"the lease of {assignment.agent} ended at {assignment.lease_until:%Y-%m-%d %H:%M} UTC",
            commands=("nexus worker", f"nexus agent cancel {assignment.id}"),
        )


def given_up(chart: Chart) -> Iterator[Case]:
    """Automatic assignment tries no more."""
    for task in chart.tasks.values():
        if task.status is Status.PENDING and task.failures >= chart.max_failures:
            key = chart.key(task.id)
            yield Case(
                task=task.id,
                message=f"{task.failures} runs failed",
                commands=(f"nexus agent runs --task {key}", f"nexus agent assign {key}"),
            )


def no_agent_can(chart: Chart) -> Iterator[Case]:
    """None of the configured agents would ever get it."""
    for task in chart.tasks.values() if chart.agents else ():
        is_work = not task.status.is_closed and not chart.children.get(task.id)
        if is_work and not any(_can_take(agent, task) for agent in chart.agents):
            yield Case(task=task.id, message=_too_much(chart, task), commands=("nexus agent list",))


def _can_take(agent: Agent, task: Task) -> bool:
    return (
        (agent.max_complexity is None or (task.complexity or 0) <= agent.max_complexity)
        and (agent.repositories is None or task.repository in agent.repositories)
        and _has_the_skill(agent, task)
    )


def _has_the_skill(agent: Agent, task: Task) -> bool:
    """Labels only say who is best among launched agents; one that claims is given nothing beside its skills."""
    return agent.is_launched or not agent.skills or not task.labels or not agent.skills.isdisjoint(task.labels)


def _too_much(chart: Chart, task: Task) -> str:
    here = [agent for agent in chart.agents if agent.repositories is None or task.repository in agent.repositories]
    if not here:
        return f"no agent works in {task.repository or 'no repository'}"
    limits = [agent.max_complexity for agent in here if agent.max_complexity is not None]
    if len(limits) == len(here) and (task.complexity or 0) > max(limits):
        return f"its complexity is {task.complexity}; the most that an agent takes is {max(limits)}"
    return f"it asks for {listed(sorted(task.labels))}"


def in_progress_unheld(chart: Chart) -> Iterator[Case]:
    """A person may be at it; no agent will get it."""
    for task in _unheld(chart):
        if not _is_forgotten(chart, task):
            yield Case(task=task.id, commands=moves(chart, [task], Status.PENDING))


CHECKS: tuple[Check, ...] = (
    Check(
        code="in_progress_forgotten", severity=Severity.WARNING, find=in_progress_forgotten,
        one="a task has been in progress for long, and nobody holds it",
        many="{count} tasks have been in progress for long, and nobody holds them",
        meanwhile="no agent gets it; if a person works on it, all is well",
        mends=(Mend(name="release", does="sets the tasks back to pending"),),
    ),
    Check(
        code="stale_lease", severity=Severity.WARNING, find=stale_lease,
        one="the lease of an agent ended, and nobody took its task back",
        many="the leases of {count} assignments ended, and nobody took their tasks back",
        advice="Or see whether a worker runs: it does this every few seconds.",
        mends=(Mend(name="reclaim", does="takes the tasks back, as a worker would", automatic=True),),
    ),
    Check(
        code="given_up", severity=Severity.WARNING, find=given_up,
        one="agents failed at a task so often that it is no longer handed out by itself",
        many="agents failed at {count} tasks so often that they are no longer handed out by themselves",
        advice="Read what went wrong, then change the task or assign it by hand.",
    ),
    Check(
        code="no_agent_can", severity=Severity.WARNING, find=no_agent_can,
        one="no configured agent can take a task",
        many="no configured agent can take {count} tasks",
        advice="Split it, change its complexity or labels, or configure an agent for it.",
    ),
    Check(
        code="in_progress_unheld", severity=Severity.NOTE, find=in_progress_unheld,
        one="a task is in progress, and no agent holds it",
        many="{count} tasks are in progress, and no agent holds them",
        meanwhile="no agent gets it; if a person works on it, all is well",
        mends=(Mend(name="release", does="sets the tasks back to pending"),),
    ),
)  # fmt: skip
