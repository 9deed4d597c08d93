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
from ..domain.complexity import Score, Source, TaskFacts
from ..domain.events import TaskCompleted, TaskEdited, TaskMoved, TasksImported
from ..domain.findings import FileMend
from ..domain.repositories import check_repository_name
from ..domain.tasks import NewTask, Status, Task, task_key
from ..errors import Conflict, Invalid, NotFound, UnreadableFile
from ..formats.model import ParsedScores, ParsedTask, ParsedTasks, Warning_
from ..plugins.records import TaskFormat
from . import upkeep
from .apart import Apart
from .import_report import ImportReport, RolledBack
from .repositories import add_repository
from .score_imports import ScoreImporter
from .scores import ScoreService, given_scores
from .weaving import Cycle, recount, weave
from .work import UnitOfWork, Work, repository_of, said_from

_FIELDS = ("title", "description", "details", "test_strategy", "status", "priority", "labels", "raw_data")
_WHILE_HELD = (Status.IN_PROGRESS, Status.REVIEW, Status.BLOCKED)
"""What a task file may say of a task that an agent holds."""
_NOWHERE = 2**62
"""Beyond every id of a task."""


class ImportService:
    """Task files in and out."""

    def __init__(self, unit: UnitOfWork, scores: ScoreService) -> None:
        self._unit = unit
        self._scores = scores

    def import_file(
        self,
        content: bytes,
        repository: str,
        *,
        path: str = "tasks.json",
        format: str = "taskmaster",
        tag: str | None = None,
        dry_run: bool = False,
        actor: Actor = LOCAL,
        delivery: str | None = None,
    ) -> ImportReport:
        """Bring in a task file, or a complexity report, which is known by its shape.

        With a task file, a repository that is new is added. `tag` says which tag a report is of, where its path does
        not.

        :raises UnreadableFile: with file, line and reason; nothing was changed
        """
        check_repository_name(repository)
        task_format = self._format(format)
        parsed = _parsed(task_format, content, path)
        if tag is not None and not isinstance(parsed, ParsedScores):
            raise Conflict("a task file names its tags itself; `tag` is for a complexity report alone")

        def action(work: Work) -> ImportReport:
            if isinstance(parsed, ParsedScores):
                importer = ScoreImporter(
                    work, self._known(work, repository, actor), self._scores, path=path, actor=actor, delivery=delivery
                )
                assert task_format.scores is not None  # noqa: S101 - it made the report
                report = importer.run(parsed, task_format.scores, tag, repository)
            else:
                report = self._import_tasks(work, parsed, content, task_format, repository, actor, delivery, dry_run)
                if not dry_run:
                    work.tasks.save_file(self._known(work, repository, actor), path, format, content, work.now)
            if dry_run:
                raise RolledBack(attrs.evolve(report, dry_run=True))
            return report

        try:
            return self._unit.write(action)
        except RolledBack as done:
            return done.report

    def _import_tasks(
        self, work: Work, parsed: ParsedTasks, content: bytes, task_format: TaskFormat, name: str, actor: Actor,
        delivery: str | None, dry_run: bool,
    ) -> ImportReport:  # fmt: skip
        work.tasks.lock_graph()
        place = self._repository(work, name, actor)
        importer = _Importer(work, place, actor, delivery, self._scores, self._unit.config.key_prefix)
        importer.is_rehearsal = dry_run
        report = importer.run(parsed, self._previous(work, place, task_format, content, parsed), name)
        importer.apart.save(work, place)
        return report

    def export_file(self, repository: str | int, *, actor: Actor = LOCAL) -> bytes:
        """The repository's task file as it reads now; byte for byte the imported one when nothing changed.

        Tasks that the file did not have get their place in it for good, so that an import finds them again.
        """
        with self._unit.read() as work:
            repository_id = repository_of(work, repository, actor)
            assert repository_id is not None  # noqa: S101 - only None gives None
            kept = work.tasks.file(repository_id)
            keys = {task_id: key for key, task_id in work.tasks.keys_of(repository_id).items()}
            held = work.tasks.of_repository(repository_id)
            tasks = Apart.load(work, repository_id).as_in_file(held)
            mends = work.charts.file_mends(repository_id)
        format_name, content = (kept[1], kept[2]) if kept else ("taskmaster", None)
        task_format = self._format(format_name)
        wanted = task_format.new_keys(content, tasks, keys) if task_format.new_keys else {}
        added = {task_id: key for task_id, key in wanted.items() if keys.get(task_id) != key}
        if added:
            self._unit.write(lambda work: work.tasks.set_external_keys(added))
            keys.update(added)
        return _mended(task_format, task_format.render(content, tasks, keys), mends, held, keys)

    def _format(self, name: str) -> TaskFormat:
        found = self._unit.plugins.formats.get(name)
        if found is None:
            raise Invalid(f"there is no task format “{name}”; there are {', '.join(self._unit.plugins.formats)}")
        return found

    def _repository(self, work: Work, name: str, actor: Actor) -> int:
        if work.repositories.find(name) is not None or actor.repositories is not None:
            return self._known(work, name, actor)
        return add_repository(work, name, "", actor=actor).id

    def _known(self, work: Work, name: str, actor: Actor) -> int:
        if work.repositories.find(name) is None and actor.repositories is None:
            raise NotFound(f"there is no repository {name}; import its task file first")
        checked = repository_of(work, name, actor)
        assert checked is not None  # noqa: S101 - only None gives None
        return checked

    def _previous(
        self, work: Work, repository_id: int, task_format: TaskFormat, content: bytes, parsed: ParsedTasks
    ) -> dict[str, ParsedTask]:
        kept = work.tasks.file(repository_id)
        if kept is None or kept[1] != task_format.name:
            return {}
        # Reading is a good part of an import, and most files that come again are as they were.
        former = parsed if kept[2] == content else task_format.parse(kept[2])
        return {task.external_key: task for task in former.tasks}


