"""Where each task of Nexus stands in a Taskmaster file, or will stand when it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import attrs

from ..domain.tasks import Task
from .taskmaster_file import DEFAULT_TAG, Entry, TaskFile
from .taskmaster_links import Link, links

_NUMBER = re.compile(r"[0-9]+")
_TASK_ID = re.compile(r"[0-9]+|[A-Za-z][^#:]*")
_SUBTASK_ID = re.compile(r"[^#:.]+")


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
        self.ids: dict[str, _Ids] = {}  # by the key of the parent or `owner_of` the tag
        self.entry_keys = frozenset(entry.key for entry in file.entries)
        self.used = set(self.entry_keys)
        self.groups = {group.tag: group for group in file.groups}
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
        for entry in self.file.entries:
            owner = entry.parent.key if entry.parent else owner_of(entry.group.tag)
            self.ids.setdefault(owner, _Ids()).take(entry.local)
        for task in self.tasks.values():
            key = self.key_of(task)
            if key in entries:
                entry = entries.pop(key)
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
        prefix = f"{parent.key}." if parent else f"{tag}:"
        key = self.key_of(task)
        wanted = key.removeprefix(prefix) if key.startswith(prefix) else ""
        allowed = _SUBTASK_ID if parent else _TASK_ID
        owner = parent.key if parent else owner_of(tag)
        local = self._local(owner, prefix, wanted if allowed.fullmatch(wanted) else "")
        full = f"{parent.id}.{local}" if parent else local
        natural = prefix + local
        if key in self.entry_keys:  # of a task that Nexus does not know
            key = ""
        self.spots[task.id] = Spot(
            task=task,
            key=key or natural,
            tag=tag,
            id=full,
            local=local,
            parent_key=parent.key if parent else None,
            says_key=bool(key) and key != natural,
        )

    def _tag(self, key: str) -> str:
        known = [tag for tag in self.groups if key.startswith(f"{tag}:")]
        if known:
            return max(known, key=len)
        tag = key.rpartition(":")[0]
        if tag and self.file.layout in ("tagged", "mixed"):
            return tag
        return DEFAULT_TAG if DEFAULT_TAG in self.groups else next(iter(self.groups), DEFAULT_TAG)

    def _local(self, owner: str, prefix: str, wanted: str) -> str:
        """The wanted id when there is one and it is free, else one more than the highest number."""
        ids = self.ids.setdefault(owner, _Ids())
        if not wanted or wanted in ids.taken or prefix + wanted in self.used:
            wanted = str(ids.highest + 1)
            while prefix + wanted in self.used:  # a task whose own id is 3.2 is in the way of subtask 2 of task 3
                wanted = str(int(wanted) + 1)
        ids.take(wanted)
        self.used.add(prefix + wanted)
        return wanted


class _Ids:
    """The ids that are taken below one parent, or at the top of one tag."""

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self.highest = 0

    def take(self, local: str) -> None:
        """Note that an id is taken."""
        self.taken.add(local)
        if _NUMBER.fullmatch(local):
            self.highest = max(self.highest, int(local))


class References:
    """How dependencies are written in one file: as those that it has."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        found = [link for entry in plan.file.entries for link in links(plan.file, entry) if link.item and link.target]
        self.text_tasks = self._as_text([link for link in found if link.target and not link.target.parent])
        siblings = [link for link in found if link.target and link.target.parent]
        self.dotted = 2 * sum("." in link.shown for link in siblings) > len(siblings)

    def _as_text(self, found: list[Link]) -> bool:
        """Whether tasks are named by texts rather than numbers."""
        nodes = [link.item for link in found if link.item]
        if not nodes:
            ids = [entry.node.get("id") for entry in self.plan.file.entries if not entry.parent]
            nodes = [member.node for member in ids if member]
        return 2 * sum(node.kind == "string" for node in nodes) > len(nodes)

    def write(self, owner: Spot, target: Spot) -> int | str | None:
        """The value that means `target` in the dependencies of `owner`, or None when no value does."""
        group = self.plan.groups.get(target.tag)
        first = group.by_id.get(target.id) if group else None
        if owner.tag != target.tag or (first is not None and first is not target.entry):
            return None
        number = int(target.local) if _NUMBER.fullmatch(target.local) else None
        if target.parent_key is not None:
            together = owner.parent_key == target.parent_key
            return target.id if number is None or self.dotted or not together else number
        if owner.parent_key is not None and target.id in self.plan.ids[owner.parent_key].taken:
            return None  # it would be read as a sibling
        return target.id if number is None or self.text_tasks else number
