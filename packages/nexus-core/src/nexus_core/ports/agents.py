"""The agent runner: how an agent is launched for an assignment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import attrs

from ..domain.agents import ActivityType, Agent, Assignment
from ..domain.repositories import Repository
from ..domain.tasks import Task


@attrs.frozen(kw_only=True)
class RunRequest:
    """All that a runner needs to start an agent."""

    agent: Agent
    assignment: Assignment
    task: Task
    repository: Repository | None
    branch: str  #: the branch to work on, which names the task
    prompt: str  #: the task in words; text from outside is marked untrusted within it
    worktrees: Path  #: the folder below which the runner may make worktrees
    #: Report what the agent says; also renews the lease. Raises StaleClaim when the work was handed on.
    report: Callable[[ActivityType, str], None]
    #: Renew the lease. Raises StaleClaim when the work was handed on: the runner then ends the agent.
    heartbeat: Callable[[], None]
    started: Callable[[], None]  #: Call once, when the agent runs.
    git_credentials: Callable[[str], tuple[str, str] | None]  #: URL -> (user, password) for fetching and pushing


@attrs.frozen(kw_only=True)
class RunResult:
    """What came of a run."""

    ok: bool
    summary: str = ""
    error: str = ""  #: why it failed, one line
    branch: str | None = None  #: the branch with the work, pushed to the repository
    head: str | None = None
    commits: int = 0


class AgentRunner(Protocol):
    """Launches agents of one kind."""

    def run(self, request: RunRequest) -> RunResult:
        """Run the agent to its end, its time-out or the loss of the claim; leave no process behind.

        Running twice for one assignment (a worker died) must be safe: what is left of the first run is ended and
        its work continued or done anew, on the same branch.

        :raises StaleClaim: the assignment was handed on meanwhile
        """
        ...