def _parsed(task_format: TaskFormat, content: bytes, path: str) -> ParsedScores | ParsedTasks:
    """The file, read. :raises UnreadableFile: naming it"""
    try:
        scores = task_format.scores.parse(content) if task_format.scores else None
        return task_format.parse(content) if scores is None else scores
    except UnreadableFile as error:
        raise UnreadableFile(f"{path}: {error.message}", faults=error.faults, **error.details) from None


def _mended(
    task_format: TaskFormat, content: bytes, mends: Sequence[FileMend], tasks: Sequence[Task], keys: Mapping[int, str]
) -> bytes:
    """A file as it is to be written, with what the doctor mended in its text."""
    if not mends or task_format.doctor is None:
        return content
    live = {(keys[task.id], keys[on]) for task in tasks for on in task.dependencies if {task.id, on} <= keys.keys()}
    return task_format.doctor().mend(content, mends, live)


class _Importer:
    """One import, within its transaction."""

    def __init__(
        self, work: Work, repository_id: int, actor: Actor, delivery: str | None, scores: ScoreService, key_prefix: str
    ) -> None:
        self.scorer = scores
        self.key_prefix = key_prefix
        self.apart = Apart.load(work, repository_id)
        self.scores: dict[int, Score] = {}  #: of tasks that were added, or whose file says another score
        self.facts: Mapping[str, TaskFacts] = {}
        self.reported: set[int] = set()  #: tasks whose score a report gave; the file's copy of it says nothing new
        self.work = work
        self.repository_id = repository_id
        self.actor = actor
        self.delivery = delivery
        self.is_rehearsal = False  #: it will be rolled back
        self.warnings: list[Warning_] = []
        self.new: dict[int, NewTask] = {}
        self.changed: set[int] = set()
        self.turned: list[Task] = []  #: those that were closed or reopened, as they are now

    def run(self, parsed: ParsedTasks, previous: Mapping[str, ParsedTask], name: str) -> ImportReport:
        work = self.work
        self.warnings += parsed.warnings
        ids = work.tasks.keys_of(self.repository_id)
        existing = {task.id: task for task in work.tasks.many(list(ids.values()))}
        self.facts = _facts_of(parsed, self._given(parsed, ids, existing))
        waiting = self._waiting(existing)
        reserved = iter(self._ids(sum(one.external_key not in ids for one in parsed.tasks)))
        self.reported = self._reported(parsed, ids)
        for one in parsed.tasks:
            if one.external_key in ids:
                self._merge(existing[ids[one.external_key]], one, previous.get(one.external_key))
            else:
                ids[one.external_key] = self._add(next(reserved), one, ids)
        self._report_gone(previous, parsed, ids)
        dependencies, cycles = self._connect(parsed, previous, ids)
        self._score(parsed, ids)
        if self.new or self.changed:
            # New tasks are told of by `tasks.imported`; of the others, those are that the file set free.
            upkeep.announce_ready(work, waiting, actor=self.actor, because=None, delivery=self.delivery)
        report = ImportReport(
            repository=name,
            layout=parsed.layout,
            dry_run=False,
            tasks=len(parsed.tasks),
            dependencies=dependencies,
            created=len(self.new),
            changed=len(self.changed),
            unchanged=len(parsed.tasks) - len(self.new) - len(self.changed),
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

    def _given(self, parsed: ParsedTasks, ids: Mapping[str, int], existing: Mapping[int, Task]) -> dict[str, int]:
        """The scores that somebody gave to tasks which the file gives new parts."""
        keys = {one.parent_key for one in parsed.tasks if one.parent_key in ids and one.external_key not in ids}
        given = given_scores(self.work, [existing[ids[key]] for key in keys if key])
        return {key: given[ids[key]] for key in keys if key and ids[key] in given}

    def _reported(self, parsed: ParsedTasks, ids: Mapping[str, int]) -> set[int]:
        scored = [ids[one.external_key] for one in parsed.tasks if one.complexity_auto and one.external_key in ids]
        return {task_id for task_id, one in self.work.scores.of(scored).items() if one.source is Source.REPORT}

    def _score(self, parsed: ParsedTasks, ids: Mapping[str, int]) -> None:
        """Keep what was scored; estimate anew what changed, or got other parts, or is a part of what was scored."""
        self.work.scores.save(self.scores, self.work.now)
        below = self.work.tasks.descendants(sorted(self.scores.keys() - self.new.keys()))
        parents = {
            ids[one.parent_key] for one in parsed.tasks if one.parent_key and ids[one.external_key] in self.scores
        }
        stale = self.scorer.stale(self.work, self.repository_id)
        self.scorer.refresh(self.work, {*self.changed, *parents, *stale} - self.new.keys() | {*below})
        self.scorer.ask(self.work, self.new)

    def _ids(self, number: int) -> Sequence[int]:
        """Ids for new tasks; those of a dry run are no task's ever, since PostgreSQL takes reserved ones not back."""
        return range(_NOWHERE, _NOWHERE + number) if self.is_rehearsal else self.work.tasks.reserve(number)

    def _add(self, task_id: int, one: ParsedTask, ids: Mapping[str, int]) -> int:
        fields: dict[str, Any] = {name: getattr(one, name) for name in _FIELDS}
        score = _file_score(one) or self.scorer.estimate(self.facts[one.external_key])
        self.new[task_id] = NewTask(
            **fields,
            repository_id=self.repository_id,
            external_key=one.external_key,
            complexity_auto=score.value,
            parent_id=ids.get(one.parent_key) if one.parent_key else None,
        )
        self.scores[task_id] = score
        return task_id

    def _merge(self, task: Task, theirs: ParsedTask, base: ParsedTask | None) -> None:
        taken, warnings = self._differences(task, theirs, base)
        if taken:
            known, task = task, self.work.tasks.get(task.id, lock=True)
            if task.version != known.version:  # somebody changed it since all were read
                taken, warnings = self._differences(task, theirs, base)
        self.warnings += warnings
        score = _file_score(theirs)
        if score and task.id not in self.reported and not (base and base.complexity_auto == score.value):
            self.scores[task.id] = score
        if not taken:
            return
        saved = self.work.tasks.save(attrs.evolve(task, **taken), self.work.now)
        if set(taken) == {"raw_data"} and _others(task.raw_data, theirs) == _others(theirs.raw_data, theirs):
            return  # the file says now what Nexus knew already, such as after its own export
        self.changed.add(task.id)
        if saved.status.is_closed is not task.status.is_closed:
            self.turned.append(saved)
        self._tell(task, saved, [name for name in taken if name not in ("raw_data", "status")])

    def _differences(
        self, task: Task, theirs: ParsedTask, base: ParsedTask | None
    ) -> tuple[dict[str, Any], list[Warning_]]:
        """What is taken from the file, and what is to be said of it."""
        taken: dict[str, Any] = {}
        warnings: list[Warning_] = []
        score = theirs.complexity_auto
        is_news = score not in (None, task.complexity_auto) and (base is None or score != base.complexity_auto)
        if is_news and task.id not in self.reported:
            taken["complexity_auto"] = score
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
        """Store the new tasks; add and remove dependencies as the file says; cycles are reported and left open."""
        tasks = self.work.tasks
        known = set(tasks.dependencies([task_id for task_id in ids.values() if task_id not in self.new]))
        here = {ids[one.external_key] for one in parsed.tasks}
        wanted = {(ids[one.external_key], ids[on]) for one in parsed.tasks for on in one.dependencies if on in ids}
        said = {
            (ids[key], ids[on]) for key, one in previous.items() if key in ids for on in one.dependencies if on in ids
        }
        said |= self.apart.gone_edges
        former = {edge for edge in said if edge[0] in here}  # those of a task that left the file wait for its return
        gone = sorted((former - wanted) & known)
        for task_id, on in gone:
            tasks.undepend(task_id, on)
        # A dependency that Nexus dropped since the last import stays dropped: only the file's news are taken, and
        # those that an import left out, which may fit by now.
        tied, cycles = weave(self.work, self.new, wanted - known - (former - self.apart.left_out))
        self.changed.update(task_id for task_id, _ in (*gone, *tied) if task_id not in self.new)
        recount(self.work, self.new, self.turned, tied, gone)
        left_out = frozenset(edge for _, edge in cycles)
        self.apart = attrs.evolve(self.apart, left_out=left_out, gone_edges=frozenset(said - former))
        return len(wanted), self._report_cycles(cycles, ids)

    def _report_cycles(self, cycles: Sequence[Cycle], ids: Mapping[str, int]) -> tuple[tuple[str, ...], ...]:
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


def _file_score(one: ParsedTask) -> Score | None:
    """The score that the file has for a task, which Taskmaster copies there from its report."""
    return None if one.complexity_auto is None else Score(value=one.complexity_auto, source=Source.FILE)


def _facts_of(parsed: ParsedTasks, given: Mapping[str, int]) -> dict[str, TaskFacts]:
    """What an estimator is given for each task of the file; `given` are scores that somebody gave in Nexus, by key."""
    said: dict[str, int | None] = {one.external_key: one.complexity_auto for one in parsed.tasks}
    said.update(given)
    parts = Counter(one.parent_key for one in parsed.tasks)
    dependents = Counter(on for one in parsed.tasks for on in one.dependencies)
    found: dict[str, TaskFacts] = {}
    for one in parsed.tasks:
        parent = found[one.parent_key] if one.parent_key else None
        found[one.external_key] = TaskFacts(
            title=one.title, description=one.description, details=one.details, test_strategy=one.test_strategy,
            priority=one.priority, labels=one.labels, dependencies=len(one.dependencies),
            dependents=dependents[one.external_key], subtasks=parts[one.external_key],
            depth=parent.depth + 1 if parent else 0,
            parent_score=said[one.parent_key or ""] or parent.parent_score if parent else None,
        )  # fmt: skip
    return found


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
