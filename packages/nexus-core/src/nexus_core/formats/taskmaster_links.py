"""What Taskmaster's dependencies mean.

On a task, `3` and `"3"` are task 3, `"3.2"` is subtask 2 of task 3. On a subtask, a bare number is a
sibling if there is one with that number, else a task.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import attrs

from .jsontext import Member, Node
from .taskmaster_fields import id_text, local_id
from .taskmaster_file import Entry, TaskFile

T = TypeVar("T")

_SHOWN = 40  # characters of what was written that a message shows
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


@attrs.define(kw_only=True, eq=False)
class Link:
    """One element of a list of dependencies: what it names, and what is wrong with it."""

    entry: Entry  #: whose dependency it is
    written: Any  #: the element as it is
    text: str | None = None  #: the id that it names; None when it names none
    index: int | None  #: its place in the list; None when the dependencies are no list
    target: Entry | None = None
    problem: str | None = None  #: a code; the element then counts for nothing

    @property
    def counts(self) -> bool:
        """Whether it is a dependency."""
        return self.problem is None and self.target is not None

    @property
    def item(self) -> Node | None:
        """The element, or None when the dependencies are no list."""
        member = self._member
        return member.node.items[self.index] if member and self.index is not None else None

    @property
    def place(self) -> str:
        """Where it is within its task, such as `dependencies[1]`."""
        return "dependencies" if self.index is None else f"dependencies[{self.index}]"

    @property
    def at(self) -> int:
        """Its position in the file."""
        place = self.item or self._member
        return place.start if place else self.entry.node.start

    @property
    def shown(self) -> str:
        """What it names, for people."""
        return (json.dumps(self.written) if self.text is None else self.text)[:_SHOWN]

    @property
    def _member(self) -> Member | None:
        return self.entry.node.get("dependencies")


def find(entry: Entry, text: str) -> Entry | None:
    """The task that `text` names in the dependencies of `entry`."""
    above = entry.parent
    return meant(text, above.id if above else None, above.children if above else {}, entry.group.by_id)


def meant(text: str, parent: str | None, siblings: Mapping[str, T], everyone: Mapping[str, T]) -> T | None:
    """What `text` names for a subtask of `parent`, or for a task without one.

    >>> meant("2", "3", {"2": "3.2"}, {"2": "2"}), meant("2", None, {}, {"2": "2"}), meant("3.2", "3", {"2": "3.2"}, {})
    ('3.2', '2', '3.2')
    """
    if parent is None:
        return everyone.get(text)
    if "." not in text:
        return siblings.get(text) or everyone.get(text)
    # A dotted name may mean the own parent, of which there may be two with one id.
    return siblings.get(local_id(text, parent)) or everyone.get(text) or siblings.get(text)


def links(file: TaskFile, entry: Entry) -> list[Link]:
    """Every element of the dependencies of an entry."""
    value = entry.node.value.get("dependencies")
    found: list[Link] = []
    seen: set[str] = set()
    for index, element in enumerate(_elements(value)):
        link = Link(entry=entry, written=element, index=index if isinstance(value, list) else None)
        link.text = id_text(element, _spelling(file, link) if isinstance(element, float) else "")
        link.target = find(entry, link.text) if link.text is not None else None
        link.problem = _problem(link)
        if link.counts and link.target:
            link.problem = "duplicate_dependency" if link.target.key in seen else None
            seen.add(link.target.key)
        found.append(link)
    return found


def warn_of_links(file: TaskFile, entry: Entry, found: Sequence[Link]) -> None:
    """Name the dependencies that count for nothing, and those that were guessed."""
    for link in found:
        if link.problem is not None:
            message = PROBLEMS[link.problem].format(shown=link.shown)
            done = _DONE_OTHERWISE.get(link.problem, _DONE)
            file.warn(f"{entry.place} / {link.place}", link.problem, message, done, link.at)
        elif entry.parent and link.target and not link.target.parent and link.shown.isdigit():
            message, done = f"the subtask has no sibling {link.shown}", f"read as task {link.shown}"
            file.warn(f"{entry.place} / {link.place}", "read_as_task", message, done, link.at)
    if found and found[0].index is None:
        place = f"{entry.place} / dependencies"
        file.warn(place, "odd_dependencies", "it is not a list", "read as a list of ids", found[0].at)


def _problem(link: Link) -> str | None:
    if link.text is None:
        return "odd_dependency"
    if link.target is None:
        return "dangling_dependency"
    if link.target is link.entry:
        return "self_dependency"
    if link.entry.within(link.target):
        return "parent_dependency"
    return "subtask_dependency" if link.target.within(link.entry) else None


def _elements(value: Any) -> Sequence[Any]:
    """The elements of dependencies; hand-written files hold one id, or "1, 2"."""
    if value is None or isinstance(value, list):
        return value or ()
    if isinstance(value, str):
        return [part for part in re.split(r"[,\s]+", value.strip()) if part]
    return [value]


def _spelling(file: TaskFile, link: Link) -> str:
    member = link.entry.node.get("dependencies")
    node = link.item or (member.node if member else None)
    return file.json.source(node) if node else ""
