"""A task file read a second time, from the description of Taskmaster's files alone and by the standard library.

Nothing here is taken from the code that it judges. Tasks are numbered as they stand in the file, each before its
subtasks, so that no key has to be made up.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

import attrs

DEEPEST = 100
CLOSED = ("done", "cancelled")
STATUSES = {
    **{word: word for word in ("pending", "in-progress", "review", "done", "blocked", "deferred", "cancelled")},
    "completed": "done",
    "complete": "done",
    "canceled": "cancelled",
    "inprogress": "in-progress",
}


class Number(str):
    """A number as it is spelled."""


@attrs.define(eq=False)
class Known:
    """A task of the file."""

    number: int
    value: dict[str, Any]
    path: tuple[str | int, ...]  #: where it stands in the document
    tag: str
    id: str
    local: str
    parent: Known | None
    children: list[Known] = attrs.field(factory=list)

    @property
    def status(self) -> str:
        """The word of Nexus for its status."""
        word = self.value.get("status")
        if not isinstance(word, str) or isinstance(word, Number):
            return "pending"
        return STATUSES.get(re.sub(r"[\s_]+", "-", storable(word).strip().lower()), "pending")

    def above(self) -> Iterator[Known]:
        """Its parent, and so on."""
        here = self.parent
        while here is not None:
            yield here
            here = here.parent


class NotJson(Exception):
    """The bytes are no JSON in UTF-8."""


def document(content: bytes) -> Any:
    """The value of a file, its numbers as they are spelled. :raises NotJson:"""

    def constant(name: str) -> Any:
        raise ValueError(name)

    try:
        text = content.removeprefix(codecs.BOM_UTF8).decode("utf-8")
        if _depth(text) > DEEPEST:
            raise NotJson("deep")
        return json.loads(
            text, parse_int=Number, parse_float=Number, parse_constant=constant, object_pairs_hook=_last_of_each
        )
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from None


def _last_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a name that stands twice the last counts, where it stands."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        found.pop(name, None)
        found[name] = value
    return found


def has_twins(content: bytes) -> bool:
    """Whether a name stands twice in an object of a file that is JSON."""
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        found.extend(name for name in names if names.count(name) > 1)

    json.loads(content.removeprefix(codecs.BOM_UTF8), object_pairs_hook=look, parse_int=Number)
    return bool(found)


def _depth(text: str) -> int:
    deepest = depth = 0
    for bracket in re.findall(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text, re.DOTALL):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(bracket, 0)
        deepest = max(deepest, depth)
    return deepest


def storable(text: str) -> str:
    """The text without NUL, half characters replaced."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text.replace("\0", ""))


def lists_of(value: Any) -> list[tuple[str, tuple[str | int, ...], list[Any]]]:
    """The lists of tasks of a file: tag, where, and the list."""
    if isinstance(value, list):
        return [("master", (), value)]
    if not isinstance(value, dict):
        return []
    tags = [
        (storable(name).strip()[:100] or "(no name)", (name, "tasks"), inner["tasks"])
        for name, inner in value.items()
        if name != "metadata" and isinstance(inner, dict) and isinstance(inner.get("tasks"), list)
    ]
    root = value.get("tasks")
    if not isinstance(root, list):
        return tags
    taken = {tag for tag, _, _ in tags}
    free = ["master", "root", *(f"root-{number}" for number in range(2, 99))] if tags else ["master"]
    return [(next(name for name in free if name not in taken), ("tasks",), root), *tags]


def read(value: Any) -> list[Known]:
    """Every task of a document."""
    found: list[Known] = []
    for tag, path, tasks in lists_of(value):
        _walk(found, tasks, path, tag, None)
    return found


def _walk(found: list[Known], tasks: list[Any], path: tuple[str | int, ...], tag: str, parent: Known | None) -> None:
    for index, value in enumerate(tasks):
        if not isinstance(value, dict):
            continue
        name = written_id(value.get("id"))
        local = name if name is not None else f"#{index + 1}"
        if parent is not None:
            local = within(local, parent.id)
        full = local if parent is None else f"{parent.id}.{local}"
        task = Known(len(found), value, (*path, index), tag, full, local, parent)
        found.append(task)
        if parent is not None:
            parent.children.append(task)
        if isinstance(value.get("subtasks"), list):
            _walk(found, value["subtasks"], (*path, index, "subtasks"), tag, task)


def within(text: str, parent: str) -> str:
    """`3.2` within task 3 is 2."""
    if text.startswith(parent):
        rest = text[len(parent) :]
        if len(rest) > 1 and (rest[0] == "." or (rest[0] == "-" and re.fullmatch("[0-9]+", rest[1:]))):
            return rest[1:]
    return text


def written_id(value: Any) -> str | None:
    """The id that a value names."""
    if isinstance(value, Number):
        text = _number(str(value))
    elif isinstance(value, str):
        text = storable(value).strip()
    else:
        return None
    if text and set(text) <= set("0123456789"):
        text = text.lstrip("0") or "0"
    hosted = re.fullmatch("([A-Za-z]{3})-?([0-9]+)", text)
    if hosted:
        text = hosted[1].upper() + "-" + hosted[2]
    return text[:100] or None


def _number(text: str) -> str:
    whole, _, fraction = text.partition(".")
    if len(text) > 300:
        return text
    if "e" not in text.lower() and not fraction.strip("0"):
        return str(int(whole))
    if "e" not in text.lower():
        return text
    return text if abs(float(text)) == float("inf") else format(float(text), ".15g")


def edges_of(tasks: list[Known]) -> set[tuple[int, int]]:
    """Which task depends on which, cycles included."""
    edges: set[tuple[int, int]] = set()
    names: dict[tuple[str | int, ...], dict[str, Known]] = {}
    for task in tasks:
        names.setdefault(_list(task), {}).setdefault(task.id, task)
    for task in tasks:
        for element in _elements(task.value.get("dependencies")):
            text = written_id(element)
            other = _meant(task, text, names[_list(task)]) if text is not None else None
            if other is not None and other is not task and other not in task.above() and task not in other.above():
                edges.add((task.number, other.number))
    return edges


def _list(task: Known) -> tuple[str | int, ...]:
    """Where the list stands to which a task belongs, directly or not."""
    top = task
    while top.parent is not None:
        top = top.parent
    return top.path[:-1]


def _elements(value: Any) -> list[Any]:
    if value is None or isinstance(value, list):
        return value or []
    if isinstance(value, str) and not isinstance(value, Number):
        return [part for part in re.split(r"[,\s]+", storable(value).strip()) if part]
    return [value]


def _meant(task: Known, text: str, names: dict[str, Known]) -> Known | None:
    """Bare on a subtask: the sibling, else the task. Dotted: of the own parent, else whatever has the id."""
    if task.parent is None:
        return names.get(text)

    def sibling(local: str) -> Known | None:
        return next((child for child in task.parent.children if child.local == local), None)

    if "." not in text:
        return sibling(text) or names.get(text)
    return sibling(within(text, task.parent.id)) or names.get(text) or sibling(text)


def ready_of(tasks: list[Known], edges: set[tuple[int, int]]) -> set[int]:
    """The numbers of the tasks that are ready: the rule of the design, section 4, for a file that nobody works on."""
    is_open = {task.number: task.status not in CLOSED for task in tasks}
    waits = {number for number, on in edges if is_open[on]}
    return {
        task.number
        for task in tasks
        if task.status == "pending"
        and task.number not in waits
        and not any(above.number in waits for above in task.above())
        and not any(is_open[child.number] for child in task.children)
    }
