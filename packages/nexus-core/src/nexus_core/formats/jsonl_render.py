"""Writes tasks back into JSON Lines: only what differs from what a line says is touched, new tasks come at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from ..clock import to_text
from ..domain.tasks import Priority, Status, Task
from .jsonedit import Edit, Writer, apply, style_of
from .jsonl_fields import NAMES
from .jsonl_file import Line, Lines, free, open_lines, slug
from .jsonl_tasks import read_tasks
from .model import ParsedTask
from .outside import folded

_TEXTS = ("description", "details", "test_strategy")
#: What a line may leave out.
_EMPTY: dict[str, Any] = {
    "description": "", "details": "", "test_strategy": "", "status": Status.PENDING, "priority": Priority.MEDIUM,
    "labels": (), "complexity_manual": None, "not_before": None,
}  # fmt: skip


def render(original: bytes | None, tasks: Sequence[Task], keys: Mapping[int, str], prefix: str = "NX") -> bytes:
    """The file as it should be now; without an original, a new one.

    `keys` are the names of tasks by id: keys of this file, and `owner/name#key` for those of other repositories.

    :raises UnreadableFile: the original is no file that `parse` reads
    """
    renderer = _Renderer(open_lines(original or b""), tasks, keys, prefix)
    return apply(renderer.file.json, renderer.edits())


def new_keys(original: bytes | None, tasks: Sequence[Task], keys: Mapping[int, str]) -> dict[int, str]:
    """The keys under which `render` adds the tasks that have none: made of their titles.

    :raises UnreadableFile: the original is no file that `parse` reads
    """
    taken = {*open_lines(original or b"").names, *keys.values()}
    return {
        task.id: free(slug(task.title), taken, "-")
        for task in sorted(tasks, key=lambda task: task.id)
        if task.id not in keys
    }


class _Renderer:
    """One rendering of one file."""

    def __init__(self, file: Lines, tasks: Sequence[Task], keys: Mapping[int, str], prefix: str) -> None:
        self.file = file
        self.plain = Writer(file.json)
        self.writer = self.writer_of(file.lines[0] if file.lines else None)
        self.keys = {**{task.id: task.external_key for task in tasks if task.external_key}, **keys}
        self.tasks = {self.keys[task.id]: task for task in sorted(tasks, key=lambda task: task.id)}
        self.before = {task.external_key: task for task in read_tasks(file)}
        numbers = {f"{prefix}-{task_id}": task_id for task_id in self.keys}
        self.ids = {folded(name): task_id for name, task_id in [*numbers.items(), *_turned(self.keys)]}

    def edits(self) -> Iterator[Edit]:
        """Everything that is to be changed."""
        for line in self.file.lines:
            if (task := self.tasks.get(line.key)) is not None:
                yield from self.line_edits(line, task, self.before[line.key])
        known = {line.key for line in self.file.lines}
        new = [self.writer.value(self.line_object(key, task)) for key, task in self.tasks.items() if key not in known]
        if new:
            yield self.append(new)

    def append(self, texts: Sequence[str]) -> Edit:
        """New lines behind the last one; how the file ends stays as it is."""
        eol = "\r\n" if "\r\n" in self.file.json.text else "\n"
        if not self.file.lines:
            at = len(self.file.json.text)
            return Edit(start=at, end=at, new="".join(text + eol for text in texts))
        at = self.file.lines[-1].node.end
        return Edit(start=at, end=at, new="".join(eol + text for text in texts))

    def writer_of(self, line: Line | None) -> Writer:
        """A writer in the style of a line, which never breaks it."""
        file = self.file.json
        style = style_of(attrs.evolve(file, text=file.source(line.node))) if line else self.plain.style
        style = attrs.evolve(style, eol="", comma=f",{style.colon.removeprefix(':')}", ascii=self.plain.style.ascii)
        return Writer(file, style)

    # Lines that the file has ------------------------------------------------------------------------------------------

    def line_edits(self, line: Line, task: Task, before: ParsedTask) -> Iterator[Edit]:
        """What differs in one line."""
        changes = self.changes(line, task, before)
        if not changes:
            return
        writer = self.writer_of(line)
        if "title" in changes and not line.is_named:
            changes["external_key"] = line.key  # until now it was known by its title
        missing: dict[str, Any] = {}
        for name, value in changes.items():
            member = line.node.get(name)
            if member is None:
                missing[name] = value
            elif isinstance(value, _Elements) and member.node.kind == "array":
                yield writer.rewrite(member.node, value.texts)
            else:
                yield writer.replace(member.node, _value(value))
        for name in sorted(missing, key=NAMES.index):
            earlier = [member for member in line.node.members if _rank(member.name) < _rank(name)]
            yield writer.insert(earlier[-1] if earlier else line.node.members[-1], name, _value(missing[name]))

    def changes(self, line: Line, task: Task, before: ParsedTask) -> dict[str, Any]:
        """New values, by the names of the line's members."""
        changes = {
            name: _plain(getattr(task, name))
            for name in ("title", *_EMPTY)
            if name != "labels" and getattr(before, name) != getattr(task, name)
        }
        if set(before.labels) != set(task.labels):
            changes["labels"] = list(task.labels)
        parent = self.parent_of(task)
        was = self.plain_name(before.parent_key)
        # A parent that is nowhere is none in Nexus, and stays in the file.
        if parent != was and (parent or was in self.tasks):
            changes["parent_id" if "parent_id" in line.node.value else "parent"] = parent
        if elements := self.dependencies(line, task, before):
            changes["dependencies"] = elements
        return changes

    def parent_of(self, task: Task) -> str | None:
        """The key of the task that this is part of."""
        return None if task.parent_id is None else self.keys.get(task.parent_id)

    def plain_name(self, name: str | None) -> str | None:
        """The key of the task that a name means; the name itself when it means none."""
        if name is None:
            return None
        if name in self.file.names:
            return self.file.names[name].key
        found = self.ids.get(folded(name))
        return name if found is None else self.keys[found]

    def dependencies(self, line: Line, task: Task, before: ParsedTask) -> _Elements | None:
        """The elements of the list of dependencies, when they are to change; those that stay are as they were."""
        wanted = {key: on for on in task.dependencies if (key := self.keys.get(on)) is not None}
        member = line.node.get("dependencies")
        items = member.node.items if member else ()
        kept: list[str] = []
        met: set[str] = set()
        for name, item in zip(line.fields.dependencies, items, strict=True):
            key = self.plain_name(name)
            if key in wanted or not self.was_dropped(before, name, str(key)):
                kept.append(self.file.json.source(item))
                met.add(str(key))
        new = [self.written(key) for key in wanted if key not in met]
        if not new and len(kept) == len(items):
            return None
        return _Elements(texts=[*kept, *(self.writer.value(value) for value in new)])

    def was_dropped(self, before: ParsedTask, name: str, on: str) -> bool:
        """Whether a dependency that Nexus does not have was taken away, rather than never taken over."""
        if name in self.file.names:
            return on in before.dependencies and on in self.tasks
        return folded(name) in self.ids

    def written(self, key: str) -> str | int:
        """A key as dependencies of this file name it: as the line itself does."""
        line = self.file.names.get(key)
        member = line.node.get("id") if line and "external_key" not in line.node.value else None
        return member.node.value if member and isinstance(member.node.value, int) else key

    # Lines that are new -----------------------------------------------------------------------------------------------

    def line_object(self, key: str, task: Task) -> dict[str, Any]:
        """The line of a task that the file does not have: what there is to say, in the usual order."""
        said: dict[str, Any] = {
            "external_key": key,
            "title": task.title,
            **{name: getattr(task, name) for name in _TEXTS if getattr(task, name)},
            "status": str(task.status),
            "priority": str(task.priority),
            "labels": list(task.labels),
            "complexity_auto": task.complexity_auto,
            "complexity_manual": task.complexity_manual,
            "parent": self.parent_of(task),
            "dependencies": [self.written(name) for on in task.dependencies if (name := self.keys.get(on)) is not None],
            "not_before": _plain(task.not_before),
        }
        raw = dict(task.raw_data)
        if raw.keys() & set(NAMES):  # it came from another format, whose names mean something else
            said["raw_data"] = raw
            raw = {}
        return {name: value for name, value in (said | raw).items() if value not in (None, []) or name in raw}


@attrs.frozen
class _Elements:
    """The elements of a list, as they are to be written."""

    texts: list[str]


def _value(value: Any) -> Any:
    return [json.loads(text) for text in value.texts] if isinstance(value, _Elements) else value


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, int):
        return value
    return to_text(value) if hasattr(value, "astimezone") else str(value)


def _turned(keys: Mapping[int, str]) -> list[tuple[str, int]]:
    return [(key, task_id) for task_id, key in keys.items()]


def _rank(name: str) -> int:
    return NAMES.index(name) if name in NAMES else len(NAMES)
