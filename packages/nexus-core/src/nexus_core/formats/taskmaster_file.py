"""A Taskmaster file, opened: its tags, and every task object with the key by which Nexus knows it.

Layouts: `flat` is `{"tasks": […]}`, `tagged` is `{"<tag>": {"tasks": […]}, …}`, `mixed` is both at once,
`list` is a bare array of tasks. Taskmaster's two code bases write them, each in its own way; both are read.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import attrs

from .jsontext import JsonText, Member, Node, read, unreadable
from .model import Warning_
from .taskmaster_fields import MAX_ID, id_text, kind_of, local_id

DEFAULT_TAG = "master"
_MAX_KEY = 300  # characters; databases index keys
MOST_ALIKE = 1000  #: warnings of one code that are listed; a file of 25 MB could give millions
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
    counts: Counter[str] = attrs.field(factory=Counter)  #: of the warnings, by code, those that are not listed included

    def warn(self, place: str, code: str, message: str, done: str, at: int | None = None) -> None:
        """Note something odd; `at` is its position, from which the line comes."""
        self.counts[code] += 1
        if self.counts[code] > MOST_ALIKE:
            return
        where = place if at is None else f"{place}, line {self.json.line(at)}"
        self.warnings.append(Warning_(place=where, code=code, message=message, done=done, at=at))


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
    taken: dict[str, int] = {}
    tagged = [Group(tag=_free(_tag(member.name), "-", taken), array=array) for member, array in _tags(json.root)]
    root = json.root.list_of("tasks")
    if root is None and not tagged:
        at, problem = _no_list(json.root)
        raise unreadable(json.text, at, problem, _EXPECTED)
    if root is None:
        return "tagged", tagged
    if not tagged:
        return "flat", [Group(tag=DEFAULT_TAG, array=root)]
    tag = DEFAULT_TAG if DEFAULT_TAG not in taken else _free("root", "-", taken)
    return "mixed", [Group(tag=tag, array=root), *tagged]


def _no_list(root: Node) -> tuple[int, str]:
    """Where the tasks should be and are not, and what is there instead."""
    inner = (member.node.get("tasks") for member in root.members if member.name != "metadata")
    where = root.get("tasks") or next((member for member in inner if member), None)
    if where is not None:
        at, found = where.start, f"“tasks” is {kind_of(where.node.value)}"
    elif root.members:
        names = ", ".join(f"“{member.name[:20]}”" for member in root.members[:3])
        at, found = root.start, f"at the top it has {names}{' and more' if len(root.members) > 3 else ''}"
    else:
        at, found = root.start, f"it holds {kind_of(root.value)}"
    return at, f"there is no list of tasks in this file: {found}"


def _free(wanted: str, mark: str, taken: dict[str, int], reserved: Collection[str] = ()) -> str:
    """The wanted name, with a mark and a number behind it when it is taken; `taken` has the last number of each."""
    name = wanted
    while name in taken or name in reserved:
        taken[wanted] = taken.get(wanted, 1) + 1
        name = f"{wanted}{mark}{taken[wanted]}"
    taken[name] = 1
    return name


def _tags(root: Node) -> Iterator[tuple[Member, Node]]:
    """The members of the file that are tags, each with its member `tasks`."""
    counts = {member.name: member for member in root.members}
    for member in root.members:
        if member.name == "metadata" or counts[member.name] is not member:
            continue
        array = member.node.list_of("tasks")
        if array is not None:
            yield member, array


def _tag(name: str) -> str:
    return name.strip()[:MAX_ID] or "(no name)"


def _refuse_lost_tasks(json: JsonText) -> None:
    """A name that occurs twice is a warning, unless tasks would vanish by it: then a merge went wrong."""
    for again in json.repeated:
        lost, kept = again.lost.node.value, again.kept.node.value
        is_id = again.lost.name == "id" and "title" in again.owner.value
        if (is_id and lost != kept) or _holds_tasks(lost):
            where = f"here and at line {json.line(again.kept.start)}"
            # Two lists that are alike stay so only until the first change.
            result = "tasks would be lost" if lost != kept else "one of the two would be ignored"
            problem = f"“{again.lost.name[:40]}” stands twice in one object, {where}; {result}"
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
    for group, (member, _) in zip(file.groups[-len(list(_tags(file.json.root))) :], _tags(file.json.root), strict=True):
        if group.tag != _tag(member.name):
            message = f"there is another tag “{_tag(member.name)[:40]}”, but for spaces or what is cut off"
            file.warn(group.tag, "odd_tag", message, f"imported as tag {group.tag[:40]}", member.start)
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
    altered: dict[str, list[int]] = {}
    for at in file.json.altered:
        altered.setdefault(_place(starts, at), []).append(at)
    for place, positions in altered.items():
        texts = "a text holds" if len(positions) == 1 else f"{len(positions)} texts hold"
        message = f"{texts} a NUL or half a character, which no database can store"
        done = "taken out, or replaced by U+FFFD; kept in the file"
        file.warn(place, "unstorable_text", message, done, positions[0])


def _place(starts: list[Entry], at: int) -> str:
    entry = entry_around(starts, at)
    return entry.place if entry else "file"


def entry_around(starts: list[Entry], at: int) -> Entry | None:
    """The innermost task around a position; `starts` are the entries in the order in which they begin."""
    before = bisect.bisect_right(starts, at, key=lambda entry: entry.node.start)
    entry = starts[before - 1] if before else None
    while entry is not None and entry.node.end <= at:
        entry = entry.parent
    return entry


def written_id(json: JsonText, node: Node) -> str | None:
    """The id that a task object has, as text."""
    value = node.value.get("id")
    member = node.get("id") if isinstance(value, float) else None
    return id_text(value, json.source(member.node) if member else "")


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
        text = written_id(self.file.json, node)
        local = text or f"#{number}"
        if parent is not None:
            local = local_id(local, parent.id)
        full = f"{parent.id}.{local}" if parent else local
        prefix = f"{parent.key}." if parent else f"{group.tag}:"
        own = own_key(node.value)
        wanted = own or (prefix + local)[:_MAX_KEY]
        self.reserved.discard(own or "")
        entry = Entry(
            node=node,
            key=_free(wanted, "#", self.taken, self.reserved),
            id=full,
            local=local,
            group=group,
            parent=parent,
        )
        self.index(entry)
        if own:
            if entry.key != own:
                done = f"imported as {entry.key}"
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

    def subtasks(self, entry: Entry) -> None:
        """Take up the subtasks of an entry."""
        member = entry.node.get("subtasks") if entry.node.value.get("subtasks") not in (None, []) else None
        if member is None:
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
