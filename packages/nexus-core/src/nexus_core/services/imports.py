"""Importing and exporting task files.

An import compares the file with what it said the last time: what changed in the file is taken over, what changed in
Nexus only stays. Everything happens in one transaction, so a file comes in whole or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from ..domain.access import LOCAL, Actor
from ..domain.events import TaskCompleted, TaskEdited, TaskMoved, TasksImported
from ..domain.graph import find_cycles
from ..domain.repositories import check_repository_name
from ..domain.tasks import NewTask, Status, Task, task_key
from ..errors import Invalid, NexusError, UnreadableFile
from ..formats.model import ParsedTask, ParsedTasks, Warning_
from ..plugins.records import TaskFormat
from . import upkeep
from .apart import Apart
from .repositories import add_repository
from .work import UnitOfWork, Work, repository_of, said_from

_FIELDS = ("title", "description", "details", "test_strategy", "status", "priority", "labels", "raw_data")
_WHILE_HELD = (Status.IN_PROGRESS, Status.REVIEW, Status.BLOCKED)
"""What a task file may say of a task that an agent holds."""


@attrs.frozen(kw_only=True)
class ImportReport:
    """What an import did, or would do."""

    repository: str
    layout: str
    dry_run: bool
    tasks: int  #: in the file, subtasks included
    dependencies: int
    created: int
    changed: int
    unchanged: int
    warnings: tuple[Warning_, ...]
    cycles: tuple[tuple[str, ...], ...] = ()  #: each left open at its last step


class _RolledBack(NexusError):
    """Ends the transaction of a dry run."""

    def __init__(self, report: ImportReport) -> None:
        self.report = report
        super().__init__()


class ImportService:
    """Task files in and out."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    def import_file(
        self,
        content: bytes,
        repository: str,
        *,
        path: str = "tasks.json",
        format: str = "taskmaster",
        dry_run: bool = False,
        actor: Actor = LOCAL,
        delivery: str | None = None,
    ) -> ImportReport:
        """Bring in a task file; a repository that is new is added.

        :raises UnreadableFile: with file, line and reason; nothing was changed
        """
        check_repository_name(repository)
        task_format = self._format(format)
        try:
            parsed = task_format.parse(content)
        except UnreadableFile as error:
            raise UnreadableFile(f"{path}: {error.message}", faults=error.faults, **error.details) from None

        def action(work: Work) -> ImportReport:
            work.tasks.lock_graph()
            place = self._repository(work, repository, actor)
            importer = _Importer(work, place, actor, delivery, self._unit)
            report = importer.run(parsed, self._previous(work, importer.repository_id, task_format), repository)
            if dry_run:
                raise _RolledBack(attrs.evolve(report, dry_run=True))
            work.tasks.save_file(importer.repository_id, path, format, content, work.now)
            importer.apart.save(work, importer.repository_id)
            return report

        try:
            return self._unit.write(action)
        except _RolledBack as done:
            return done.report

    def export_file(self, repository: str | int, *, actor: Actor = LOCAL) -> bytes:
        """The repository's task file as it reads now; byte for byte the imported one when nothing changed.

        Tasks that the file did not have get their place in it for good, so that an import finds them again.
        """
        with self._unit.read() as work:
            repository_id = repository_of(work, repository, actor)
            assert repository_id is not None  # noqa: S101 - only None gives None
            kept = work.tasks.file(repository_id)
            keys = {task_id: key for key, task_id in work.tasks.keys_of(repository_id).items()}
            held = [task for task in work.tasks.graph(repository_id, None) if task.repository_id == repository_id]
            tasks = Apart.load(work, repository_id).as_in_file(held)
        format_name, content = (kept[1], kept[2]) if kept else ("taskmaster", None)
        task_format = self._format(format_name)
        wanted = task_format.new_keys(content, tasks, keys) if task_format.new_keys else {}
        added = {task_id: key for task_id, key in wanted.items() if keys.get(task_id) != key}
        if added:
            self._unit.write(lambda work: work.tasks.set_external_keys(added))
            keys.update(added)
        return task_format.render(content, tasks, keys)

    def _format(self, name: str) -> TaskFormat:
        found = self._unit.plugins.formats.get(name)
        if found is None:
            raise Invalid(f"there is no task format “{name}”; there are {', '.join(self._unit.plugins.formats)}")
        return found

    def _repository(self, work: Work, name: str, actor: Actor) -> int:
        found = work.repositories.find(name)
        if found is not None:
            checked = repository_of(work, name, actor)
            assert checked is not None  # noqa: S101 - only None gives None
            return checked
        return add_repository(work, name, "", actor=actor).id

    def _previous(self, work: Work, repository_id: int, task_format: TaskFormat) -> dict[str, ParsedTask]:
        kept = work.tasks.file(repository_id)
        if kept is None or kept[1] != task_format.name:
            return {}
        return {task.external_key: task for task in task_format.parse(kept[2]).tasks}


