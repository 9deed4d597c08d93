"""One import of a task file, within its transaction."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from ..domain.access import Actor
from ..domain.events import Event, TaskCompleted, TaskConflicted, TaskEdited, TaskMoved, TasksImported
from ..domain.repositories import Repository
from ..domain.tasks import NewTask, Status, Task, task_key
from ..formats.model import ParsedTask, ParsedTasks, Warning_
from ..formats.outside import elsewhere
from ..wire import plain
from . import upkeep
from .import_identity import Identity, identify
from .import_links import Awaited, Edge, Linker, Outside
from .import_merge import Conflict, Merged, conflict, merge
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


@attrs.frozen(kw_only=True)
class ImportReport:
    """What an import did, or would do."""

    repository: str
    format: str
    layout: str
    dry_run: bool
    tasks: int  #: in the file, subtasks included
    dependencies: int
    created: int
    changed: int
    unchanged: int
    warnings: tuple[Warning_, ...]
    conflicts: tuple[Conflict, ...] = ()  #: what the file and Nexus both changed, in full
    cycles: tuple[tuple[str, ...], ...] = ()  #: each left open at its last step


@attrs.frozen(kw_only=True)
class Former:
    """What the repository's file said when it was imported last."""

    tasks: Mapping[str, ParsedTask] = attrs.field(factory=dict)
    is_beside: bool = False  #: the file that comes in now is another one, which says nothing of those it lacks


