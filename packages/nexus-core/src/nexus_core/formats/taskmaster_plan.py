"""Where each task of Nexus stands in a Taskmaster file, or will stand when it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import attrs

from ..domain.tasks import Task
from .taskmaster_fields import id_text, local_id
from .taskmaster_file import DEFAULT_TAG, Entry, TaskFile
from .taskmaster_links import Link, links, meant

_NUMBER = re.compile(r"[0-9]+")
_TASK_ID = re.compile(r"[0-9]+|[A-Za-z][^#:]*")
_SUBTASK_ID = re.compile(r"[^#:.]+")
_SAFE = 2**53 - 1  # beyond it Taskmaster, which is JavaScript, would count wrongly


@attrs.frozen(kw_only=True, eq=False)
class Spot:
    """The place of one task."""

    task: Task
    key: str
    tag: str
    id: str  #: as dependencies name it, such as `3.2`
    local: str  #: within its parent, such as `2`
    parent_key: str | None = None
    entry: Entry | None = None  #: None when the task is new to the file
    says_key: bool = False  #: its key is not that of its place, so its object has to say it


def owner_of(tag: str) -> str:
    """What stands for a tag where otherwise the key of a parent stands; no key looks like it."""
    return f"{tag}:"


class Plan:
    """The places of all tasks: those that the file has keep theirs, the others get the next free numbers."""

    def __init__(self, file: TaskFile, tasks: Sequence[Task], keys: Mapping[int, str]) -> None:
        self.file = file
        self.keys = keys
        self.tasks = {task.id: task for task in sorted(tasks, key=lambda task: task.id)}
        self.spots: dict[int, Spot] = {}
        self.entry_keys = frozenset(entry.key for entry in file.entries)
        self.groups = {group.tag: group for group in file.groups}
        self.links = {entry.key: links(file, entry) for entry in file.entries}
        self.names = Names(file, [link for found in self.links.values() for link in found])
        # Tasks that left the file keep their keys, which no other may get.
        self.names.used |= {key for task_id, key in keys.items() if task_id not in self.tasks}
        self._find_known()
        # Those that have a number already come first, lest others take it.
        for task in sorted(self.tasks.values(), key=lambda task: not self.key_of(task)):
            self._place(task, frozenset())

    @property
    def new(self) -> list[Spot]:
        """The places of the tasks that the file does not have, parents first."""
        return [spot for spot in self.spots.values() if not spot.entry]

    def key_of(self, task: Task) -> str:
        """The key under which a task is known, or nothing."""
        return self.keys.get(task.id) or task.external_key or ""

    def _find_known(self) -> None:
        entries = {entry.key: entry for entry in self.file.entries}
        for task in self.tasks.values():
            entry = entries.pop(self.key_of(task), None)
            if entry is not None:
                self.spots[task.id] = Spot(
                    task=task,
                    key=entry.key,
                    tag=entry.group.tag,
                    id=entry.id,
                    local=entry.local,
                    parent_key=entry.parent.key if entry.parent else None,
                    entry=entry,
                )

    def _place(self, task: Task, below: frozenset[int]) -> None:
        """Find a place for a task that the file does not have, behind that of its parent."""
        if task.id in self.spots:
            return
        above = self.tasks.get(task.parent_id) if task.parent_id is not None else None
        if above is not None and above.id not in below:
            self._place(above, below | {task.id})
        parent = self.spots.get(above.id) if above is not None else None
        tag = parent.tag if parent else self._tag(self.key_of(task))
        prefix = f"{parent.key}." if parent else owner_of(tag)
        key = self.key_of(task)
        wanted = key.removeprefix(prefix) if key.startswith(prefix) else ""
        allowed = _SUBTASK_ID if parent else _TASK_ID
        local = self.names.new_local(tag, parent, wanted if allowed.fullmatch(wanted) else "")
        natural = prefix + local
        own = natural if not key or key in self.entry_keys else key  # in the file, it is of a task that Nexus lacks
        spot = Spot(
            task=task,
            key=own,
            tag=tag,
            id=f"{parent.id}.{local}" if parent else local,
            local=local,
            parent_key=parent.key if parent else None,
            says_key=own != natural,
        )
        self.names.add(spot)
        self.spots[task.id] = spot

    def _tag(self, key: str) -> str:
        known = [tag for tag in self.groups if key.startswith(owner_of(tag))]
        if known:
            return max(known, key=len)
        tag = key.rpartition(":")[0]
        if tag and self.file.layout in ("tagged", "mixed"):
            return tag
        return DEFAULT_TAG if DEFAULT_TAG in self.groups else next(iter(self.groups), DEFAULT_TAG)


class Names:
    """Which ids mean which tasks, those of the file and those to be added; and which no new task may have."""

    def __init__(self, file: TaskFile, found: Sequence[Link]) -> None:
        self.used = {entry.key for entry in file.entries}
        self.parents = {entry.key: entry.parent.key if entry.parent else None for entry in file.entries}
        #: Id to key, by tag; and within a parent, by its key or by `owner_of` its tag.
        self.everyone: dict[str, dict[str, str]] = {
            group.tag: {name: entry.key for name, entry in group.by_id.items()} for group in file.groups
        }
        self.children: dict[str, dict[str, str]] = {owner_of(group.tag): {} for group in file.groups}
        self.highest: dict[str, int] = {}
        #: What dependencies say that would mean another task if there were one with this id.
        self.promised: dict[str, set[str]] = {}
        for entry in file.entries:
            self._add(entry.parent.key if entry.parent else owner_of(entry.group.tag), entry.local, entry.key)
        for link in found:
            self._promise(link)

    def add(self, spot: Spot) -> None:
        """Let a task that is added be found."""
        self.used.add(spot.key)
        self.parents[spot.key] = spot.parent_key
        self.everyone.setdefault(spot.tag, {}).setdefault(spot.id, spot.key)
        self._add(spot.parent_key or owner_of(spot.tag), spot.local, spot.key)

    def new_local(self, tag: str, parent: Spot | None, wanted: str) -> str:
        """The wanted id within a parent if there is one and it is free, else the next free number."""
        owner = parent.key if parent else owner_of(tag)
        if wanted and self._is_free(tag, parent, wanted):
            return wanted
        number = self.highest.get(owner, 0) + 1
        while not self._is_free(tag, parent, str(number)):
            number += 1
        return str(number)

    def is_within(self, key: str | None, other: str) -> bool:
        """Whether a task is the other, or below it."""
        while key is not None and key != other:
            key = self.parents.get(key)
        return key is not None

    def meaning(self, owner: Spot, value: int | str) -> str | None:
        """The key of the task that a value names in the dependencies of another task."""
        parent_id = owner.id.removesuffix(f".{owner.local}") if owner.parent_key else None
        siblings = self.children.get(owner.parent_key or "", {})
        return meant(id_text(value) or "", parent_id, siblings, self.everyone.get(owner.tag, {}))

    def _add(self, owner: str, local: str, key: str) -> None:
        self.children.setdefault(owner, {}).setdefault(local, key)
        if _NUMBER.fullmatch(local) and (number := int(local)) < _SAFE:
            self.highest[owner] = max(self.highest.get(owner, 0), number)

    def _promise(self, link: Link) -> None:
        """A number that leads nowhere must not lead to a new task, nor one that is read as a task to a new sibling."""
        if link.text is None:
            return
        if link.target is None:
            self.promised.setdefault(owner_of(link.entry.group.tag), set()).add(link.text)
        parent = link.entry.parent
        if parent is not None and (link.target is None or link.target.parent is not parent):
            self.promised.setdefault(parent.key, set()).update((link.text, local_id(link.text, parent.id)))

    def _is_free(self, tag: str, parent: Spot | None, local: str) -> bool:
        owner = parent.key if parent else owner_of(tag)
        full = f"{parent.id}.{local}" if parent else local
        return not (
            local in self.children.get(owner, ())
            or full in self.everyone.get(tag, ())
            or (f"{parent.key}.{local}" if parent else owner_of(tag) + local) in self.used
            or local in self.promised.get(owner, ())
            or full in self.promised.get(owner_of(tag), ())
        )


class References:
    """How dependencies are written in one file: as those that it has."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        found = [link for links in plan.links.values() for link in links if link.index is not None and link.target]
        self.text_tasks = self._as_text([link for link in found if link.target and not link.target.parent])
        siblings = [link for link in found if link.target and link.target.parent]
        self.dotted = 2 * sum("." in link.shown for link in siblings) > len(siblings)

    def _as_text(self, found: Sequence[Link]) -> bool:
        """Whether tasks are named by texts rather than numbers."""
        values = [link.written for link in found]
        if not values:
            top = [entry for entry in self.plan.file.entries if not entry.parent]
            values = [entry.node.value["id"] for entry in top if "id" in entry.node.value]
        return 2 * sum(isinstance(value, str) for value in values) > len(values)

    def write(self, owner: Spot, target: Spot) -> int | str | None:
        """The value that means `target` in the dependencies of `owner`, or None when no value does."""
        names = self.plan.names
        if owner.tag != target.tag or names.is_within(owner.key, target.key) or names.is_within(target.key, owner.key):
            return None
        number = int(target.local) if _NUMBER.fullmatch(target.local) else None
        ways: list[int | str | None] = [target.id]
        if target.parent_key is None:
            ways.insert(1 if self.text_tasks else 0, number)
        elif owner.parent_key == target.parent_key:
            ways.insert(1 if self.dotted else 0, number)
        return next((way for way in ways if way is not None and names.meaning(owner, way) == target.key), None)
