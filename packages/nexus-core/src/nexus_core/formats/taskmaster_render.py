"""Writes tasks back into a Taskmaster file: only what differs from what the file says is touched."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any

import attrs

from ..clock import to_text
from ..domain.tasks import Priority, Task
from ..errors import UnreadableFile
from .jsonedit import Edit, Writer, apply
from .jsontext import Node, read
from .model import ParsedTask
from .taskmaster_fields import Fields, id_text, label_of, labels_name, read_fields, strategy_name
from .taskmaster_file import DEFAULT_TAG, Entry, TaskFile, open_file
from .taskmaster_plan import Plan, References, Spot, owner_of
from .taskmaster_tasks import read_tasks

_TASK = (
    "id",
    "title",
    "description",
    "details",
    "testStrategy",
    "status",
    "dependencies",
    "priority",
    "subtasks",
)
_SUBTASK = ("id", "title", "description", "dependencies", "details", "status", "testStrategy")
_TEXTS = ("title", "description", "details", "test_strategy", "status")


def render(original: bytes | None, tasks: Sequence[Task], keys: Mapping[int, str]) -> bytes:
    """The file as it should be now; without an original, a new one in the style of Taskmaster.

    Tasks whose key (`keys`, else their own `external_key`) is in the file are compared with what it says;
    others are added under the keys of `new_keys`; what the file has beyond them stays. Dependencies that the
    format cannot say, such as those across tags or repositories, are left out.

    :raises UnreadableFile: the original is no file that `parse` reads
    """
    renderer = _Renderer(original, tasks, keys)
    return apply(renderer.file.json, renderer.edits())


def new_keys(original: bytes | None, tasks: Sequence[Task], keys: Mapping[int, str]) -> dict[int, str]:
    """The keys under which `render` adds the tasks that the file does not have, by task id.

    Whoever stores the rendered file stores them with the tasks, else the next import takes these for new.

    :raises UnreadableFile: the original is no file that `parse` reads
    """
    file = open_file(original if original is not None else _skeleton(tasks, keys))
    return {spot.task.id: spot.key for spot in Plan(file, tasks, keys).new}


def _skeleton(tasks: Sequence[Task], keys: Mapping[int, str]) -> bytes:
    """A file without tasks, with the tags that the tasks' keys name."""
    found: dict[str, list[Task]] = {}
    for task in sorted(tasks, key=lambda task: task.id):
        tag = (keys.get(task.id) or task.external_key or "").rpartition(":")[0]
        found.setdefault(tag or DEFAULT_TAG, []).append(task)
    tags = {
        tag: {"tasks": [], "metadata": _metadata(tag, those)} for tag, those in (found or {DEFAULT_TAG: []}).items()
    }
    return json.dumps(tags, indent=2, ensure_ascii=False).encode("utf-8", "replace")


