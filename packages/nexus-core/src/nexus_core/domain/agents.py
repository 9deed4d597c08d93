"""Agents and their assignments."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class Agent:
    """An AI worker, by name: launched by Nexus with a command, or attached through the API."""

    name: str
    command: tuple[str, ...] = ()  #: empty = attached: it claims its work
    runner: str = "command"  #: the agent runner that launches it
    preset: str | None = None
    skills: frozenset[str] = frozenset()
    max_complexity: int | None = None
    concurrency: int = 1
    timeout: timedelta = timedelta(minutes=45)
    lease: timedelta = timedelta(minutes=30)
    env: tuple[str, ...] = ()  #: what of the environment it may see, beside PATH, HOME, LANG
    repositories: frozenset[str] | None = None  #: None = all

    @property
    def is_launched(self) -> bool:
        """Whether Nexus starts it, rather than it coming for work."""
        return bool(self.command or self.preset)


class AssignmentStatus(enum.StrEnum):
    """Where an assignment stands; it follows its last activity."""

    ASSIGNED = "assigned"
    WORKING = "working"
    AWAITING_INPUT = "awaiting-input"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def is_live(self) -> bool:
        """Whether the assignment still holds its task."""
        return self in (AssignmentStatus.ASSIGNED, AssignmentStatus.WORKING, AssignmentStatus.AWAITING_INPUT)


class ActivityType(enum.StrEnum):
    """What an agent says of its work; a person answers with a `prompt`."""

    THOUGHT = "thought"
    ACTION = "action"
    ELICITATION = "elicitation"
    RESPONSE = "response"
    ERROR = "error"
    PROMPT = "prompt"


@attrs.frozen(kw_only=True)
class Activity:
    """One thing that an agent said, or that a person answered."""

    id: int
    assignment_id: int
    type: ActivityType
    body: str
    created_at: datetime
    choices: tuple[str, ...] = ()  #: of an elicitation
    answer: str | None = None  #: of an elicitation, once a person gave one
    answered_by: str | None = None


@attrs.frozen(kw_only=True)
class Assignment:
    """One agent on one task: a session with a status, a lease, a fence and activities."""

    id: int
    task_id: int
    agent: str
    status: AssignmentStatus
    fence: int  #: goes up with each claim of the task; every write of the holder carries it
    lease_until: datetime
    assigned_at: datetime
    attempt: int = 1
    branch: str | None = None
    reason: str = ""  #: why this agent, why this task
    result: Mapping[str, Any] = attrs.field(factory=dict)  #: summary, head, commits, error …
    ended_at: datetime | None = None
    last_activity: Activity | None = None


@attrs.frozen(kw_only=True)
class AgentState:
    """An agent with what it does at the moment."""

    agent: Agent
    assignments: tuple[Assignment, ...] = ()
    hidden: int = 0  #: so many more, which whoever asks may not see

    @property
    def free(self) -> int:
        """How many more tasks it may take."""
        return max(0, self.agent.concurrency - len(self.assignments) - self.hidden)
