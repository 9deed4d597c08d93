"""The chart that the checks of live tasks read: the tasks of one repository and what hangs on them, at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property

import attrs

from .agents import Agent, Assignment
from .findings import FileMend
from .tasks import Status, Task, task_key

_NAMED = 5
"""So many tasks are named in a sentence."""


@attrs.frozen(kw_only=True)
class FileLink:
    """A dependency as the task file has it, by external keys, and the edit that would take it out."""

    key: str
    on: str
    drop: FileMend | None  #: None when it cannot be taken out alone


@attrs.frozen(kw_only=True)
class FileFacts:
    """What the checks of live tasks have to know of the task file."""

    lines: Mapping[str, int] = attrs.field(factory=dict)  #: where each task stands, by external key
    links: tuple[FileLink, ...] = ()


@attrs.frozen(kw_only=True, eq=False)
class Chart:
    """Everything that is looked at. Tasks carry no texts but their titles."""

    now: datetime
    prefix: str
    tasks: Mapping[int, Task]  #: of the repository, by id
    others: Mapping[int, Task] = attrs.field(factory=dict)  #: of other repositories, tied to those
    imported: frozenset[int] = frozenset()  #: those that came from a task file
    expired: Mapping[int, Assignment] = attrs.field(factory=dict)  #: live assignments whose lease ended, by task
    agents: tuple[Agent, ...] = ()  #: of the configuration
    max_failures: int = 3
    file: FileFacts | None = None

    @cached_property
    def everyone(self) -> Mapping[int, Task]:
        """The tasks of the repository and the others."""
        return {**self.others, **self.tasks}

    @cached_property
    def children(self) -> Mapping[int, tuple[Task, ...]]:
        """The subtasks of each task that has some."""
        found: dict[int, list[Task]] = {}
        for task in self.tasks.values():
            if task.parent_id is not None:
                found.setdefault(task.parent_id, []).append(task)
        return {task_id: tuple(tasks) for task_id, tasks in found.items()}

    @cached_property
    def dependents(self) -> Mapping[int, tuple[Task, ...]]:
        """The tasks that depend on each task on which some do."""
        found: dict[int, list[Task]] = {}
        for task in self.everyone.values():
            for on in task.dependencies:
                found.setdefault(on, []).append(task)
        return {task_id: tuple(tasks) for task_id, tasks in found.items()}

    @cached_property
    def by_key(self) -> Mapping[str, Task]:
        """The tasks of the repository by their external keys."""
        return {task.external_key: task for task in self.tasks.values() if task.external_key}

    def open_children(self, task: Task) -> list[Task]:
        """The subtasks that are not closed."""
        return [child for child in self.children.get(task.id, ()) if not child.status.is_closed]

    def open_below(self, task: Task) -> list[Task]:
        """The open subtasks, theirs and so on."""
        found = self.open_children(task)
        for child in found:  # grows as it goes
            found += self.open_children(child)
        return found

    def ancestors(self, task: Task) -> Iterator[Task]:
        """The parent, its parent and so on."""
        seen = {task.id}
        above = self.parent(task)
        while above is not None and above.id not in seen:
            seen.add(above.id)
            yield above
            above = self.parent(above)

    def parent(self, task: Task) -> Task | None:
        """The task that it is a part of."""
        return None if task.parent_id is None else self.tasks.get(task.parent_id)

    def dependencies(self, task: Task) -> list[Task]:
        """What a task depends on itself."""
        return [self.everyone[on] for on in task.dependencies if on in self.everyone]

    def key(self, task_id: int) -> str:
        """How a task is shown."""
        return task_key(task_id, self.prefix)


def keys(chart: Chart, tasks: Iterable[Task]) -> list[str]:
    """How these tasks are shown."""
    return [chart.key(task.id) for task in tasks]


def moves(chart: Chart, tasks: Iterable[Task], status: Status) -> tuple[str, ...]:
    """The commands that move the first of these tasks."""
    return tuple(f"nexus task status {key} {status}" for key in keys(chart, tasks)[:_NAMED])


def listed(names: list[str]) -> str:
    """Names in a sentence.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    >>> listed([str(number) for number in range(9)])
    '0, 1, 2, 3, 4 and 4 more'
    """
    if len(names) > _NAMED + 1:
        return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def are(names: list[str]) -> str:
    """Names with the verb that they need.

    >>> are(["a"]), are(["a", "b"])
    ('a is', 'a and b are')
    """
    return f"{listed(names)} {'is' if len(names) == 1 else 'are'}"
