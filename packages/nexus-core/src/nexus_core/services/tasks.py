"""Tasks: create, edit, move, depend, and the answers of the resolver."""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime
from functools import partial
from typing import Any

import attrs

from ..domain import readiness
from ..domain.access import LOCAL, Actor
from ..domain.complexity import TaskFacts
from ..domain.events import TaskCreated, TaskDepended, TaskEdited
from ..domain.graph import Graph, Outline
from ..domain.readiness import Readiness
from ..domain.tasks import NewTask, Priority, Task, task_key
from ..errors import Conflict, Cycle, NotFound, StaleWrite
from ..ports.queries import Page, ReadyQuery, ShownPage, ShownTask, TaskQuery
from ..wire import change_to_wire, plain
from . import outlook, parking, upkeep
from .imports import ImportService
from .moves import drop_dependency, move_task, of_issue
from .scores import ScoreService, given_scores
from .shown import one_plan_fits, show_page
from .task_fields import SAID, complexity_of, edited_fields, priority_of, status_of, time_of, title_of
from .work import UnitOfWork, Work, repository_of, require_seen

_ABOVE_ALL = 2**62
"""Above every id."""


@attrs.frozen(kw_only=True)
class Recommendation:
    """The best ready task, and why it comes first."""

    task: Task
    reasons: tuple[str, ...]


