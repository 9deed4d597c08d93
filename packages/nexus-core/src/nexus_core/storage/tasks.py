"""Tasks in SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import attrs

from ..clock import to_text
from ..domain.tasks import NewTask, Priority, Status, Task
from ..errors import Duplicate, NotFound, StaleWrite
from ..ports.graph import NewStanding
from ..ports.queries import Page, ReadyQuery, ShownPage, ShownTask, TaskQuery, Visible
from ..wire import task_to_wire
from . import rows, task_pages
from .session import Row, SqlSession, chunks
from .task_pages import order_of

_CANDIDATES = 500
"""How many ready tasks are looked at in one go for those whose labels fit the skills."""


def visibility(visible: Visible) -> dict[str, Any]:
    """The parameters that narrow a statement to what somebody may see."""
    return {"everything": visible is None, "visible": tuple(sorted(visible or ()))}


class SqlTasks:
    """Tasks and the dependencies between them."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def add(self, new: NewTask, now: datetime) -> Task:
        """Store a new task."""
        row = self._session.one("insert_task", **_columns(new), now=to_text(now))
        if row is None:
            raise Duplicate(f"{new.external_key} exists in this repository")
        return self.get(row["id"])

    def reserve(self, number: int) -> list[int]:
        """Ids for so many new tasks."""
        return sorted(row[0] for row in self._session.tuples("reserve_task_ids", number=number)) if number else []

    def add_reserved(self, new: Mapping[int, NewTask], beside: Mapping[int, NewStanding], now: datetime) -> None:
        """Store new tasks under reserved ids."""
        nothing, at = NewStanding(), to_text(now)
        stored = [
            {**_columns(task), **beside.get(key, nothing)._asdict(), "id": key, "now": at} for key, task in new.items()
        ]
        self._session.many("insert_reserved_task", stored)

    def save(self, task: Task, now: datetime) -> Task:
        """Write a changed task."""
        self._write("update_task", task, now, _columns(task))
        return attrs.evolve(task, version=task.version + 1, updated_at=now)

    def place(self, task: Task, now: datetime) -> None:
        """Write where a task stands: status, holder, fence, failures."""
        self._write("place_task", task, now, {"status": str(task.status)})

    def _write(self, statement: str, task: Task, now: datetime, columns: Mapping[str, Any]) -> None:
        self._session.later(
            statement, _stale(task.id), **columns, id=task.id, version=task.version, now=to_text(now),
            assignment_id=task.assignment_id, agent=task.agent, fence=task.fence, failures=task.failures,
            retry_at=rows.time(task.retry_at),
        )  # fmt: skip

    def get(self, task_id: int, *, lock: bool = False) -> Task:
        """One task."""
        found = None
        if abs(task_id) < 2**63:
            found = self._session.one("lock_task" if lock else "get_task", id=task_id)
        if found is None:
            raise NotFound(f"there is no task {task_id}")
        return self._tasks([found])[0]

    def many(self, ids: Sequence[int]) -> list[Task]:
        """Those of the ids that exist, by id."""
        found = [row for part in chunks(sorted(set(ids))) for row in self._session.all("get_tasks", ids=part)]
        return self._tasks(found)

    def _tasks(self, found: Sequence[Row]) -> list[Task]:
        dependencies: dict[int, list[int]] = {}
        for task_id, other in self.dependencies([row["id"] for row in found]):
            dependencies.setdefault(task_id, []).append(other)
        return [task_of(row, tuple(dependencies.get(row["id"], ()))) for row in found]

    def page(self, query: TaskQuery, *, repository_id: int | None, visible: Visible, now: datetime) -> Page[Task]:
        """A page of tasks."""
        found, cursor = task_pages.find(
            self._session, query, repository_id=repository_id, visible=visible, now=now
        )  # fmt: skip
        return Page(items=tuple(self._tasks(found)), next_cursor=cursor)

    def show(self, task_id: int, prefix: str, now: datetime) -> ShownTask:
        """One task as the API shows it."""
        found = None
        if abs(task_id) < 2**63:
            found = self._session.one("show_task", id=task_id, prefix=prefix, now=to_text(now))
        if found is None:
            raise NotFound(f"there is no task {task_id}")
        return ShownTask(**{**found, "linked": bool(found["linked"])})

    def show_page(
        self, query: TaskQuery, *, repository_id: int | None, visible: Visible, prefix: str, now: datetime
    ) -> ShownPage:
        """A page of tasks as the API shows them."""
        shown = task_pages.show(
            self._session, query, repository_id=repository_id, visible=visible, prefix=prefix, now=now
        )
        if shown is None:
            page = self.page(query, repository_id=repository_id, visible=visible, now=now)
            items = [task_to_wire(task, prefix, now=now) for task in page.items]
            shown = ShownPage(items=rows.to_json(items), next_cursor=page.next_cursor)
        return shown

    def _ready_parameters(self, query: ReadyQuery, now: datetime) -> dict[str, Any]:
        return {
            **visibility(query.visible),
            "repository_id": query.repository_id,
            "max_complexity": query.max_complexity,
            "now": to_text(now),
        }

    def ready(self, query: ReadyQuery, now: datetime) -> list[Task]:
        """Ready tasks in their order."""
        if query.skills:
            fitting = list(islice(self._fitting(query, now), query.limit))
            found = {task.id: task for task in self.many(fitting)}
            return [found[task_id] for task_id in fitting]
        parameters = {**self._ready_parameters(query, now), "limit": query.limit}
        return self._tasks(self._ready_rows("list_ready", "list_ready_here", order_of, parameters))

    def _ready_rows(
        self, everywhere: str, here: str, key: Callable[[Row], Any], parameters: Mapping[str, Any]
    ) -> Sequence[Row]:
        """The first ready tasks: of the whole table, or of each repository that counts, each by its own index."""
        places = parameters["visible"]
        if parameters["repository_id"] is not None:
            places = [parameters["repository_id"]]
        elif parameters["everything"]:
            return self._session.all(everywhere, **parameters)
        found: list[Row] = []
        for place in places:
            found += self._session.all(here, **{**parameters, "repository_id": place})
        return sorted(found, key=key)[: parameters["limit"]]

    def take(self, query: ReadyQuery, agent: str, now: datetime) -> Task | None:
        """Give the first ready task that no other transaction has in hand to an agent."""
        row = None
        if query.is_open:
            # A statement without filters that could fold away is planned once, not at each claim.
            row = self._session.one("take_any", agent=agent, now=to_text(now))
        elif not query.skills:
            row = self._session.one("take_ready", **self._ready_parameters(query, now), agent=agent)
        else:
            for task_id in self._fitting(query, now):
                if (row := self._session.one("take_named", id=task_id, agent=agent, now=to_text(now))) is not None:
                    break
        return None if row is None else _held(row)

    def hold(self, task: Task, agent: str, now: datetime) -> Task:
        """Give a task to an agent."""
        row = self._session.one("hold_task", id=task.id, version=task.version, agent=agent, now=to_text(now))
        if row is None:
            raise _stale(task.id)
        return _held(row)

    def _fitting(self, query: ReadyQuery, now: datetime) -> Iterator[int]:
        """The ready tasks whose labels fit the skills, in their order, however far behind the others they come."""
        parameters = {**self._ready_parameters(query, now), "limit": _CANDIDATES}
        seen = 0
        while found := self._session.all("list_ready_labels", **parameters, offset=seen):
            yield from (row["id"] for row in found if _fits(rows.from_json(row["labels"]), query.skills))
            seen += len(found)

    def dispatchable(self, now: datetime, *, max_failures: int, limit: int) -> list[Task]:
        """Ready tasks that automatic assignment may hand out."""
        found = self._session.all("list_dispatchable", now=to_text(now), max_failures=max_failures, limit=limit)
        return self._tasks(found)

    def ready_among(self, ids: Sequence[int], now: datetime) -> list[tuple[int, int | None, str]]:
        """Those of the ids that are ready: id, repository, title."""
        found: list[tuple[Any, ...]] = []
        for part in chunks(sorted(set(ids))):
            found += self._session.tuples("startable_among", ids=part, now=to_text(now))
        return [row[:3] for row in sorted(found, key=lambda row: (*row[3:], row[0]))]

    def woken(self, since: datetime | None, now: datetime) -> list[tuple[int, datetime]]:
        """Ready tasks that were parked until an instant after `since`, with that instant."""
        found = self._session.all("list_woken", since=rows.time(since), now=to_text(now))
        return [(row["id"], rows.at(row["not_before"])) for row in found]

    def children(self, task_id: int) -> list[Task]:
        """The subtasks."""
        return self._tasks(self._session.all("list_children", id=task_id))

    def ancestors(self, task_id: int) -> list[Task]:
        """The parent, its parent and so on."""
        return self._tasks(self._session.all("list_ancestors", id=task_id))

    def descendants(self, ids: Sequence[int]) -> dict[int, int]:
        """All below these, each with how many of these are above it."""
        found: dict[int, int] = {}
        for part in chunks(sorted(set(ids))):
            for task_id, number in self._session.tuples("list_descendants", ids=part):
                found[task_id] = found.get(task_id, 0) + number
        return found

    def depend(self, task_id: int, on: int) -> bool:
        """Add a dependency; false when it was there."""
        return bool(self._session.run("insert_dependency", task_id=task_id, depends_on_id=on))

    def depend_all(self, edges: Sequence[tuple[int, int]]) -> None:
        """Add dependencies, (task, on)."""
        self._session.many(
            "insert_new_dependency", [{"task_id": one, "depends_on_id": on} for one, on in sorted(edges)]
        )

    def undepend(self, task_id: int, on: int) -> bool:
        """Remove a dependency; false when there was none."""
        return bool(self._session.run("delete_dependency", task_id=task_id, depends_on_id=on))

    def dependencies(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """(task, what it depends on) for these tasks."""
        return self._edges("dependencies_of", ids)

    def dependents(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """(task, what it depends on) for the tasks that depend on these."""
        return self._edges("dependents_of", ids)

    def _edges(self, statement: str, ids: Sequence[int]) -> list[tuple[int, int]]:
        return [(row[0], row[1]) for part in chunks(list(ids)) for row in self._session.tuples(statement, ids=part)]

    def bump_subtasks(self, task_id: int, delta: int) -> int:
        """Change the count of open subtasks; the new count."""
        row = self._session.one("bump_open_subtasks", id=task_id, delta=delta)
        return row["open_subtasks"] if row else 0

    def keys_of(self, repository_id: int) -> dict[str, int]:
        """External key -> id."""
        found = self._session.all("find_by_external_key", repository_id=repository_id)
        return {row["external_key"]: row["id"] for row in found}

    def set_external_keys(self, keys: Mapping[int, str]) -> None:
        """Give tasks that have none their external keys."""
        self._session.many(
            "set_external_key", [{"id": task_id, "external_key": key} for task_id, key in sorted(keys.items())]
        )

    def find_external(self, repository_id: int, external_key: str) -> int | None:
        """The task with this external key."""
        tag, _, number = external_key.partition(":")
        any_tag = "" if tag else f"%:{rows.like(number)}"
        found = self._session.all(
            "find_external_key", repository_id=repository_id, external_key=external_key, any_tag=any_tag
        )
        return found[0]["id"] if len(found) == 1 or (found and tag) else None

    def graph(self, repository_id: int | None, visible: Visible) -> list[Task]:
        """The tasks of a repository and those that they touch."""
        if repository_id is None:
            return self._tasks(self._session.all("graph_tasks", **visibility(visible)))
        found = self._session.all("graph_tasks_of", repository_id=repository_id, **visibility(visible))
        return self._tasks(found)

    def of_repository(self, repository_id: int) -> list[Task]:
        """The tasks of a repository."""
        return self._tasks(self._session.all("tasks_of_repository", repository_id=repository_id))

    def lock_graph(self) -> None:
        """Let nobody else add dependencies until the transaction ends."""
        self._session.one("lock_graph")

    def counts(self) -> dict[tuple[int | None, str], int]:
        """How many tasks each repository has in each status."""
        return {(row["repository_id"], row["status"]): row["number"] for row in self._session.all("count_tasks")}

    def save_file(self, repository_id: int, path: str, format_name: str, content: bytes, now: datetime) -> None:
        """Keep the task file as it was imported."""
        self._session.later(
            "save_task_file", repository_id=repository_id, path=path, format=format_name, content=content,
            now=to_text(now),
        )  # fmt: skip

    def file(self, repository_id: int) -> tuple[str, str, bytes] | None:
        """The task file as it was imported."""
        row = self._session.one("get_task_file", repository_id=repository_id)
        return None if row is None else (row["path"], row["format"], bytes(row["content"]))


def _stale(task_id: int) -> StaleWrite:
    return StaleWrite(f"task {task_id} was changed by somebody else meanwhile; read it again, then repeat the change")


def _fits(labels: Sequence[str], skills: frozenset[str]) -> bool:
    return not skills or not labels or not skills.isdisjoint(labels)


def _columns(task: NewTask | Task) -> dict[str, Any]:
    return {
        "title": task.title,
        "description": task.description,
        "details": task.details,
        "test_strategy": task.test_strategy,
        "complexity_auto": task.complexity_auto,
        "complexity_manual": task.complexity_manual,
        "status": str(task.status),
        "priority": str(task.priority),
        "priority_rank": task.priority.rank,
        "parent_id": task.parent_id,
        "labels": rows.to_json(list(task.labels)),
        "external_key": task.external_key,
        "raw_data": rows.to_json(dict(task.raw_data)),
        "not_before": rows.time(task.not_before),
        **({"repository_id": task.repository_id} if isinstance(task, NewTask) else {}),
    }


def task_of(row: Row, dependencies: tuple[int, ...] = ()) -> Task:
    """A task."""
    fields = dict(row)
    fields.update(
        status=Status(row["status"]),
        priority=Priority(row["priority"]),
        labels=tuple(rows.from_json(row["labels"])),
        raw_data=rows.from_json(row["raw_data"]),
        not_before=rows.maybe_at(row["not_before"]),
        retry_at=rows.maybe_at(row["retry_at"]),
        created_at=rows.at(row["created_at"]),
        updated_at=rows.at(row["updated_at"]),
        dependencies=dependencies,
    )
    return Task(**fields)


def node(row: Row, dependencies: tuple[int, ...]) -> Task:
    """A task without its texts."""
    fields = dict(row)
    fields.update(
        status=Status(row["status"]),
        priority=Priority(row["priority"]),
        not_before=rows.maybe_at(row["not_before"]),
        created_at=rows.at(row["created_at"]),
        updated_at=rows.at(row["updated_at"]),
        dependencies=dependencies,
    )
    return Task(**fields)


def _held(row: Row) -> Task:
    """A task that was given to an agent just now: what an assignment needs of it."""
    return Task(
        id=row["id"], title=row["title"], status=Status.IN_PROGRESS, priority=Priority(row["priority"]),
        version=row["version"], created_at=rows.at(row["created_at"]), updated_at=rows.at(row["updated_at"]),
        repository_id=row["repository_id"], complexity_auto=row["complexity_auto"],
        complexity_manual=row["complexity_manual"], assignment_id=row["assignment_id"], agent=row["agent"],
        fence=row["fence"], impact=row["impact"],
    )  # fmt: skip
