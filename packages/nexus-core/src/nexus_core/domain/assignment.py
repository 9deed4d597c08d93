"""The assignment policy: which agent gets a task."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from .agents import AgentState
from .tasks import Task


@attrs.frozen(kw_only=True)
class Choice:
    """The agent that a policy picked, with its reason."""

    agent: str
    reason: str


def fits(task: Task, state: AgentState) -> str | None:
    """Why this agent cannot take the task; None when it can."""
    agent = state.agent
    if state.free == 0:
        return f"{agent.name} is busy ({len(state.assignments)} of {agent.concurrency})"
    if agent.max_complexity is not None and (task.complexity or 0) > agent.max_complexity:
        return f"{agent.name} takes complexity up to {agent.max_complexity}; this is {task.complexity}"
    if agent.repositories is not None and task.repository not in agent.repositories:
        return f"{agent.name} does not work in {task.repository or 'no repository'}"
    return None


def choose(task: Task, states: Sequence[AgentState]) -> Choice | None:
    """The built-in policy: most of the labels among its skills, then least to spare above, then least busy, then name.

    "Least to spare" keeps the agents with a high complexity limit free for the tasks that need them.
    """
    able = [state for state in states if fits(task, state) is None]
    if not able:
        return None

    def key(state: AgentState) -> tuple[int, int, float, str]:
        matches = len(state.agent.skills & set(task.labels))
        limit = state.agent.max_complexity if state.agent.max_complexity is not None else 10
        return (
            -matches,
            limit - (task.complexity or 5),
            len(state.assignments) / state.agent.concurrency,
            state.agent.name,
        )

    best = min(able, key=key)
    shared = sorted(best.agent.skills & set(task.labels))
    parts = [f"skills {', '.join(shared)}"] if shared else []
    if best.agent.max_complexity is not None and task.complexity is not None:
        parts.append(f"complexity {task.complexity} of at most {best.agent.max_complexity}")
    parts.append(f"{best.free} of {best.agent.concurrency} free")
    return Choice(agent=best.agent.name, reason="; ".join(parts))
