"""One import of a task file, within its transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from ..domain.access import Actor
from ..domain.events import Event, TaskCompleted, TaskConflicted, TaskEdited, TaskMoved, TasksImported
from ..domain.repositories import Repository
from ..domain.tasks import NewTask, Status, Task, task_key
from ..formats.model import ParsedTask, ParsedTasks, Warning_
from ..wire import plain
from . import upkeep
from .apart import Apart
from .import_identity import Identity, identify
from .import_links import Linker, Outside
from .import_merge import Conflict, Merged, conflict, merge
from .import_report import ImportReport
from .import_scores import FileScores
from .moves import of_issue
from .scores import ScoreService
from .weaving import Edge, recount, weave
from .work import Work, said_from

_NEW = (
    "title", "description", "details", "test_strategy", "status", "priority", "labels", "raw_data",
    "complexity_manual", "not_before",
)  # fmt: skip
_UNTOLD = ("raw_data", "status", "failures", "retry_at")
"""Changes that no `task.edited` tells: the last three go with `task.moved`."""
_HISTORY = 500
"""How many events of one task are looked at for what it was meanwhile."""
_IMPORTS = 100
"""How many imports of a repository are looked at for this very file."""
_NOWHERE = 2**62
"""Beyond every id of a task."""


@attrs.frozen(kw_only=True)
class Former:
    """What the repository's file said when it was imported last."""

    tasks: Mapping[str, ParsedTask] = attrs.field(factory=dict)
    is_beside: bool = False  #: the file that comes in now is another one, which says nothing of those it lacks


