"""Dependencies of imported tasks: those of the file, and those on tasks outside of it.

A name outside of the file may mean a task that is not there yet, such as one of a repository that is imported next. It
is remembered with that repository, and the dependency comes into being when the task does.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from ..domain.access import Actor
from ..domain.events import TaskDepended, TaskUndepended
from ..domain.tasks import NewTask, parse_task_id, task_key
from ..errors import Invalid
from ..formats.model import ParsedTask, Warning_
from ..formats.outside import elsewhere
from .weaving import Cycle, Edge
from .work import Work

_LOOKED_AT = 500
"""How many events of one task are looked at for who took a dependency away."""


class Outside:
    """Finds the tasks that names outside of a file mean."""

    def __init__(self, work: Work, ids: Mapping[str, int], actor: Actor, prefix: str) -> None:
        self._work = work
        self._ids = ids
        self._actor = actor
        self._prefix = prefix

    def find(self, name: str) -> int | None:
        """The task, when there is one that the actor may see."""
        if name in self._ids:
            return self._ids[name]
        place = elsewhere(name)
        try:
            return self._numbered(parse_task_id(name, self._prefix)) if place is None else self._keyed(*place)
        except Invalid:
            return None

    def _numbered(self, task_id: int) -> int | None:
        found = self._work.tasks.many([task_id])
        return task_id if found and self._actor.sees(found[0].repository_id) else None

    def _keyed(self, repository: str, key: str) -> int | None:
        place = self._work.repositories.find(repository)
        if place is None or not self._actor.sees(place.id):
            return None
        return self._work.tasks.find_external(place.id, key)

    def may_come(self, name: str) -> bool:
        """Whether a name that means nothing yet may do so once its repository is imported."""
        place = elsewhere(name)
        if place is None:
            return False
        found = self._work.repositories.find(place[0])
        return self._actor.repositories is None if found is None else self._actor.sees(found.id)


class Awaited:
    """What tasks wait for in repositories that were not imported yet, kept with the repository's name."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def of(self, repository: str) -> list[tuple[int, str]]:
        """(task, key that it waits for)."""
        return [(task_id, key) for task_id, key in json.loads(self._work.access.meta(_name(repository)) or "[]")]

    def put(self, repository: str, pairs: Iterable[tuple[int, str]]) -> None:
        """Keep what is awaited of a repository."""
        old, new = self.of(repository), sorted(set(pairs))
        if old != new:
            self._work.access.set_meta(_name(repository), json.dumps(new))


def _name(repository: str) -> str:
    return f"awaited:{repository.lower()}"