class Importer:
    """Brings the tasks of one file in."""

    def __init__(
        self,
        work: Work,
        repository: Repository,
        *,
        actor: Actor,
        delivery: str | None,
        estimate: Callable[..., int],
        prefix: str,
    ) -> None:
        self.work = work
        self.repository = repository
        self.actor = actor
        self.delivery = delivery
        self.estimate = estimate
        self.prefix = prefix
        self.links = Linker(work, actor, delivery, prefix)
        self.scores: dict[str, int] = {}  #: of the tasks that were added, for their subtasks
        self.subtasks: Counter[str | None] = Counter()
        self.warnings: list[Warning_] = []
        self.conflicts: list[Conflict] = []
        self.created: list[int] = []
        self.changed: set[int] = set()
        self.unsettled: set[int] = set()  #: their counts are to be computed anew
        self.last_import = 0  #: the event of the import before this one
        self.before: dict[str, int] = {}  #: the tasks by their keys before the import
        self.ids: dict[str, int] = {}  #: the tasks by their keys now
        self.existing: dict[int, Task] = {}

    def run(self, parsed: ParsedTasks, former: Former, content: bytes) -> ImportReport:
        """Bring the file in."""
        self.warnings += parsed.warnings
        self.subtasks.update(one.parent_key for one in parsed.tasks)
        digest = hashlib.sha256(content).hexdigest()
        self._look_back(digest)
        self.before = self.work.tasks.keys_of(self.repository.id)
        self.existing = {task.id: task for task in self.work.tasks.many(list(self.before.values()))}
        waiting = self._waiting()
        identity = self._identify(parsed, former)
        origins = identity.origins(self.before.keys() | {one.external_key for one in parsed.tasks})
        for one in parsed.tasks:
            if one.external_key in self.ids:
                self._merge(one, former.tasks.get(origins.get(one.external_key, "")))
            else:
                self.ids[one.external_key] = self._add(one)
        if not former.is_beside:
            self._report_gone(former, parsed, identity)
        dependencies, cycles = self._connect(parsed, former)
        self._settle(waiting)
        report = self._report(parsed, dependencies, cycles)
        self._tell_of_import(report, digest)
        return report

    def _report(self, parsed: ParsedTasks, dependencies: int, cycles: Sequence[tuple[str, ...]]) -> ImportReport:
        touched = self.changed.union(self.created)
        return ImportReport(
            repository=self.repository.name,
            format=parsed.format,
            layout=parsed.layout,
            dry_run=False,
            tasks=len(parsed.tasks),
            dependencies=dependencies,
            created=len(self.created),
            changed=len(self.changed.difference(self.created)),
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

    def _settle(self, waiting: list[int]) -> None:
        touched = {*self.created, *self.changed, *self.unsettled}
        if touched:
            upkeep.recount(self.work, sorted(touched))
            # New tasks are told of by `tasks.imported`; of the others, those are that the file set free.
            upkeep.announce_ready(self.work, waiting, actor=self.actor, because=None, delivery=self.delivery)

    def _warn(self, place: str, code: str, message: str, done: str) -> None:
        self.warnings.append(Warning_(place=place, code=code, message=message, done=done))

    # Which task is which ----------------------------------------------------------------------------------------------

    def _identify(self, parsed: ParsedTasks, former: Former) -> Identity:
        """Find out which task is which, and give each the key that it has now."""
        now = {one.external_key: one for one in parsed.tasks}
        known = {key: self.existing[task_id] for key, task_id in self.before.items()}
        identity = identify(former.tasks, now, known, is_whole=not former.is_beside)
        self._rename(identity)
        for key in sorted(identity.lost):
            name = task_key(self.before[key], self.prefix)
            said = f"{key} names another task now; before, it was “{known[key].title[:60]}” ({name})"
            self._warn(key, "reused_id", said, f"imported as a new task; {name} is kept, without a place in the file")
        for was, key in sorted(identity.moved.items()):
            done = f"the same task, {task_key(self.before[was], self.prefix)}, under its new key"
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

    def _complexity(self, one: ParsedTask) -> int:
        """What the file says; a subtask without a score has its parent's, as in Taskmaster; else an estimate."""
        score = one.complexity_auto or self.scores.get(one.parent_key or "")
        if score is None:
            text = " ".join((one.title, one.description, one.details, one.test_strategy))
            dependencies = len(one.dependencies) + len(one.references)
            score = self.estimate(text=text, dependencies=dependencies, subtasks=self.subtasks[one.external_key])
        self.scores[one.external_key] = score
        return score

    def _add(self, one: ParsedTask) -> int:
        fields: dict[str, Any] = {name: getattr(one, name) for name in _NEW}
        task = self.work.tasks.add(
            NewTask(
                **fields,
                repository_id=self.repository.id,
                external_key=one.external_key,
                complexity_auto=self._complexity(one),
                parent_id=self._parent(one),
            ),
            self.work.now,
        )
        self.created.append(task.id)
        return task.id

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
        task, merged = known, self._differences(known, theirs, base, parent)
        if merged.taken:
            task = self.work.tasks.get(known.id, lock=True)
            if task.version != known.version:  # somebody changed it since all were read
                merged = self._differences(task, theirs, base, parent)
        self._tell_conflicts(task, merged.conflicts)
        if merged.taken:
            saved = self.work.tasks.save(attrs.evolve(task, **merged.taken), self.work.now)
            self.changed.add(task.id)
            self.unsettled.update(filter(None, (task.parent_id, saved.parent_id)))
            self._tell(task, saved, [name for name in merged.taken if name not in _UNTOLD])

    def _differences(self, task: Task, theirs: ParsedTask, base: ParsedTask | None, parent: int | None) -> Merged:
        merged = merge(task, theirs, base, lambda since_import: self._history(task, since_import=since_import))
        taken, conflicts = dict(merged.taken), list(merged.conflicts)
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
        """Whether a task can be part of another; not of itself."""
        if parent is None or task.id not in (parent, *(above.id for above in self.work.tasks.ancestors(parent))):
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
            self.work.record(TaskEdited, **self._common(task), changes=dict(changes))

    def _tell(self, task: Task, saved: Task, edited: Iterable[str]) -> None:
        self._edited(
            task,
            {name: {"from": plain(getattr(task, name)), "to": plain(getattr(saved, name))} for name in edited},
        )
        if saved.status is not task.status:
            reason = "the task file says so"
            words = {**said_from(task.status), "to": str(saved.status)}
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
            self._warn(
                one.external_key,
                one.code,
                f"{one.field} changed in the file and in Nexus",
                f"{whose} was taken{reason}; {other} had: {str(lost)[:80]}",
            )
        told = [
            {"field": one.field, "base": one.base, "file": one.file, "nexus": one.nexus, "taken": one.taken}
            for one in conflicts
        ]
        self.work.record(TaskConflicted, **self._common(task), title=task.title, conflicts=told)

    def _report_gone(self, former: Former, parsed: ParsedTasks, identity: Identity) -> None:
        here = {one.external_key for one in parsed.tasks}
        for key in former.tasks:
            task = self.existing.get(self.before.get(key, 0))
            if task is None or key in here or key in identity.moved or task.status is Status.CANCELLED:
                continue
            name = task_key(task.id, self.prefix)
            done = "kept in Nexus, and written again by an export; cancel it in Nexus if it is not wanted"
            self._warn(key, "gone", f"the task is no longer in the file ({name})", done)

    # Dependencies -----------------------------------------------------------------------------------------------------

    def _connect(self, parsed: ParsedTasks, former: Former) -> tuple[int, list[tuple[str, ...]]]:
        """Add and remove dependencies as the file says; cycles are reported and left open."""
        links, was = self.links, list(former.tasks.values())
        outside, awaited = links.outside(parsed.tasks, self.ids)
        wanted = links.wanted(parsed.tasks, self.ids) | outside
        known = set(self.work.tasks.dependencies(list(self.ids.values())))
        said_before = links.wanted(was, self.before) | links.outside(was, self.before, quiet=True)[0]
        # A task that left the file keeps what it waits for, and so does one of which the file says nothing of it.
        speaking = {self.ids[one.external_key] for one in parsed.tasks if "dependencies" in one.said}
        links.remove(edge for edge in (said_before - wanted) & known if edge[0] in speaking)
        fresh = self._fresh(wanted - known, said_before, former) | self._arrived()
        cycles = links.cycles(fresh, {task_id: key for key, task_id in self.ids.items()})
        links.add(fresh - {edge for _, edge in cycles}, new=self.created)
        self._await(awaited, was)
        self.changed |= links.changed.intersection(self.ids.values())
        self.unsettled |= links.touched
        return len(wanted), [names for names, _ in cycles]

    def _fresh(self, missing: set[Edge], said_before: set[Edge], former: Former) -> set[Edge]:
        """What is to be added: not what Nexus dropped since; but what a cycle or a missing task left out, once more."""
        told_before = {self.before[key] for key in former.tasks if key in self.before}
        created = set(self.created)
        doubtful = {
            edge for edge in missing if edge[0] not in created and (edge in said_before or edge[0] not in told_before)
        }
        return missing - self.links.dropped(doubtful)

    def _arrived(self) -> set[Edge]:
        """What tasks of other repositories have waited for and is here now."""
        waiting = Awaited(self.work)
        pairs = waiting.of(self.repository.name)
        waiting.put(self.repository.name, [pair for pair in pairs if pair[1] not in self.ids])
        found = {(task_id, self.ids[key]) for task_id, key in pairs if key in self.ids}
        return found - set(self.work.tasks.dependencies([task_id for task_id, _ in found]))

    def _await(self, awaited: Mapping[str, list[tuple[int, str]]], was: Iterable[ParsedTask]) -> None:
        """Remember what does not exist yet, and forget what the file asked for before."""
        named = {place[0].lower() for one in was for name in one.references if (place := elsewhere(name))}
        ours = set(self.ids.values())
        waiting = Awaited(self.work)
        for repository in sorted(named | awaited.keys()):
            others = [pair for pair in waiting.of(repository) if pair[0] not in ours]
            waiting.put(repository, [*others, *awaited.get(repository, ())])
