"""What Taskmaster's dependencies mean.

On a task, `3` and `"3"` are task 3, `"3.2"` is subtask 2 of task 3. On a subtask, a bare number is a
sibling if there is one with that number, else a task.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import attrs

from .jsontext import Node
from .taskmaster_fields import id_text, local_id
from .taskmaster_file import Entry, TaskFile

_DONE = "kept in the file, does not block"
_DONE_OTHERWISE = {"duplicate_dependency": "counts once"}
#: What is wrong with a dependency, by code; `{shown}` is what stands there.
PROBLEMS = {
    "odd_dependency": "{shown} names no task",
    "dangling_dependency": "there is no task {shown}",
    "self_dependency": "the task depends on itself",
    "parent_dependency": "the subtask depends on {shown}, which it is part of and which waits for it",
    "subtask_dependency": "the task depends on its own subtask {shown}; a task waits for its subtasks anyway",
    "duplicate_dependency": "{shown} is named twice",
}


@attrs.frozen(kw_only=True, eq=False)
class Link:
    """One element of a list of dependencies: what it names, and what is wrong with it."""

    shown: str
    place: str  #: such as `dependencies[1]`
    at: int
    item: Node | None = None  #: the element; None when the dependencies are no list
    target: Entry | None = None
    problem: str | None = None  #: a code; the element then counts for nothing

    @property
    def counts(self) -> bool:
        """Whether it is a dependency."""
        return self.problem is None and self.target is not None


def find(entry: Entry, text: str) -> Entry | None:
    """The task that `text` names in the dependencies of `entry`."""
    everyone = entry.group.by_id.get(text)
    if entry.parent is None:
        return everyone
    sibling = entry.parent.children.get(text)
    if "." not in text:
        return sibling or everyone
    # A dotted name may mean the own parent, of which there may be two with one id.
    return entry.parent.children.get(local_id(text, entry.parent.id)) or everyone or sibling


def links(file: TaskFile, entry: Entry) -> list[Link]:
    """Every element of the dependencies of an entry."""
    found: list[Link] = []
    seen: set[str] = set()
    for link in _elements(file, entry):
        problem = link.problem or _problem(entry, link.target)
        if problem is None and link.target is not None:
            problem = "duplicate_dependency" if link.target.key in seen else None
            seen.add(link.target.key)
        found.append(attrs.evolve(link, problem=problem))
    return found


def warn_of_links(file: TaskFile, entry: Entry, found: list[Link]) -> None:
    """Name the dependencies that count for nothing, and those that were guessed."""
    for link in found:
        place = f"{entry.place} / {link.place}"
        if link.problem is not None:
            message = PROBLEMS[link.problem].format(shown=link.shown)
            file.warn(place, link.problem, message, _DONE_OTHERWISE.get(link.problem, _DONE), link.at)
        elif entry.parent and link.target and not link.target.parent and link.shown.isdigit():
            message = f"the subtask has no sibling {link.shown}"
            file.warn(place, "read_as_task", message, f"read as task {link.shown}", link.at)
    member = entry.node.get("dependencies")
    if member and found and found[0].item is None:
        place = f"{entry.place} / dependencies"
        file.warn(place, "odd_dependencies", "it is not a list", "read as a list of ids", member.start)


def _problem(entry: Entry, target: Entry | None) -> str | None:
    if target is None:
        return "dangling_dependency"
    if target is entry:
        return "self_dependency"
    if entry.within(target):
        return "parent_dependency"
    return "subtask_dependency" if target.within(entry) else None


def _elements(file: TaskFile, entry: Entry) -> Iterator[Link]:
    """The elements with what they name, not judged yet."""
    member = entry.node.get("dependencies")
    if member is None or member.node.value is None:
        return
    if member.node.kind == "array":
        for number, item in enumerate(member.node.items):
            yield _link(entry, file.json.source(item), f"dependencies[{number}]", item.start, item)
        return
    # Hand-written files hold one id, or "1, 2".
    value = member.node.value
    parts = re.split(r"[,\s]+", value.strip()) if isinstance(value, str) else [value]
    for part in parts:
        if part != "":
            yield _link(entry, json.dumps(part), "dependencies", member.start, None)


def _link(entry: Entry, source: str, place: str, at: int, item: Node | None) -> Link:
    text = id_text(source)
    if text is None:
        return Link(shown=source[:40], place=place, at=at, item=item, problem="odd_dependency")
    return Link(shown=text[:40], place=place, at=at, item=item, target=find(entry, text))
