"""A Taskmaster file, opened: its tags, and every task object with the key by which Nexus knows it.

Layouts: `flat` is `{"tasks": […]}`, `tagged` is `{"<tag>": {"tasks": […]}, …}`, `mixed` is both at once,
`list` is a bare array of tasks. Taskmaster's two code bases write them, each in its own way; both are read.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from .jsontext import JsonText, Member, Node, read, unreadable
from .model import Warning_
from .taskmaster_fields import MAX_ID, id_text, local_id

DEFAULT_TAG = "master"
_MAX_KEY = 300  # characters; databases index keys
_MARKS = ("dependencies", "subtasks", "testStrategy", "test_strategy", "details")
FOREIGN_LINKS = ("depends_on", "dependsOn", "depends", "blockedBy", "blocked_by")
_EXPECTED = (
    "Nexus imports Taskmaster's files: "
    '{"tasks": [{"id": 1, "title": …}]}, the same within tags, or a bare list; nothing was changed'
)


@attrs.frozen(kw_only=True, eq=False)
class Entry:
    """A task object of a file."""

    node: Node
    key: str  #: unique in the file, such as `master:3.2`
    id: str  #: as dependencies of its tag name it, such as `3.2`
    local: str  #: within its parent, such as `2`
    group: Group
    parent: Entry | None = None
    children: dict[str, Entry] = attrs.field(factory=dict)  #: by `local`; of two with one id the first

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"{self.group.tag} / task {self.key.removeprefix(self.group.tag + ':')}"

    def within(self, other: Entry) -> bool:
        """Whether the other is its parent, or its parent's parent."""
        above = self.parent
        while above is not None and above is not other:
            above = above.parent
        return above is other


@attrs.frozen(kw_only=True, eq=False)
class Group:
    """The list of tasks of one tag."""

    tag: str
    array: Node
    by_id: dict[str, Entry] = attrs.field(factory=dict)  #: subtasks too; of two with one id the first
    children: dict[str, Entry] = attrs.field(factory=dict)  #: tasks without a parent


@attrs.frozen(kw_only=True, eq=False)
class TaskFile:
    """A file with its groups, entries (parents before their subtasks) and what was odd so far."""

    json: JsonText
    layout: str
    groups: tuple[Group, ...]
    entries: list[Entry] = attrs.field(factory=list)
    warnings: list[Warning_] = attrs.field(factory=list)

    def warn(self, place: str, code: str, message: str, done: str, at: int | None = None) -> None:
        """Note something odd; `at` is its position, from which the line comes."""
        where = place if at is None else f"{place}, line {self.json.line(at)}"
        self.warnings.append(Warning_(place=where, code=code, message=message, done=done))