class TaskService:
    """Tasks and the graph that they make."""

    def __init__(self, unit: UnitOfWork, imports: ImportService, scores: ScoreService) -> None:
        self._unit = unit
        self._scores = scores
        #: Bring in and write out task files; see ImportService.
        self.import_file = imports.import_file
        self.export_file = imports.export_file
        self.export = imports.export

    # Changes ----------------------------------------------------------------------------------------------------------

    def create(
        self,
        title: str,
        *,
        description: str = "",
        details: str = "",
        test_strategy: str = "",
        repository: int | str | None = None,
        parent_id: int | None = None,
        priority: str = "medium",
        labels: Iterable[str] = (),
        dependencies: Iterable[int] = (),
        complexity_manual: int | None = None,
        not_before: datetime | str | None = None,
        raw_data: Mapping[str, Any] | None = None,
        actor: Actor = LOCAL,
    ) -> Task:
        """Create a task. :raises Invalid: with every fault :raises NotFound: repository, parent or dependency"""
        wanted = list(dict.fromkeys(dependencies))
        new = NewTask(
            title=title_of(title),
            description=description,
            details=details,
            test_strategy=test_strategy,
            priority=priority_of(priority),
            labels=tuple(dict.fromkeys(labels)),
            complexity_manual=complexity_of(complexity_manual),
            parent_id=parent_id,
            not_before=time_of(not_before),
            raw_data=dict(raw_data or {}),
        )

        def action(work: Work) -> Task:
            if wanted or parent_id is not None:
                work.tasks.lock_graph()
            repository_id = repository_of(work, repository, actor)
            if repository_id is None:
                require_seen(actor, None, "such place: this key works in repositories only; name one")
            return self.create_in(work, attrs.evolve(new, repository_id=repository_id), wanted, actor=actor)

        return self._unit.write(action)

    def create_in(
        self, work: Work, new: NewTask, dependencies: Sequence[int] = (), *, actor: Actor, delivery: str | None = None
    ) -> Task:
        """Create a task within a transaction, which has locked the graph if there is a parent or a dependency."""
        task = self._add(work, new, len(dependencies), actor)
        for on in dependencies:
            self._depend(work, task, on, actor)
        work.record(
            TaskCreated, actor=actor, task_id=task.id, repository_id=task.repository_id, delivery=delivery,
            title=task.title, status=str(task.status),
        )  # fmt: skip
        upkeep.announce_ready(work, [task.id], actor=actor, because=None, delivery=delivery)
        return work.tasks.get(task.id)

    def _add(self, work: Work, new: NewTask, dependencies: int, actor: Actor) -> Task:
        if new.parent_id is None:
            return self._add_scored(work, new, dependencies, [])
        parent = work.tasks.get(new.parent_id, lock=True)
        require_seen(actor, parent.repository_id, f"task {parent.id}")
        above = [parent, *work.tasks.ancestors(parent.id)]
        task = self._add_scored(work, attrs.evolve(new, repository_id=parent.repository_id), dependencies, above)
        work.tasks.bump_subtasks(parent.id, 1)
        self._scores.refresh(work, [parent.id])
        unready = sum(1 for other in above if other.open_dependencies)
        work.graph.bump_ancestors([task.id] if unready else [], unready)
        return work.tasks.get(task.id)

    def _add_scored(self, work: Work, new: NewTask, dependencies: int, above: Sequence[Task]) -> Task:
        given = given_scores(work, above)
        facts = TaskFacts(
            title=new.title, description=new.description, details=new.details, test_strategy=new.test_strategy,
            priority=new.priority, labels=new.labels, dependencies=dependencies, depth=len(above),
            parent_score=next((given[other.id] for other in above if other.id in given), None),
        )  # fmt: skip
        score = self._scores.estimate(facts)
        task = work.tasks.add(attrs.evolve(new, complexity_auto=score.value), work.now)
        work.scores.save({task.id: score}, work.now)
        self._scores.ask(work, [task.id])
        return task

    def edit(
        self,
        task_id: int,
        changes: Mapping[str, Any],
        *,
        expected_version: int | None = None,
        actor: Actor = LOCAL,
    ) -> Task:
        """Change fields of a task.

        :raises Invalid: with every fault
        :raises StaleWrite: the task is not at the expected version
        """
        fields = edited_fields(changes)

        def action(work: Work) -> Task:
            if {"parent_id", "priority"} & fields.keys():
                work.tasks.lock_graph()
            task = self._locked(work, task_id, actor, expected_version)
            return self.edit_in(work, task, fields, actor=actor)

        return self._unit.write(action)

    def edit_in(
        self, work: Work, task: Task, fields: Mapping[str, Any], *, actor: Actor, delivery: str | None = None
    ) -> Task:
        """Change fields of a locked task, each of its type, within a transaction (see `edit`)."""
        changed = attrs.evolve(task, **fields)
        differences = {
            name: {"from": plain(getattr(task, name)), "to": plain(value)}
            for name, value in fields.items()
            if getattr(task, name) != value
        }
        if not differences:
            return task
        if "parent_id" in differences:
            self._check_parent(work, changed)
        waiting = self._waiting(work, task, differences)
        saved = work.tasks.save(changed, work.now)
        if "parent_id" in differences:
            upkeep.recount(work, [task.id, *filter(None, (task.parent_id, saved.parent_id))])
        self._rescore(work, task, saved, differences.keys())
        if "priority" in differences:
            self._lead(work, task, saved.priority, actor)
        work.record(
            TaskEdited,
            actor=actor,
            task_id=task.id,
            repository_id=task.repository_id,
            delivery=delivery,
            changes=differences,
            **of_issue(task),
        )
        upkeep.announce_ready(work, waiting, actor=actor, because=None, delivery=None)
        return work.tasks.get(task.id)

    def _rescore(self, work: Work, task: Task, saved: Task, fields: Set[str]) -> None:
        """Make the estimates anew that a change of these fields may touch."""
        touched = {task.id} if SAID & fields else set()
        if "parent_id" in fields:
            touched |= {*filter(None, (task.parent_id, saved.parent_id))}
        if fields & {"parent_id", "complexity_manual"}:
            touched |= {*work.tasks.descendants([task.id])}
        if touched:
            self._scores.refresh(work, touched)

    def _lead(self, work: Work, parent: Task, priority: Priority, actor: Actor) -> None:
        """Have the subtasks follow that have no priority of their own; else an urgent task would have idle parts."""
        for child in work.tasks.children(parent.id):
            if child.priority is parent.priority and child.raw_data.get("priority") is None:
                child = work.tasks.get(child.id, lock=True)
                work.tasks.save(attrs.evolve(child, priority=priority), work.now)
                change = {"from": str(child.priority), "to": str(priority)}
                work.record(
                    TaskEdited, actor=actor, task_id=child.id, repository_id=child.repository_id,
                    changes={"priority": change},
                )  # fmt: skip
                self._lead(work, child, priority, actor)

    def _waiting(self, work: Work, task: Task, fields: Iterable[str]) -> builtins.list[int]:
        """Those that are not ready and that a change of these fields may set free."""
        near = {task.id} if {"parent_id", "not_before"} & set(fields) else set()
        if "parent_id" in fields:
            near |= {*work.tasks.descendants([task.id]), *filter(None, [task.parent_id])}
        return sorted(near - {task_id for task_id, _, _ in work.tasks.ready_among(sorted(near), work.now)})

    def _check_parent(self, work: Work, task: Task) -> None:
        if task.parent_id is None:
            return
        try:
            parent = work.tasks.get(task.parent_id)
            above = [parent.id, *(other.id for other in work.tasks.ancestors(parent.id))]
            fits = task.id not in above and parent.repository_id == task.repository_id
        except NotFound:  # as for one of another repository, so that nobody learns which numbers exist there
            fits = False
        if not fits:
            raise Conflict("the parent must be another task of the same repository, and none below this one")

    def move(
        self,
        task_id: int,
        status: str,
        *,
        reason: str = "",
        expected_version: int | None = None,
        actor: Actor = LOCAL,
        delivery: str | None = None,
    ) -> Task:
        """Change the status of a task. :raises TransitionRefused: :raises StaleWrite:"""
        to = status_of(status)

        def action(work: Work) -> Task:
            work.tasks.lock_graph()
            task = self._locked(work, task_id, actor, expected_version)
            return move_task(work, task, to, reason=reason, actor=actor, delivery=delivery)

        return self._unit.write(action)

    def _locked(self, work: Work, task_id: int, actor: Actor, expected_version: int | None) -> Task:
        task = work.tasks.get(task_id, lock=True)
        require_seen(actor, task.repository_id, f"task {task_id}")
        if expected_version is not None and task.version != expected_version:
            raise StaleWrite(
                f"task {task_id} is at version {task.version}, not {expected_version}; read it again",
                version=task.version,
            )
        return task

    def depend(self, task_id: int, on: int, *, actor: Actor = LOCAL) -> Task:
        """Have a task depend on another, in whatever repository. :raises Cycle: with the path"""

        def action(work: Work) -> Task:
            work.tasks.lock_graph()
            task = self._locked(work, task_id, actor, None)
            if self._depend(work, task, on, actor):
                work.record(TaskDepended, actor=actor, task_id=task.id, repository_id=task.repository_id, on=on)
            return work.tasks.get(task.id)

        return self._unit.write(action)

    def _depend(self, work: Work, task: Task, on: int, actor: Actor) -> bool:
        other = work.tasks.get(on, lock=True)
        require_seen(actor, other.repository_id, f"task {on}")
        task = work.tasks.get(task.id)
        if on in task.dependencies:
            return False
        if path := upkeep.lift(work, task, other):
            raise _cycle(work, (task.id, *path), self._unit.config.key_prefix, actor)
        if not work.tasks.depend(task.id, on):
            return False
        upkeep.dependency_changed(work, task, other, 1)
        self._scores.refresh(work, [task.id])
        return True

    def undepend(self, task_id: int, on: int, *, actor: Actor = LOCAL) -> Task:
        """Have a task no longer depend on another."""

        def action(work: Work) -> Task:
            work.tasks.lock_graph()
            task = self._locked(work, task_id, actor, None)
            if drop_dependency(work, task, on, actor=actor):
                self._scores.refresh(work, [task.id])
            return work.tasks.get(task.id)

        return self._unit.write(action)

    def wake_parked(self) -> builtins.list[int]:
        """Record `task.ready` for the tasks whose parking is over; which they are. The worker asks for it regularly."""
        return self._unit.write(parking.wake)

    def recount(self) -> int:
        """Count anew all that is kept beside open tasks, some at a time; how many there are.

        A repair: it changes nothing unless something went wrong.
        """
        counted, before = 0, _ABOVE_ALL
        while ids := self._unit.write(partial(upkeep.recount_some, before=before)):
            counted, before = counted + len(ids), ids[-1]
        return counted

    # Answers ----------------------------------------------------------------------------------------------------------

    def get(self, task_id: int, *, actor: Actor = LOCAL) -> Task:
        """One task. :raises NotFound:"""
        with self._unit.read() as work:
            task = work.tasks.get(task_id)
        require_seen(actor, task.repository_id, f"task {task_id}")
        return task

    def many(self, ids: Iterable[int], *, actor: Actor = LOCAL) -> builtins.list[Task]:
        """Those of the tasks that exist and that the actor may see."""
        with self._unit.read() as work:
            return [task for task in work.tasks.many(list(ids)) if actor.sees(task.repository_id)]

    def list(self, query: TaskQuery | None = None, *, actor: Actor = LOCAL) -> Page[Task]:
        """A page of tasks."""
        query = query or TaskQuery()
        for status in query.status:
            status_of(status)
        with self._unit.read() as work:
            repository_id = repository_of(work, query.repository, actor)
            return work.tasks.page(query, repository_id=repository_id, visible=actor.repositories, now=work.now)

    def show(self, task_id: int, *, actor: Actor = LOCAL) -> ShownTask:
        """One task as the API shows it, made by the database in one look. :raises NotFound:"""
        work = self._unit.glance()
        shown = work.tasks.show(task_id, self._unit.config.key_prefix, work.now)
        require_seen(actor, shown.repository_id, f"task {task_id}")
        if not shown.linked:
            return shown
        # Who is narrowed to repositories sees no changes of others, whose titles speak of what is hidden.
        found = work.changes.of_task(task_id)
        seen = [change_to_wire(change, link) for change, link in found if actor.sees(change.repository_id)]
        return attrs.evolve(shown, changes=json.dumps(seen, ensure_ascii=False))

    def show_page(self, query: TaskQuery, *, actor: Actor = LOCAL) -> ShownPage:
        """A page of tasks as the API shows them, made by the database in one look.

        :raises NotFound: there is no such repository
        """
        for status in query.status:
            status_of(status)
        prefix = self._unit.config.key_prefix
        if one_plan_fits(query, actor):
            return show_page(self._unit.glance(), query, actor, prefix)
        with self._unit.read() as work:
            return show_page(work, query, actor, prefix)

    def ready(
        self, repository: int | str | None = None, *, limit: int = 50, actor: Actor = LOCAL
    ) -> builtins.list[Task]:
        """What can be worked on now, the best first."""
        with self._unit.read() as work:
            query = ReadyQuery(
                repository_id=repository_of(work, repository, actor), visible=actor.repositories, limit=limit
            )
            return work.tasks.ready(query, work.now)

    def next(
        self,
        repository: int | str | None = None,
        *,
        max_complexity: int | None = None,
        skills: Iterable[str] = (),
        actor: Actor = LOCAL,
    ) -> Recommendation | None:
        """The best ready task with the reasons for it, or None."""
        with self._unit.read() as work:
            query = ReadyQuery(
                repository_id=repository_of(work, repository, actor),
                max_complexity=max_complexity,
                skills=frozenset(skills),
                visible=actor.repositories,
                limit=1,
            )
            found = work.tasks.ready(query, work.now)
        return Recommendation(task=found[0], reasons=readiness.order_reasons(found[0])) if found else None

    def readiness(self, task_id: int, *, actor: Actor = LOCAL) -> Readiness:
        """Whether a task is ready, why not, and what finishing it would bring."""
        with self._unit.read() as work:
            task = work.tasks.get(task_id)
            require_seen(actor, task.repository_id, f"task {task_id}")
            found = readiness.explain(
                task,
                dependencies=[_veiled(other, actor) for other in work.tasks.many(task.dependencies)],
                ancestors=work.tasks.ancestors(task.id),
                subtasks=work.tasks.children(task.id),
                now=work.now,
            )
            impact = outlook.impact(work, task)
            if actor.repositories is not None:
                seen = [one.id for one in work.tasks.many(impact.unblocks) if actor.sees(one.repository_id)]
                impact = attrs.evolve(impact, unblocks=tuple(seen))
            notes = (*found.notes, *_obstacle(work, task))
            return attrs.evolve(found, impact=impact, notes=notes)

    def graph(self, repository: int | str | None = None, *, actor: Actor = LOCAL) -> Graph:
        """The tasks of a repository (or all), the dependencies between them, the longest chain of open ones.

        The tasks come without their texts and scores. :raises TooMany: there are more than one answer holds
        """
        with self._unit.read() as work:
            return outlook.graph(work, repository_of(work, repository, actor), actor.repositories)

    def outline(self, repository: int | str | None = None, *, actor: Actor = LOCAL) -> Outline:
        """The graph as ids alone, however large: in an order in which the tasks can be done, with the longest chain."""
        with self._unit.read() as work:
            return outlook.outline(work, repository_of(work, repository, actor), actor.repositories)


def _obstacle(work: Work, task: Task) -> tuple[str, ...]:
    """What keeps agents from being launched for a task that may be ready all the same."""
    obstacle = None if task.repository_id is None else work.repositories.get(task.repository_id).obstacle
    return () if obstacle is None else (f"no agent is launched for it: {obstacle}",)


def _veiled(task: Task, actor: Actor) -> Task:
    """A task that another waits for, without its words for those who may not see it: that it is there, they know."""
    return task if actor.sees(task.repository_id) else attrs.evolve(task, title=f"task {task.id}")


def _cycle(work: Work, path: tuple[int, ...], prefix: str, actor: Actor) -> Cycle:
    """A cycle with its path, in which tasks that the actor may not see have no number and no name."""
    tasks = {task.id: task for task in work.tasks.many(path) if actor.sees(task.repository_id)}
    path = tuple(task_id for task_id in path if task_id in tasks)
    names = [
        task_key(task_id, prefix) + (f" ({tasks[task_id].repository})" if tasks[task_id].repository else "")
        for task_id in path
    ]
    return Cycle(f"this would close a cycle: {' → '.join(names)}", path=list(path), names=names)