def _metadata(tag: str, tasks: Sequence[Task]) -> dict[str, str]:
    times = [at.astimezone(UTC) for task in tasks for at in (task.created_at, task.updated_at)]
    texts = [f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z" for at in sorted(times)]
    span = {"created": texts[0], "updated": texts[-1]} if texts else {}
    return {**span, "description": f"Tasks for {tag} context"}


class _Renderer:
    """One rendering of one file."""

    def __init__(self, original: bytes | None, tasks: Sequence[Task], keys: Mapping[int, str]) -> None:
        self.file: TaskFile = open_file(original if original is not None else _skeleton(tasks, keys))
        self.is_new = original is None
        self.keys = keys
        self.before = {task.external_key: task for task in read_tasks(self.file)}
        self.plan = Plan(self.file, tasks, keys)
        self.references = References(self.plan)
        self.writer = Writer(self.file.json)
        self.by_key = {spot.key: spot for spot in self.plan.spots.values()}
        self.text_ids = {group.tag: _mostly_text(group.array) for group in self.file.groups}
        self.added: dict[str, list[Spot]] = {}  # by the key of the parent or `owner_of` the tag
        for spot in self.plan.new:
            self.added.setdefault(spot.parent_key or owner_of(spot.tag), []).append(spot)

    def edits(self) -> Iterator[Edit]:
        """Everything that is to be changed."""
        for spot in self.plan.spots.values():
            if spot.entry is not None:
                yield from self.entry_edits(spot, spot.entry, self.before[spot.key])
        for group in self.plan.groups.values():
            if new := self.added.get(owner_of(group.tag)):
                yield self.writer.append(group.array, [self.task_object(spot) for spot in new])
        for tag in dict.fromkeys(spot.tag for spot in self.plan.new if spot.tag not in self.plan.groups):
            new = self.added[owner_of(tag)]
            value = {
                "tasks": [self.task_object(spot) for spot in new],
                "metadata": _metadata(tag, [spot.task for spot in new]),
            }
            yield self.writer.insert(self.file.json.root.members[-1], tag, value)

    def entry_edits(self, spot: Spot, entry: Entry, before: ParsedTask) -> Iterator[Edit]:
        """What differs in one task object."""
        changes: dict[str, Any] = {}
        for name in (*_TEXTS, "priority"):
            if self.said(spot, entry, before, name) != getattr(spot.task, name):
                changes[_member_name(name, entry.node.value)] = str(getattr(spot.task, name))
        yield from self.label_edits(spot, entry, before, changes)
        yield from self.dependency_edits(spot, entry, changes)
        if new := self.added.get(entry.key):
            objects = [self.task_object(child) for child in new]
            member = entry.node.get("subtasks")
            if member and member.node.kind == "array":
                yield self.writer.append(member.node, objects)
            else:
                changes["subtasks"] = objects
        yield from self.member_edits(entry.node, changes)

    def said(self, spot: Spot, entry: Entry, before: ParsedTask, name: str) -> Any:
        """What the file says of a field, other edits included: without a priority of its own, a subtask follows."""
        if name == "priority" and entry.node.value.get("priority") is None and spot.parent_key in self.by_key:
            return self.by_key[spot.parent_key].task.priority
        return getattr(before, name)

    def member_edits(self, node: Node, changes: Mapping[str, Any]) -> Iterator[Edit]:
        """New values for members; those that the object lacks come where Taskmaster would write them."""
        missing: dict[str, Any] = {}
        for name, value in changes.items():
            member = node.get(name)
            if member is None:
                missing[name] = value
            else:
                yield self.writer.replace(member.node, value)
        if missing and not node.members:
            yield self.writer.replace(node, missing)
            return
        for name in sorted(missing, key=_rank):
            earlier = [member for member in node.members if _rank(member.name) < _rank(name)]
            yield self.writer.insert(earlier[-1] if earlier else node.members[-1], name, missing[name])

    def label_edits(self, spot: Spot, entry: Entry, before: ParsedTask, changes: dict[str, Any]) -> Iterator[Edit]:
        """Labels taken away or added; what is none stays."""
        gone = set(before.labels) - set(spot.task.labels)
        added = [label for label in spot.task.labels if label not in before.labels]
        array = entry.node.list_of(labels_name(entry.node.value))
        if not gone and not added:
            return
        if array is not None:
            named = enumerate(label_of(value) for value in array.value)
            yield from self.writer.change(array, {index for index, label in named if label in gone}, added)
        else:
            changes[labels_name(entry.node.value)] = list(spot.task.labels)

    def dependency_edits(self, spot: Spot, entry: Entry, changes: dict[str, Any]) -> Iterator[Edit]:
        """Dependencies taken away or added; the other elements stay as they are written."""
        found = self.plan.links[entry.key]
        now = {other.key for other in self.wanted(spot)}
        before = set(self.before[entry.key].dependencies)
        removed = (before - now) & self.by_key.keys()
        new = [other for other in self.wanted(spot) if other.key not in before]
        added = [value for other in new if (value := self.references.write(spot, other)) is not None]
        if not removed and not added:
            return
        gone = [link for link in found if link.target and link.target.key in removed]
        array = entry.node.list_of("dependencies")
        if array is not None:
            yield from self.writer.change(array, {link.index for link in gone if link.index is not None}, added)
        else:
            changes["dependencies"] = [link.written for link in found if link not in gone] + added

    def wanted(self, spot: Spot) -> list[Spot]:
        """The tasks of this file that a task depends on now."""
        return [self.plan.spots[other] for other in spot.task.dependencies if other in self.plan.spots]

    def task_object(self, spot: Spot) -> dict[str, Any]:
        """The object of a task that the file does not have, with its subtasks."""
        task = spot.task
        values = {name: str(getattr(task, name)) for name in _TEXTS if name != "test_strategy"}
        dependencies = [self.references.write(spot, other) for other in self.wanted(spot)]
        fresh: dict[str, Any] = {
            **values,
            "id": self.id_value(spot),
            "testStrategy": task.test_strategy,
            "dependencies": [value for value in dependencies if value is not None],
            "priority": str(task.priority),
            "subtasks": [self.task_object(child) for child in self.added.get(spot.key, [])],
        }
        names = list(_SUBTASK if spot.parent_key else _TASK)
        if fresh["subtasks"] and "subtasks" not in names:
            names.append("subtasks")
        if spot.parent_key and task.priority is not self.default_priority(spot):
            names.append("priority")
        if task.labels:
            fresh["tags"] = list(task.labels)
            names.append("tags")
        if self.is_new and task.complexity_auto is not None:
            fresh["complexity"] = task.complexity_auto
            names.append("complexity")
        metadata = _metadata_with(task.raw_data, self.beyond(spot))
        if metadata or "metadata" in task.raw_data:
            fresh["metadata"] = metadata
            names.append("metadata")
        return self.with_raw(spot, {name: fresh[name] for name in names})

    def beyond(self, spot: Spot) -> dict[str, Any]:
        """What Taskmaster has no words for, for `metadata.nexus`."""
        task = spot.task
        written = {other.task.id for other in self.wanted(spot) if self.references.write(spot, other) is not None}
        # A task of this file that Taskmaster cannot name from here is named by its key.
        names = {other.task.id: other.key for other in self.plan.spots.values()} | dict(self.keys)
        found: dict[str, Any] = {
            "external_key": spot.key if spot.says_key else None,
            "dependencies": [names[on] for on in task.dependencies if on not in written and on in names],
            "complexity_manual": task.complexity_manual,
            "not_before": None if task.not_before is None else to_text(task.not_before),
        }
        return {name: value for name, value in found.items() if value}

    def default_priority(self, spot: Spot) -> Priority:
        """The priority that a task has when its object names none."""
        parent = self.by_key.get(spot.parent_key or "")
        return parent.task.priority if parent else Priority.MEDIUM

    def with_raw(self, spot: Spot, fresh: dict[str, Any]) -> dict[str, Any]:
        """The object on the ground of the one that the task came from, so that nothing of it is lost."""
        task = spot.task
        if not (self.plan.key_of(task) and task.raw_data):
            return fresh
        raw = {name: value for name, value in task.raw_data.items() if name != "subtasks"}
        try:
            node = read(json.dumps(raw, default=str).encode()).root
        except UnreadableFile:
            return fresh
        said = _as_said(read_fields(node, f"Task {spot.id}"))
        if said["priority"] is None:
            said["priority"] = self.default_priority(spot)
        result = dict(raw)
        for name, value in fresh.items():
            field = {"testStrategy": "test_strategy"}.get(name, name)
            place = _member_name(field, raw)
            same = field in said and said[field] == getattr(task, field)
            if name == "id" and "id" in raw:
                same = id_text(raw["id"]) in (spot.local, spot.id)
            if name == "dependencies":
                same = self.means_the_same(spot, raw.get("dependencies"), value)
            if not same and (value or place in raw or name == "subtasks"):
                result[place] = value
        return result

    def means_the_same(self, spot: Spot, raw: Any, value: list[Any]) -> bool:
        """Whether the dependencies as a task came with them name the same tasks, beside those that name none."""
        meaning = self.plan.names.meaning
        if not isinstance(raw, list):
            return False
        return {meaning(spot, one) for one in raw} - {None} == {meaning(spot, one) for one in value}

    def id_value(self, spot: Spot) -> int | str:
        """The id as the file writes ids."""
        if not (spot.local.isascii() and spot.local.isdigit()) or (
            spot.parent_key is None and self.text_ids.get(spot.tag)
        ):
            return spot.local
        return int(spot.local)


def _metadata_with(raw: Mapping[str, Any], words: Mapping[str, Any]) -> Any:
    """The metadata that a task came with, and in it what Nexus has to say."""
    metadata = raw.get("metadata")
    if not isinstance(metadata, dict):
        return {"nexus": words} if words else metadata
    others = {name: value for name, value in metadata.items() if name != "nexus"}
    return {**others, "nexus": words} if words else others


def _as_said(fields: Fields) -> dict[str, Any]:
    return {name: value for name, value in attrs.asdict(fields, recurse=False).items() if name != "problems"}


def _member_name(field: str, value: Mapping[str, Any]) -> str:
    """The name of a field in an object."""
    if field == "test_strategy":
        return strategy_name(dict(value))
    return labels_name(dict(value)) if field in ("tags", "labels") else field


def _mostly_text(array: Node) -> bool:
    ids = [item["id"] for item in array.value if isinstance(item, dict) and "id" in item]
    return 2 * sum(isinstance(value, str) for value in ids) > len(ids)


def _rank(name: str) -> int:
    """How early Taskmaster writes a member."""
    name = {"test_strategy": "testStrategy"}.get(name, name)
    return _TASK.index(name) if name in _TASK else len(_TASK)