class Linker:
    """The dependencies of one import."""

    def __init__(self, work: Work, actor: Actor, delivery: str | None, prefix: str) -> None:
        self._work = work
        self._actor = actor
        self._delivery = delivery
        self._prefix = prefix
        self._new: Mapping[int, NewTask] = {}
        self.warnings: list[Warning_] = []

    def _warn(self, place: str, code: str, message: str, done: str) -> None:
        self.warnings.append(Warning_(place=place, code=code, message=message, done=done))

    # What the file wants ----------------------------------------------------------------------------------------------

    def wanted(self, tasks: Iterable[ParsedTask], ids: Mapping[str, int]) -> set[Edge]:
        """The dependencies between tasks of the file."""
        return {
            (ids[one.external_key], ids[on])
            for one in tasks
            if "dependencies" in one.said and one.external_key in ids
            for on in one.dependencies
            if on in ids
        }

    def outside(
        self,
        tasks: Iterable[ParsedTask],
        ids: Mapping[str, int],
        *,
        new: Mapping[int, NewTask] | None = None,
        quiet: bool = False,
    ) -> tuple[set[Edge], dict[str, list[tuple[int, str]]]]:
        """The dependencies on tasks outside of the file, and what is awaited of repositories to come.

        `new` are tasks that are not stored yet.
        """
        edges: set[Edge] = set()
        awaited: dict[str, list[tuple[int, str]]] = {}
        self._new = new or {}
        names = Outside(self._work, ids, self._actor, self._prefix)
        for one in tasks:
            for name in one.references if one.external_key in ids else ():
                task_id, found = ids[one.external_key], names.find(name)
                if found is not None:
                    edges |= {(task_id, found)} if self._fits(one, task_id, found, name, quiet=quiet) else set()
                    continue
                place = elsewhere(name) if names.may_come(name) else None
                if place is not None:
                    awaited.setdefault(place[0].lower(), []).append((task_id, place[1]))
                if not quiet:
                    self._dangling(one, name, is_awaited=place is not None)
        return edges, awaited

    def _fits(self, one: ParsedTask, task_id: int, on: int, name: str, *, quiet: bool) -> bool:
        """Whether a task may wait for another; not for itself, for what it is part of, or for its own part."""
        if on != task_id and on not in self._above(task_id) and task_id not in self._above(on):
            return True
        if not quiet:
            said = f"it depends on {name[:80]}, which is itself, what it is part of, or a part of it"
            self._warn(one.external_key, "self_dependency", said, "kept in the file, does not block")
        return False

    def _above(self, task_id: int) -> set[int]:
        """What a task is part of, whether stored or not."""
        found: set[int] = set()
        here: int | None = task_id
        while here is not None and here in self._new:
            here = self._new[here].parent_id
            found |= {here} if here is not None else set()
        return found | ({task.id for task in self._work.tasks.ancestors(here)} if here is not None else set())

    def _dangling(self, one: ParsedTask, name: str, *, is_awaited: bool) -> None:
        done = "kept in the file, does not block"
        if is_awaited:
            done = f"does not block until {name.partition('#')[0]} is imported with it"
        self._warn(f"{one.external_key} / dependencies", "dangling_dependency", f"there is no task {name[:80]}", done)

    # What is done -----------------------------------------------------------------------------------------------------

    def remove(self, edges: Iterable[Edge]) -> None:
        """Take dependencies away, and say so."""
        for task_id, on in edges:
            if self._work.tasks.undepend(task_id, on):
                self._tell(TaskUndepended, task_id, on)

    def tell_added(self, edges: Iterable[Edge]) -> None:
        """Say which dependencies tasks have got that were there before."""
        for task_id, on in edges:
            self._tell(TaskDepended, task_id, on)

    def _tell(self, kind: type[TaskDepended | TaskUndepended], task_id: int, on: int) -> None:
        task = self._work.tasks.get(task_id)
        self._work.record(
            kind, actor=self._actor, task_id=task_id, repository_id=task.repository_id, delivery=self._delivery, on=on,
            reason="the task file says so",
        )  # fmt: skip

    def dropped(self, edges: Iterable[Edge]) -> set[Edge]:
        """Those of the dependencies that somebody took away in Nexus."""
        return {edge for edge in edges if was_dropped(self._work, *edge)}

    def name_cycles(self, cycles: Sequence[Cycle], names: Mapping[int, str]) -> list[tuple[str, ...]]:
        """Name each cycle with its whole path; tasks of other repositories by what they are called everywhere."""
        shown = self._shown({step for path, _ in cycles for step in path}, names)
        for path, (node, there) in cycles:
            way = " → ".join(shown[step] for step in path)
            done = f"the dependency of {shown[node]} on {shown[there]} was left out; kept in the file"
            self._warn(shown[node], "cycle", f"a cycle: {way}", done)
        return [tuple(shown[step] for step in path) for path, _ in cycles]

    def _shown(self, ids: set[int], names: Mapping[int, str]) -> dict[int, str]:
        found = {task_id: names[task_id] for task_id in ids if task_id in names}
        for task in self._work.tasks.many(sorted(ids - names.keys())):
            known = task_key(task.id, self._prefix)
            may_see = task.repository and self._actor.sees(task.repository_id)
            found[task.id] = f"{known} ({task.repository})" if may_see else known
        return found

    # What is waited for -----------------------------------------------------------------------------------------------

    def arrived(self, repository: str, ids: Mapping[str, int]) -> set[Edge]:
        """What tasks of other repositories have waited for, and is here now."""
        waiting = Awaited(self._work)
        pairs = waiting.of(repository)
        waiting.put(repository, [pair for pair in pairs if pair[1] not in ids])
        found = {(task_id, ids[key]) for task_id, key in pairs if key in ids}
        return found - set(self._work.tasks.dependencies([task_id for task_id, _ in found]))

    def remember(
        self, awaited: Mapping[str, list[tuple[int, str]]], was: Iterable[ParsedTask], ours: Collection[int]
    ) -> None:
        """Remember what does not exist yet, and forget what the file asked for before."""
        named = {place[0].lower() for one in was for name in one.references if (place := elsewhere(name))}
        waiting = Awaited(self._work)
        for repository in sorted(named | awaited.keys()):
            others = [pair for pair in waiting.of(repository) if pair[0] not in ours]
            waiting.put(repository, [*others, *awaited.get(repository, ())])


def was_dropped(work: Work, task_id: int, on: int) -> bool:
    """Whether the last thing that happened to a dependency is that somebody took it away."""
    return _last(work, TaskUndepended, task_id, on) > _last(work, TaskDepended, task_id, on)


def _last(work: Work, kind: type[TaskDepended | TaskUndepended], task_id: int, on: int) -> int:
    found = work.events.list(after=0, kind=kind.TYPE, task_id=task_id, visible=None, limit=_LOOKED_AT, newest=True)
    return max((event.id for event in found if event.payload.get("on") == on), default=0)