def nexus_words(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a task object holds of Nexus, in the place that Taskmaster leaves to others: `metadata.nexus`."""
    metadata = value.get("metadata")
    words = metadata.get("nexus") if isinstance(metadata, dict) else None
    return words if isinstance(words, dict) else {}


def own_key(value: Mapping[str, Any]) -> str | None:
    """The key that a task object says itself, because it came from elsewhere."""
    key = nexus_words(value).get("external_key")
    return key.strip()[:_MAX_KEY] or None if isinstance(key, str) else None


def open_file(content: bytes) -> TaskFile:
    """Read the bytes of a file.

    :raises UnreadableFile: it is not JSON, or not Taskmaster's; with the line
    """
    json = read(content)
    _refuse_lost_tasks(json)
    layout, groups = _groups(json)
    _refuse_foreign(json, groups)
    file = TaskFile(json=json, layout=layout, groups=tuple(groups))
    _warn_of_layout(file)
    _Collector(file).collect()
    _warn_of_json(file)
    return file


def _groups(json: JsonText) -> tuple[str, list[Group]]:
    if json.root.kind == "array":
        return "list", [Group(tag=DEFAULT_TAG, array=json.root)]
    tagged = [Group(tag=_tag(member.name), array=array.node) for member, array in _tags(json.root)]
    root = json.root.get("tasks") if json.root.kind == "object" else None
    if root is None or root.node.kind != "array":
        if not tagged:
            raise unreadable(json.text, json.root.start, "there is no list of tasks in this file", _EXPECTED)
        return "tagged", tagged
    if not tagged:
        return "flat", [Group(tag=DEFAULT_TAG, array=root.node)]
    taken = {group.tag for group in tagged}
    names = (DEFAULT_TAG, "root", *(f"root-{number}" for number in range(2, len(taken) + 3)))
    free = next(name for name in names if name not in taken)
    return "mixed", [Group(tag=free, array=root.node), *tagged]


def _tags(root: Node) -> Iterator[tuple[Member, Member]]:
    """The members of the file that are tags, each with its member `tasks`."""
    for member in root.members:
        if member.name == "metadata" or root.get(member.name) is not member or member.node.kind != "object":
            continue
        array = member.node.get("tasks")
        if array is not None and array.node.kind == "array":
            yield member, array


def _tag(name: str) -> str:
    return name.strip()[:MAX_ID] or "(no name)"


def _refuse_lost_tasks(json: JsonText) -> None:
    """A name that occurs twice is a warning, unless tasks would vanish by it: then a merge went wrong."""
    for again in json.repeated:
        lost, kept = again.lost.node.value, again.kept.node.value
        is_id = again.lost.name == "id" and "title" in again.owner.value
        if lost != kept and (is_id or _holds_tasks(lost)):
            line = json.line(again.kept.start)
            where = f"here and at line {line}"
            problem = f"“{again.lost.name[:40]}” stands twice in one object, {where}; tasks would be lost"
            raise unreadable(json.text, again.lost.start, problem)


def _holds_tasks(value: Any) -> bool:
    inner = value.get("tasks") if isinstance(value, dict) else value
    return isinstance(inner, list) and any(
        isinstance(item, dict) and ("id" in item or "title" in item) for item in inner
    )


def _refuse_foreign(json: JsonText, groups: list[Group]) -> None:
    """Other tools keep other things under the same path."""
    items = [item for group in groups for item in group.array.items]
    tasks = [item.value for item in items if item.kind == "object"]
    if not items:
        return
    if not any("title" in task or ("id" in task and any(mark in task for mark in _MARKS)) for task in tasks):
        names = ", ".join(list(tasks[0])[:4])[:80] if tasks else ""
        what = f"the tasks have no title (the first has {names})" if names else "the list holds no task objects"
        raise unreadable(json.text, items[0].start, f"{what}: this is another tool's file", _EXPECTED)
    links = next((name for task in tasks for name in FOREIGN_LINKS if name in task), None)
    if links and not any("dependencies" in task for task in tasks):
        # Importing the tasks without their order would call everything ready.
        problem = f"the tasks wait for others in “{links}”, not in “dependencies”: this is another tool's file"
        raise unreadable(json.text, items[0].start, problem, _EXPECTED)


def _warn_of_layout(file: TaskFile) -> None:
    if file.layout == "mixed":
        file.warn(
            "file",
            "mixed_layout",
            "there are tasks at the top and in tags; Taskmaster's own tools disagree which count",
            f"all imported; those at the top as tag {file.groups[0].tag}",
            file.groups[0].array.start,
        )
    if file.layout not in ("tagged", "mixed"):
        return
    for member in file.json.root.members:
        tasks = member.node.get("tasks")
        if member.name != "metadata" and tasks is not None and tasks.node.kind != "array":
            file.warn(
                _tag(member.name),
                "odd_tag",
                "its tasks are not a list",
                "left out; kept in the file",
                tasks.start,
            )


def _warn_of_json(file: TaskFile) -> None:
    """What is odd about the text itself, with the task in which it stands."""
    starts = sorted(file.entries, key=lambda entry: entry.node.start)
    for again in file.json.repeated:
        lines = f"lines {file.json.line(again.lost.start)} and {file.json.line(again.kept.start)}"
        message = f"“{again.lost.name[:40]}” stands twice in one object ({lines})"
        place = _place(starts, again.lost.start)
        file.warn(place, "duplicate_key", message, "the last one counts, as for Taskmaster", again.lost.start)
    for at in file.json.altered:
        message = "a text holds a NUL or half a character, which no database can store"
        file.warn(
            _place(starts, at),
            "unstorable_text",
            message,
            "taken out, or replaced by U+FFFD; kept in the file",
            at,
        )


def _place(starts: list[Entry], at: int) -> str:
    """The innermost task around a position."""
    before = bisect.bisect_right(starts, at, key=lambda entry: entry.node.start)
    entry = starts[before - 1] if before else None
    while entry is not None and entry.node.end <= at:
        entry = entry.parent
    return entry.place if entry else "file"


class _Collector:
    """Walks through the lists of a file and gives every task object its key."""

    def __init__(self, file: TaskFile) -> None:
        self.file = file
        self.taken: dict[str, int] = {}  # keys, and the last number that was put behind each
        self.reserved: set[str] = set()

    def collect(self) -> None:
        """Fill the file's entries."""
        for group in self.file.groups:
            self.reserve(group.array.value)
        for group in self.file.groups:
            self.walk(group.array, group, None)

    def reserve(self, tasks: Any) -> None:
        """Keep the keys that tasks say themselves from those that have theirs by their place."""
        for task in tasks if isinstance(tasks, list) else ():
            if isinstance(task, dict):
                if key := own_key(task):
                    self.reserved.add(key)
                self.reserve(task.get("subtasks"))

    def walk(self, array: Node, group: Group, parent: Entry | None) -> None:
        """Take up the tasks of one list and, behind each, its subtasks."""
        for number, item in enumerate(array.items, 1):
            if item.kind != "object":
                place = parent.place if parent else group.tag
                message = f"number {number} of the list is not an object"
                self.file.warn(place, "not_a_task", message, "left out; kept in the file", item.start)
                continue
            entry = self.entry(item, number, group, parent)
            self.file.entries.append(entry)
            self.subtasks(entry)

    def entry(self, node: Node, number: int, group: Group, parent: Entry | None) -> Entry:
        """Give one task object its ids and its key."""
        member = node.get("id")
        text = id_text(self.file.json.source(member.node)) if member else None
        local = text or f"#{number}"
        if parent is not None:
            local = local_id(local, parent.id)
        full = f"{parent.id}.{local}" if parent else local
        prefix = f"{parent.key}." if parent else f"{group.tag}:"
        own = own_key(node.value)
        key = self.own(own) if own else self.free(prefix + local)
        entry = Entry(node=node, key=key, id=full, local=local, group=group, parent=parent)
        self.index(entry)
        if own:
            if key != own:
                done = f"imported as {key}"
                self.file.warn(
                    entry.place, "duplicate_key", f"another task says that it is {own[:60]}", done, node.start
                )
        elif text is None:
            message = "the task has no id, or none that can be read"
            self.file.warn(entry.place, "missing_id", message, f"imported as {entry.key}", node.start)
        elif entry.key != (prefix + local)[:_MAX_KEY]:
            done = f"imported as {entry.key}; dependencies on {full} mean the first"
            self.file.warn(entry.place, "duplicate_id", f"there is another task {full}", done, node.start)
        return entry

    def index(self, entry: Entry) -> None:
        """Let the entry be found by its ids, unless another came first."""
        entry.group.by_id.setdefault(entry.id, entry)
        siblings = entry.parent.children if entry.parent else entry.group.children
        siblings.setdefault(entry.local, entry)

    def own(self, wanted: str) -> str:
        """The key that a task says itself, with a number behind it when another said the same."""
        self.reserved.discard(wanted)
        return self.free(wanted)

    def free(self, wanted: str) -> str:
        """The key, with a number behind it when it is taken."""
        key = first = wanted[:_MAX_KEY]
        while key in self.taken or key in self.reserved:
            self.taken[first] = self.taken.get(first, 1) + 1
            key = f"{first}#{self.taken[first]}"
        self.taken[key] = 1
        return key

    def subtasks(self, entry: Entry) -> None:
        """Take up the subtasks of an entry."""
        member = entry.node.get("subtasks")
        if member is None or member.node.value is None:
            return
        if member.node.kind != "array":
            done = "left out; kept in the raw data"
            self.file.warn(entry.place, "odd_subtasks", "its subtasks are not a list", done, member.start)
            return
        if entry.parent is not None and member.node.items:
            done = f"imported as subtasks of {entry.id}"
            message = "a subtask has subtasks; Taskmaster knows one level"
            self.file.warn(entry.place, "nested_subtasks", message, done, member.start)
        self.walk(member.node, entry.group, entry)
