"""Readiness and the counts, computed from the tables alone, straight from the rules of the design.

Nothing here is taken from the code that it judges: no count of the store, no function of the domain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import attrs

from engines import rows
from nexus_core.nexus import Nexus
from nexus_core.ports.queries import TaskQuery

CLOSED = ("done", "cancelled")
COUNTS = ("open_dependencies", "open_subtasks", "blocked_ancestors", "impact", "chain")
OF_THE_OPEN = ("impact", "chain")
MOST_COUNTED = 10_000
"""What the documentation says: from so many on, an impact is “so many or more”."""
_TASKS = f"SELECT id, status, parent_id, not_before, assignment_id, {', '.join(COUNTS)} FROM tasks"
_EDGES = "SELECT task_id, depends_on_id FROM task_dependencies"


@attrs.frozen
class Truth:
    """The tasks and the dependencies between them, and what follows from them."""

    tasks: Mapping[int, Mapping[str, Any]]
    edges: tuple[tuple[int, int], ...]
    _chains: dict[int, int] = attrs.field(factory=dict, init=False)

    @classmethod
    def read(cls, url: str) -> Truth:
        """What the database holds at the moment."""
        edges = tuple((row["task_id"], row["depends_on_id"]) for row in rows(url, _EDGES))
        return cls({row["id"]: row for row in rows(url, _TASKS)}, edges)

    def is_open(self, task: int) -> bool:
        """Neither done nor cancelled."""
        return self.tasks[task]["status"] not in CLOSED

    @cached_property
    def _waits_for(self) -> Mapping[int, list[int]]:
        return _grouped(self.edges)

    @cached_property
    def _waited_for_by(self) -> Mapping[int, list[int]]:
        return _grouped((on, one) for one, on in self.edges)

    @cached_property
    def _below(self) -> Mapping[int, list[int]]:
        return _grouped((row["parent_id"], one) for one, row in self.tasks.items() if row["parent_id"] is not None)

    def open_dependencies(self, task: int) -> int:
        """How many of its own dependencies are not satisfied."""
        return sum(self.is_open(on) for on in self._waits_for.get(task, ()))

    def open_subtasks(self, task: int) -> int:
        """How many of its own subtasks are open."""
        return sum(self.is_open(one) for one in self._below.get(task, ()))

    def ancestors(self, task: int) -> list[int]:
        """The parent, its parent and so on."""
        found = []
        above = self.tasks[task]["parent_id"]
        while above is not None:
            assert above not in found, f"task {task} is below itself"
            found.append(above)
            above = self.tasks[above]["parent_id"]
        return found

    def waiting(self, task: int) -> set[int]:
        """The open tasks that wait for it, directly or not."""
        found: set[int] = set()
        front = {task}
        while front:
            front = {one for on in front for one in self._waited_for_by.get(on, ()) if self.is_open(one)} - found
            found |= front
        return found

    def chain(self, task: int) -> int:
        """How many open tasks the longest chain behind it has."""
        if task not in self._chains:
            behind = [one for one, on in self.edges if on == task and self.is_open(one)]
            self._chains[task] = max((1 + self.chain(one) for one in behind), default=0)
        return self._chains[task]

    def counts(self, task: int) -> dict[str, int]:
        """What should stand beside a task."""
        return {
            "open_dependencies": self.open_dependencies(task),
            "open_subtasks": self.open_subtasks(task),
            "blocked_ancestors": sum(1 for above in self.ancestors(task) if self.open_dependencies(above)),
            "impact": min(len(self.waiting(task)), MOST_COUNTED),
            "chain": self.chain(task),
        }

    def wrong_counts(self) -> dict[int, tuple[dict[str, int], dict[str, int]]]:
        """The tasks whose counts drifted: what they should be, what they are.

        What waits for a closed task is asked of nobody, and counted again when it is reopened.
        """
        wrong = {}
        for task, row in self.tasks.items():
            names = [name for name in COUNTS if name not in OF_THE_OPEN or self.is_open(task)]
            should, stands = self.counts(task), {name: row[name] for name in names}
            if {name: should[name] for name in names} != stands:
                wrong[task] = (should, stands)
        return wrong

    def is_ready(self, task: int, now: datetime) -> bool:
        """The rule of the design, section 4, word by word."""
        row = self.tasks[task]
        parked = row["not_before"] is not None and _instant(row["not_before"]) > now
        return (
            row["status"] == "pending"
            and self.open_dependencies(task) == 0
            and not any(self.open_dependencies(above) for above in self.ancestors(task))
            and self.open_subtasks(task) == 0
            and not parked
            and row["assignment_id"] is None
        )

    def ready(self, now: datetime) -> set[int]:
        """All that is ready."""
        return {task for task in self.tasks if self.is_ready(task, now)}


def _grouped(pairs: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _instant(value: Any) -> datetime:
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def check(nexus: Nexus, url: str, *, explain: bool = True) -> Truth:
    """Hold every answer of the resolver against the tables; what the tables say."""
    truth, now = Truth.read(url), nexus.clock.now()
    ready = truth.ready(now)
    everything = len(truth.tasks) + 1
    assert {} == truth.wrong_counts()
    assert ready == {task.id for task in nexus.tasks.ready(limit=everything)}
    assert ready == {task.id for task in nexus.tasks.list(TaskQuery(ready=True, limit=everything)).items}
    unready = {task.id for task in nexus.tasks.list(TaskQuery(ready=False, limit=everything)).items}
    assert set(truth.tasks) - ready == unready
    if explain:
        assert ready == {task for task in truth.tasks if nexus.tasks.readiness(task).ready}
    return truth