class _Importer:
    """One import, within its transaction."""

    def __init__(self, work: Work, repository_id: int, actor: Actor, delivery: str | None, unit: UnitOfWork) -> None:
        self.estimate = unit.estimate
        self.key_prefix = unit.config.key_prefix
        self.apart = Apart.load(work, repository_id)
        self.scores: dict[str, int] = {}  #: of the tasks that were added, for their subtasks
        self.subtasks: Counter[str | None] = Counter()
        self.work = work
        self.repository_id = repository_id
        self.actor = actor
        self.delivery = delivery
        self.warnings: list[Warning_] = []
        self.created: list[int] = []
        self.changed: set[int] = set()

    def run(self, parsed: ParsedTasks, previous: Mapping[str, ParsedTask], name: str) -> ImportReport:
        work = self.work
        self.warnings += parsed.warnings
        self.subtasks.update(one.parent_key for one in parsed.tasks)
        ids = work.tasks.keys_of(self.repository_id)
        existing = {task.id: task for task in work.tasks.many(list(ids.values()))}
        waiting = self._waiting(existing)
        for one in parsed.tasks:
            if one.external_key in ids:
                self._merge(existing[ids[one.external_key]], one, previous.get(one.external_key))
            else:
                ids[one.external_key] = self._add(one, ids)
        self._report_gone(previous, parsed, ids)
        dependencies, cycles = self._connect(parsed, previous, ids)
        if self.created or self.changed:
            upkeep.recount(work, [*self.created, *self.changed])
            # New tasks are told of by `tasks.imported`; of the others, those are that the file set free.
            upkeep.announce_ready(work, waiting, actor=self.actor, because=None, delivery=self.delivery)
        report = ImportReport(
            repository=name,
            layout=parsed.layout,
            dry_run=False,
            tasks=len(parsed.tasks),
            dependencies=dependencies,
            created=len(self.created),
            changed=len(self.changed),
            unchanged=len(parsed.tasks) - len(self.created) - len(self.changed),
            warnings=tuple(self.warnings),
            cycles=cycles,
        )
        work.record(
            TasksImported, actor=self.actor, repository_id=self.repository_id, delivery=self.delivery,
            created=report.created, changed=report.changed, unchanged=report.unchanged, warnings=len(report.warnings),
        )  # fmt: skip
        return report

    def _waiting(self, existing: Mapping[int, Task]) -> list[int]:
        """The tasks here, and those elsewhere that depend on one of them, which are not ready."""
        dependents = {dependent for dependent, _ in self.work.tasks.dependents(list(existing))}
        ids = [*existing, *dependents]
        return sorted(set(ids) - {task_id for task_id, _, _ in self.work.tasks.ready_among(ids, self.work.now)})

    def _complexity(self, one: ParsedTask) -> int:
        """What the file says; a subtask without a score has its parent's, as in Taskmaster; else an estimate."""
        score = one.complexity_auto or self.scores.get(one.parent_key or "")
        if score is None:
            text = " ".join((one.title, one.description, one.details, one.test_strategy))
            subtasks = self.subtasks[one.external_key]
            score = self.estimate(text=text, dependencies=len(one.dependencies), subtasks=subtasks)
        self.scores[one.external_key] = score
        return score

    def _add(self, one: ParsedTask, ids: Mapping[str, int]) -> int:
        fields: dict[str, Any] = {name: getattr(one, name) for name in _FIELDS}
        task = self.work.tasks.add(
            NewTask(
                **fields,
                repository_id=self.repository_id,
                external_key=one.external_key,
                complexity_auto=self._complexity(one),
                parent_id=ids.get(one.parent_key) if one.parent_key else None,
            ),
            self.work.now,
        )
        self.created.append(task.id)
        return task.id

    def _merge(self, task: Task, theirs: ParsedTask, base: ParsedTask | None) -> None:
        taken, warnings = self._differences(task, theirs, base)
        if taken:
            known, task = task, self.work.tasks.get(task.id, lock=True)
            if task.version != known.version:  # somebody changed it since all were read
                taken, warnings = self._differences(task, theirs, base)
        self.warnings += warnings
        if not taken:
            return
        saved = self.work.tasks.save(attrs.evolve(task, **taken), self.work.now)
        if set(taken) == {"raw_data"} and _others(task.raw_data, theirs) == _others(theirs.raw_data, theirs):
            return  # the file says now what Nexus knew already, such as after its own export
        self.changed.add(task.id)
        self._tell(task, saved, [name for name in taken if name not in ("raw_data", "status")])

    def _differences(
        self, task: Task, theirs: ParsedTask, base: ParsedTask | None
    ) -> tuple[dict[str, Any], list[Warning_]]:
        """What is taken from the file, and what is to be said of it."""
        taken: dict[str, Any] = {}
        warnings: list[Warning_] = []
        if theirs.complexity_auto is not None and (base is None or theirs.complexity_auto != base.complexity_auto):
            taken["complexity_auto"] = theirs.complexity_auto
        taken = {name: value for name, value in taken.items() if getattr(task, name) != value}
        # The file does not know of agents: an agent's work ends by what it does, or by a person.
        held = task.assignment_id is not None and theirs.status not in _WHILE_HELD
        for name in _FIELDS:
            old, new = getattr(task, name), getattr(theirs, name)
            if new == old or (base is not None and new == getattr(base, name)):
                continue
            if name == "status" and held:
                said = f"{task.agent} holds it, so its status stays {task.status}"
                warnings.append(_warning(theirs, "held", said, "status not taken"))
                continue
            if base is not None and old != getattr(base, name):
                warnings.append(_conflict(theirs, name, old))
            taken[name] = new
        return taken, warnings

    def _tell(self, task: Task, saved: Task, edited: Sequence[str]) -> None:
        common: dict[str, Any] = {
            "actor": self.actor, "task_id": task.id, "repository_id": task.repository_id, "delivery": self.delivery,
        }  # fmt: skip
        if edited:
            changes = {
                name: {"from": _plain(getattr(task, name)), "to": _plain(getattr(saved, name))} for name in edited
            }
            self.work.record(TaskEdited, **common, changes=changes)
        if saved.status is not task.status:
            reason = "the task file says so"
            words = {**said_from(task.status), "to": str(saved.status)}
            self.work.record(TaskMoved, **common, **words, reason=reason, title=task.title)
            if saved.status is Status.DONE:
                self.work.record(TaskCompleted, **common, reason=reason, title=task.title)

    def _report_gone(self, previous: Mapping[str, ParsedTask], parsed: ParsedTasks, ids: Mapping[str, int]) -> None:
        here = {one.external_key for one in parsed.tasks}
        gone = [one for key, one in previous.items() if key not in here]
        for one in gone:
            said = "the task is no longer in the file"
            self.warnings.append(_warning(one, "gone", said, "kept in Nexus; an export leaves it out"))
        known = {ids[one.external_key] for one in gone if one.external_key in ids}
        self.apart = attrs.evolve(self.apart, gone=(self.apart.gone | known) - {ids[key] for key in here})

    def _connect(
        self, parsed: ParsedTasks, previous: Mapping[str, ParsedTask], ids: Mapping[str, int]
    ) -> tuple[int, tuple[tuple[str, ...], ...]]:
        """Add and remove dependencies as the file says; cycles are reported and left open."""
        tasks = self.work.tasks
        known = set(tasks.dependencies(list(ids.values())))
        here = {ids[one.external_key] for one in parsed.tasks}
        wanted = {(ids[one.external_key], ids[on]) for one in parsed.tasks for on in one.dependencies if on in ids}
        said = {
            (ids[key], ids[on]) for key, one in previous.items() if key in ids for on in one.dependencies if on in ids
        }
        said |= self.apart.gone_edges
        former = {edge for edge in said if edge[0] in here}  # those of a task that left the file wait for its return
        for task_id, on in sorted((former - wanted) & known):
            tasks.undepend(task_id, on)
            self.changed.add(task_id)
        # A dependency that Nexus dropped since the last import stays dropped: only the file's news are taken, and
        # those that an import left out, which may fit by now.
        fresh = wanted - known - (former - self.apart.left_out)
        cycles = self._cycles(fresh)
        left_out = {edge for _, edge in cycles}
        self.apart = attrs.evolve(self.apart, left_out=frozenset(left_out), gone_edges=frozenset(said - former))
        for task_id, on in sorted(fresh - left_out):
            tasks.depend(task_id, on)
            if task_id not in self.created:
                self.changed.add(task_id)
        return len(wanted), self._report_cycles(cycles, ids)

    def _cycles(self, fresh: set[tuple[int, int]]) -> list[tuple[tuple[int, ...], tuple[int, int]]]:
        edges: dict[int, list[int]] = {}
        front, seen = {node for edge in fresh for node in edge}, set[int]()
        while front:
            seen |= front
            near: set[int] = set()
            for node, there in self.work.tasks.dependencies(sorted(front)):
                edges.setdefault(node, []).append(there)
                near.add(there)
            front = near - seen
        for node, there in sorted(fresh):
            edges.setdefault(node, []).append(there)
        return find_cycles(sorted(seen), edges, lambda node, there: (node, there) in fresh)

    def _report_cycles(
        self, cycles: Sequence[tuple[tuple[int, ...], tuple[int, int]]], ids: Mapping[str, int]
    ) -> tuple[tuple[str, ...], ...]:
        """Name each cycle with its whole path; tasks of other repositories by what they are called everywhere."""
        names = {task_id: key for key, task_id in ids.items()}
        elsewhere = {step for path, _ in cycles for step in path} - names.keys()
        for task in self.work.tasks.many(sorted(elsewhere)):
            known = task_key(task.id, self.key_prefix)
            shown = task.repository and self.actor.sees(task.repository_id)
            names[task.id] = f"{known} ({task.repository})" if shown else known
        for path, (node, there) in cycles:
            way = " → ".join(names[step] for step in path)
            done = f"the dependency of {names[node]} on {names[there]} was left out; kept in the file"
            self.warnings.append(Warning_(place=names[node], code="cycle", message=f"a cycle: {way}", done=done))
        return tuple(tuple(names[step] for step in path) for path, _ in cycles)


def _conflict(theirs: ParsedTask, name: str, old: Any) -> Warning_:
    done = f"the file's was taken; Nexus had: {str(_plain(old))[:80]}"
    return _warning(theirs, "conflict", f"{name} changed in the file and in Nexus", done)


def _others(raw: Mapping[str, Any], one: ParsedTask) -> dict[str, Any]:
    """What an object of the file says beyond the fields of a task."""
    return {name: value for name, value in raw.items() if name not in one.mirrored}


def _warning(one: ParsedTask, code: str, message: str, done: str) -> Warning_:
    return Warning_(place=one.external_key, code=code, message=message, done=done)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value if isinstance(value, int | None) else str(value)
