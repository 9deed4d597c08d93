"""The graph as the store keeps it: walks along the dependencies, and the numbers that make most walks needless.

Nothing here is called by readers of one task: `open_dependencies`, `open_subtasks`, `blocked_ancestors`, `impact`,
`chain` and `level` stand on the task itself. These are the means by which services keep them right with each change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from ..domain.tasks import Task
from .queries import Visible


class Standing(NamedTuple):
    """Where an open task stands in the graph."""

    id: int
    level: int
    impact: int
    chain: int


class NewStanding(NamedTuple):
    """All that is kept beside a task for its readiness and its place in the order of work."""

    level: int = 0
    open_dependencies: int = 0
    open_subtasks: int = 0
    blocked_ancestors: int = 0
    impact: int = 0
    chain: int = 0


class State(NamedTuple):
    """What a task's readiness is made of."""

    id: int
    status: str
    parent_id: int | None
    open_dependencies: int
    open_subtasks: int
    blocked_ancestors: int


class Held(NamedTuple):
    """What keeps a task from being ready."""

    id: int
    open_dependencies: int
    open_subtasks: int
    blocked_ancestors: int
    willing: bool  #: nothing but these counts does


class TaskGraph(Protocol):
    """Walks along the dependencies, and the counts that follow from them."""

    def before(self, ids: Sequence[int], limit: int) -> list[int]:
        """Open tasks that these wait for, directly or not, through open tasks; the nearest, at most `limit`."""
        ...

    def behind(self, ids: Sequence[int], limit: int) -> list[int]:
        """Open tasks that wait for these, directly or not, through open tasks; the nearest, at most `limit`."""
        ...

    def standings(self, ids: Sequence[int]) -> list[Standing]:
        """Those of the ids that are open."""
        ...

    def open_dependents(self, ids: Sequence[int]) -> list[tuple[int, Standing]]:
        """(one of the ids, an open task that depends on it)."""
        ...

    def open_dependencies(self, ids: Sequence[int]) -> list[tuple[int, Standing]]:
        """(one of the ids, an open task that it depends on)."""
        ...

    def add_behind(self, ids: Sequence[int], *, impact: int, chain: int) -> None:
        """Change impact and chain by differences."""
        ...

    def set_behind(self, values: Mapping[int, tuple[int, int]]) -> None:
        """Write impact and chain."""
        ...

    def levels(self, ids: Sequence[int]) -> dict[int, int]:
        """The levels of tasks: each is above those of all that the task depends on."""
        ...

    def levels_above(self, ids: Sequence[int]) -> list[tuple[int, int, int]]:
        """(one of the ids, a task that depends on it, that one's level)."""
        ...

    def levels_below(self, ids: Sequence[int]) -> list[tuple[int, int, int]]:
        """(one of the ids, a task that it depends on, that one's level)."""
        ...

    def walk_above(self, task_id: int, level: int, limit: int) -> dict[int, int]:
        """Tasks that wait for a task, directly or not, through tasks below a level: their levels; at most `limit`."""
        ...

    def walk_below(self, task_id: int, level: int, limit: int) -> dict[int, int]:
        """Tasks that a task waits for, directly or not, through tasks above a level: their levels; at most `limit`."""
        ...

    def set_levels(self, levels: Mapping[int, int]) -> None:
        """Write levels."""
        ...

    def states(self, ids: Sequence[int]) -> list[State]:
        """Those of the ids that exist."""
        ...

    def count_open_dependencies(self, ids: Sequence[int]) -> dict[int, int]:
        """How many of their dependencies are open, counted now."""
        ...

    def count_open_subtasks(self, ids: Sequence[int]) -> dict[int, int]:
        """How many of their subtasks are open, counted now."""
        ...

    def set_counts(self, states: Sequence[State]) -> None:
        """Write the three counts of each."""
        ...

    def bump_dependencies(self, ids: Sequence[int], delta: int) -> dict[int, int]:
        """Change the count of open dependencies; the new counts by task."""
        ...

    def bump_dependents(self, task_id: int, delta: int) -> dict[int, int]:
        """Change the count of open dependencies of all that depend on a task; the new counts by task."""
        ...

    def bump_ancestors(self, ids: Sequence[int], delta: int) -> None:
        """Change the count of ancestors that are unready for their own dependencies."""
        ...

    def held(self, ids: Sequence[int], now: datetime) -> list[Held]:
        """What keeps these from being ready."""
        ...

    def held_by(self, task_id: int, now: datetime) -> list[Held]:
        """What keeps those from being ready that depend on a task."""
        ...

    def open_tasks(self, before: int, limit: int) -> list[int]:
        """Open tasks below an id, from the highest down."""
        ...

    def nodes(self, repository_id: int | None, visible: Visible, limit: int) -> list[Task]:
        """The tasks of a repository and those of others that they touch, or all; without texts, at most `limit`."""
        ...

    def outline(self, repository_id: int | None, visible: Visible) -> list[tuple[int, int]]:
        """(task, its chain, or -1 when it is closed), each behind all that it depends on."""
        ...

    def edges(self) -> list[tuple[int, int]]:
        """(task, what it depends on): all there are."""
        ...

    def chain_behind(self, task_id: int) -> list[int]:
        """The task and the longest chain of open tasks behind it."""
        ...