class Importer:
    """Brings the tasks of one file in."""

    def __init__(
        self, work: Work, repository: Repository, scorer: ScoreService, *, actor: Actor, delivery: str | None,
        prefix: str,
    ) -> None:  # fmt: skip
        self.work = work
        self.repository = repository
        self.actor = actor
        self.delivery = delivery
        self.prefix = prefix
        self.is_rehearsal = False  #: it will be rolled back
        self.apart = Apart.load(work, repository.id)
        self.links = Linker(work, actor, delivery, prefix)
        self.scores = FileScores(work, repository.id, scorer)
        self.warnings: list[Warning_] = []
        self.conflicts: list[Conflict] = []
        self.new: dict[int, NewTask] = {}
        self.changed: set[int] = set()
        self.turned: list[Task] = []  #: those that were closed or reopened, as they are now
        self.moved: set[int] = set()  #: those that are part of another task now, and these tasks
        self.last_import = 0  #: the event of the import before this one
        self.before: dict[str, int] = {}  #: the tasks by their keys before the import
        self.ids: dict[str, int] = {}  #: the tasks by their keys now
        self.existing: dict[int, Task] = {}
        self.unstored: set[int] = set()  # new tasks, which can be no task's parent yet
        self.adopted: dict[int, tuple[ParsedTask, int]] = {}  # tasks that are to be part of one of them

    def run(self, parsed: ParsedTasks, former: Former, content: bytes) -> ImportReport:
        """Bring the file in."""
        self.warnings += parsed.warnings
        digest = hashlib.sha256(content).hexdigest()
        self._look_back(digest)
        self.before = self.work.tasks.keys_of(self.repository.id)
        self.existing = {task.id: task for task in self.work.tasks.many(list(self.before.values()))}
        waiting = self._waiting()
        identity = self._identify(parsed, former)
        self.scores.read(parsed, self.ids, self.existing)
        self._take_up(parsed, former, identity)
        if not former.is_beside:
            self._report_gone(former, parsed, identity)
        dependencies, cycles = self._connect(parsed, former)
        self.scores.keep(parsed, self.ids, new=self.new, changed={*self.changed, *self.moved})
        if self.new or self.changed:
            # New tasks are told of by `tasks.imported`; of the others, those are that the file set free.
            upkeep.announce_ready(self.work, waiting, actor=self.actor, because=None, delivery=self.delivery)
        self.apart.save(self.work, self.repository.id)
        report = self._report(parsed, dependencies, cycles)
        self._tell_of_import(report, digest)
        return report

    def _take_up(self, parsed: ParsedTasks, former: Former, identity: Identity) -> None:
        """Every task of the file: merged into the one that is there, or new."""
        origins = identity.origins(self.before.keys() | {one.external_key for one in parsed.tasks})
        number = sum(one.external_key not in self.ids for one in parsed.tasks)
        # Those of a dry run are no task's ever, since PostgreSQL does not take reserved ones back.
        rehearsed = range(_NOWHERE, _NOWHERE + number)
        reserved = iter(rehearsed if self.is_rehearsal else self.work.tasks.reserve(number))
        for one in parsed.tasks:
            if one.external_key in self.ids:
                self._merge(one, former.tasks.get(origins.get(one.external_key, "")))
            else:
                self.ids[one.external_key] = self._add(next(reserved), one)

    def _report(self, parsed: ParsedTasks, dependencies: int, cycles: Sequence[tuple[str, ...]]) -> ImportReport:
        touched = self.changed.union(self.new)
        return ImportReport(
            repository=self.repository.name,
            format=parsed.format,
            layout=parsed.layout,
            dry_run=False,
            tasks=len(parsed.tasks),
            dependencies=dependencies,
            created=len(self.new),
            changed=len(self.changed),
            unchanged=sum(self.ids[one.external_key] not in touched for one in parsed.tasks),
            warnings=(*self.warnings, *self.links.warnings),
            conflicts=tuple(self.conflicts),
            cycles=tuple(cycles),
        )

    def _tell_of_import(self, report: ImportReport, digest: str) -> None:
        self.work.record(
            TasksImported, actor=self.actor, repository_id=self.repository.id, delivery=self.delivery,
            created=report.created, changed=report.changed, unchanged=report.unchanged, warnings=len(report.warnings),
            conflicts=len(report.conflicts), format=report.format, digest=digest,
        )  # fmt: skip

    def _look_back(self, digest: str) -> None:
        """Find the last import; say so when this very file came in before it."""
        found = self.work.events.list(
            after=0, kind=TasksImported.TYPE, task_id=None, visible=frozenset({self.repository.id}), limit=_IMPORTS,
            newest=True,
        )  # fmt: skip
        self.last_import = found[-1].id if found else 0
        same = [event for event in found if event.payload.get("digest") == digest]
        if same and same[-1] is not found[-1]:
            said = f"this very file was imported on {same[-1].created_at:%Y-%m-%d %H:%M} UTC, and another one since"
            self._warn("file", "older_file", said, "where it differs from that one, it is taken as the newer word")

    def _waiting(self) -> list[int]:
        """The tasks here, and those elsewhere that depend on one of them, which are not ready."""
        dependents = {dependent for dependent, _ in self.work.tasks.dependents(list(self.existing))}
        ids = [*self.existing, *dependents]
        return sorted(set(ids) - {task_id for task_id, _, _ in self.work.tasks.ready_among(ids, self.work.now)})

    def _warn(self, place: str, code: str, message: str, done: str) -> None:
        self.warnings.append(Warning_(place=place, code=code, message=message, done=done))

    def _name(self, task_id: int) -> str:
        return task_key(task_id, self.prefix)

    # Which task is which ----------------------------------------------------------------------------------------------

    def _identify(self, parsed: ParsedTasks, former: Former) -> Identity:
        """Find out which task is which, and give each the key that it has now."""
        now = {one.external_key: one for one in parsed.tasks}
        known = {key: self.existing[task_id] for key, task_id in self.before.items()}
        identity = identify(former.tasks, now, known, is_whole=not former.is_beside)
        self._rename(identity)
        for key in sorted(identity.lost):
            name = self._name(self.before[key])
            said = f"{key} names another task now; before, it was “{known[key].title[:60]}” ({name})"
            self._warn(
                key, "reused_id", said, f"imported as a new task; {name} is kept in Nexus; an export leaves it out"
            )
        for was, key in sorted(identity.moved.items()):
            done = f"the same task, {self._name(self.before[was])}, under its new key"
            self._warn(key, "moved", f"the task was {was} before", done)
        return identity

    def _rename(self, identity: Identity) -> None:
        """Take the former keys away first, lest two tasks want one key at a time."""
        self.ids = {key: task_id for key, task_id in self.before.items() if key in identity.origins([key])}
        for key in (*identity.moved, *identity.lost):
            task = self.work.tasks.get(self.before[key], lock=True)
            self.existing[task.id] = self.work.tasks.save(attrs.evolve(task, external_key=None), self.work.now)
            self.changed.add(task.id)
            self._edited(task, {"external_key": {"from": key, "to": identity.moved.get(key)}})
        moved = {key: self.before[was] for was, key in identity.moved.items()}
        self.work.tasks.set_external_keys({task_id: key for key, task_id in moved.items()})
        for key, task_id in moved.items():
            self.existing[task_id] = attrs.evolve(self.existing[task_id], external_key=key)
        self.ids |= moved

    # Tasks ------------------------------------------------------------------------------------------------------------

    def _add(self, task_id: int, one: ParsedTask) -> int:
        fields: dict[str, Any] = {name: getattr(one, name) for name in _NEW}
        self.unstored.add(task_id)
        self.new[task_id] = NewTask(
            **fields,
            repository_id=self.repository.id,
            external_key=one.external_key,
            complexity_auto=self.scores.of_new(task_id, one),
            parent_id=self._parent(one),
        )
        return task_id

    def _parent(self, one: ParsedTask) -> int | None:
        """The task that one is part of, which may stand outside of the file."""
        found = self._find_parent(one.parent_key, self.ids)
        if found is None and one.parent_key is not None:
            said = f"there is no task {one.parent_key[:80]} here"
            self._warn(
                f"{one.external_key} / parent", "dangling_parent", said, "part of none in Nexus; kept in the file"
            )
        return found

    def _find_parent(self, name: str | None, ids: Mapping[str, int]) -> int | None:
        found = None if name is None else Outside(self.work, ids, self.actor, self.prefix).find(name)
        is_here = found is not None and (name in ids or self.work.tasks.get(found).repository_id == self.repository.id)
        return found if is_here else None

    def _merge(self, theirs: ParsedTask, base: ParsedTask | None) -> None:
        known = self.existing[self.ids[theirs.external_key]]
        parent = self._parent(theirs) if "parent" in theirs.said else known.parent_id
        score = self.scores.of_known(known, theirs, base)
        task, merged = known, self._differences(known, theirs, base, parent, score)
        if merged.taken:
            task = self.work.tasks.get(known.id, lock=True)
            if task.version != known.version:  # somebody changed it since all were read
                merged = self._differences(task, theirs, base, parent, score)
        self._tell_conflicts(task, merged.conflicts)
        if merged.taken:
            self._save(task, theirs, merged.taken)

    def _save(self, task: Task, theirs: ParsedTask, taken: Mapping[str, Any]) -> None:
        if (parent := taken.get("parent_id")) in self.unstored:
            self.adopted[task.id] = (theirs, parent)
            taken = {name: value for name, value in taken.items() if name != "parent_id"}
            if not taken:
                return
        saved = self.work.tasks.save(attrs.evolve(task, **taken), self.work.now)
        if set(taken) == {"raw_data"} and _others(task.raw_data, theirs) == _others(theirs.raw_data, theirs):
            return  # the file says now what Nexus knew already, such as after its own export
        self.changed.add(task.id)
        if saved.status.is_closed is not task.status.is_closed:
            self.turned.append(saved)
        if saved.parent_id != task.parent_id:
            self.moved.update(filter(None, (task.id, task.parent_id, saved.parent_id)))
        if "complexity_manual" in taken:
            self.moved.update(self.work.tasks.descendants([task.id]))
        self._tell(task, saved, [name for name in taken if name not in _UNTOLD])

    def _adopt(self) -> None:
        """Put tasks below new ones, which are stored by now."""
        self.unstored.clear()
        for task_id, (theirs, parent) in self.adopted.items():
            task = self.work.tasks.get(task_id, lock=True)
            if self._may_move(task, theirs, parent):
                self._save(task, theirs, {"parent_id": parent})

    def _differences(
        self, task: Task, theirs: ParsedTask, base: ParsedTask | None, parent: int | None, score: int | None
    ) -> Merged:
        merged = merge(task, theirs, base, lambda since_import: self._history(task, since_import=since_import))
        taken, conflicts = dict(merged.taken), list(merged.conflicts)
        if score is not None:
            taken["complexity_auto"] = score
        if parent != task.parent_id and self._may_move(task, theirs, parent):
            is_known = base is not None and "parent" in base.said
            was = self._find_parent(base.parent_key, self.before) if base is not None and is_known else task.parent_id
            if parent != was:
                taken["parent_id"] = parent
            if was not in (task.parent_id, parent):
                conflicts.append(conflict(task, theirs, "parent_id", base=was, file=parent, taken="file"))
        if task.status.is_closed and "status" in taken and not taken["status"].is_closed:
            taken |= {"failures": 0, "retry_at": None}
        return Merged(taken=taken, conflicts=tuple(conflicts))

    def _may_move(self, task: Task, theirs: ParsedTask, parent: int | None) -> bool:
        """Whether a task can be part of another; not of itself. Of what is new, `_adopt` asks once it is stored."""
        if parent is None or parent in self.unstored:
            return True
        if task.id not in (parent, *(above.id for above in self.work.tasks.ancestors(parent))):
            return True
        said = f"it would be part of itself, through {theirs.parent_key}"
        self._warn(theirs.external_key, "parent_loop", said, "its parent stays as it is")
        return False

    def _history(self, task: Task, *, since_import: bool) -> list[Event]:
        """What changed a task in Nexus, since the last import or ever."""
        found = [
            event
            for kind in (TaskEdited, TaskMoved)
            for event in self.work.events.list(
                after=0, kind=kind.TYPE, task_id=task.id, visible=None, limit=_HISTORY, newest=True
            )
        ]
        return [event for event in found if event.id > self.last_import or not since_import]

    # What is told -----------------------------------------------------------------------------------------------------

    def _common(self, task: Task) -> dict[str, Any]:
        return {
            "actor": self.actor, "task_id": task.id, "repository_id": task.repository_id, "delivery": self.delivery,
        }  # fmt: skip

    def _edited(self, task: Task, changes: Mapping[str, Any]) -> None:
        if changes:
            self.work.record(TaskEdited, **self._common(task), changes=dict(changes), **of_issue(task))

    def _tell(self, task: Task, saved: Task, edited: Iterable[str]) -> None:
        self._edited(
            task,
            {name: {"from": plain(getattr(task, name)), "to": plain(getattr(saved, name))} for name in edited},
        )
        if saved.status is not task.status:
            reason = "the task file says so"
            words = {**said_from(task.status), "to": str(saved.status), **of_issue(task)}
            if task.status.is_closed and not saved.status.is_closed:
                self.work.changes.spend(task.id)
            self.work.record(TaskMoved, **self._common(task), **words, reason=reason, title=task.title)
            if saved.status is Status.DONE:
                self.work.record(TaskCompleted, **self._common(task), reason=reason, title=task.title)

    def _tell_conflicts(self, task: Task, conflicts: Sequence[Conflict]) -> None:
        """List conflicts in the report, and keep them with the task: nobody may be there to read the report."""
        if not conflicts:
            return
        self.conflicts += conflicts
        for one in conflicts:
            lost, whose = (one.nexus, "the file's") if one.taken == "file" else (one.file, "Nexus's")
            other = "Nexus" if one.taken == "file" else "the file"
            reason = f", because {one.reason}" if one.reason else ""
            said = f"{one.field} changed in the file and in Nexus"
            done = f"{whose} was taken{reason}; {other} had: {str(lost)[:80]}"
            self._warn(one.external_key, one.code, said, done)
        told = [
            {"field": one.field, "base": one.base, "file": one.file, "nexus": one.nexus, "taken": one.taken}
            for one in conflicts
        ]
        self.work.record(TaskConflicted, **self._common(task), title=task.title, conflicts=told)

    def _report_gone(self, former: Former, parsed: ParsedTasks, identity: Identity) -> None:
        """Name the tasks that left the file, and leave them out of it from now on."""
        here = {one.external_key for one in parsed.tasks}
        gone = [key for key in former.tasks if key in self.before and key not in here and key not in identity.moved]
        for key in gone:
            if self.existing[self.before[key]].status is Status.CANCELLED:
                continue  # somebody said already that it is not wanted
            name = self._name(self.before[key])
            done = f"{name} is kept in Nexus; an export leaves it out"
            self._warn(key, "gone", "the task is no longer in the file", done)
        left = {self.before[key] for key in (*gone, *identity.lost)}
        self.apart = attrs.evolve(self.apart, gone=(self.apart.gone | left) - {self.ids[key] for key in here})

    # Dependencies -----------------------------------------------------------------------------------------------------

    def _connect(self, parsed: ParsedTasks, former: Former) -> tuple[int, list[tuple[str, ...]]]:
        """Store the new tasks; add and remove dependencies as the file says; cycles are reported and left open."""
        links, was = self.links, list(former.tasks.values())
        outside, awaited = links.outside(parsed.tasks, self.ids, new=self.new)
        wanted = links.wanted(parsed.tasks, self.ids) | outside
        known = set(self.work.tasks.dependencies([task_id for task_id in self.ids.values() if task_id not in self.new]))
        said = links.wanted(was, self.before) | links.outside(was, self.before, quiet=True)[0] | self.apart.gone_edges
        # A task that left the file keeps what it waits for, and so does one of which the file says nothing of it.
        here = {self.ids[one.external_key] for one in parsed.tasks}
        speaking = {self.ids[one.external_key] for one in parsed.tasks if "dependencies" in one.said}
        gone = sorted(edge for edge in (said - wanted) & known if edge[0] in speaking)
        links.remove(gone)
        fresh = self._fresh(wanted - known, said, former) | links.arrived(self.repository.name, self.ids)
        tied, cycles = weave(self.work, self.new, fresh)
        self._adopt()
        links.tell_added(edge for edge in tied if edge[0] not in self.new)
        recount(self.work, self.new, self.turned, tied, gone)
        if self.moved:
            upkeep.recount(self.work, sorted(self.moved))
        links.remember(awaited, was, set(self.ids.values()))
        self.changed |= {task_id for task_id, _ in (*gone, *tied) if task_id in here and task_id not in self.new}
        left_out = frozenset(edge for _, edge in cycles)
        self.apart = attrs.evolve(
            self.apart, left_out=left_out, gone_edges=frozenset(edge for edge in said if edge[0] not in here)
        )
        return len(wanted), links.name_cycles(cycles, {task_id: key for key, task_id in self.ids.items()})

    def _fresh(self, missing: set[Edge], said: set[Edge], former: Former) -> set[Edge]:
        """What is to be added: not what Nexus dropped since; but what a cycle or a missing task left out, once more."""
        told_before = {self.before[key] for key in former.tasks if key in self.before}
        doubtful = {
            edge for edge in missing if edge[0] not in self.new and (edge in said or edge[0] not in told_before)
        }
        return missing - self.links.dropped(doubtful)


def _others(raw: Mapping[str, Any], one: ParsedTask) -> dict[str, Any]:
    """What an object of the file says beyond the fields of a task."""
    others = {name: value for name, value in raw.items() if name not in one.mirrored}
    for outer, _, inner in (path.partition(".") for path in one.mirrored if "." in path):
        held = others.get(outer)
        if isinstance(held, dict) and inner in held:
            others[outer] = {name: value for name, value in held.items() if name != inner}
            if not others[outer]:
                del others[outer]
    return others
