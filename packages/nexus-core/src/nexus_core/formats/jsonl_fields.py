"""The fields of one line of JSON Lines, read strictly: who writes them by a program wants to hear of every mistake.

A field that a line does not name, or names as `null` where there must be something, is one that it says nothing of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import attrs

from ..clock import from_text
from ..domain.tasks import Priority, Status
from .jsontext import Node
from .words import priority_of, status_near

MAX_KEY = 300  #: characters; databases index keys

#: The names that a line may use, in the order in which Nexus writes them. What bears another name is raw data.
NAMES = (
    "external_key", "id", "title", "description", "details", "test_strategy", "status", "priority", "labels",
    "complexity", "complexity_auto", "complexity_manual", "parent", "parent_id", "dependencies", "not_before",
    "raw_data",
)  # fmt: skip


@attrs.frozen(kw_only=True)
class LineFields:
    """What a line says. `given` are the fields that it speaks of, in the words of `ParsedTask.said`."""

    title: str
    external_key: str | None
    other_name: str | None  #: its `id`, when `external_key` names it already
    parent: str | None
    dependencies: tuple[str, ...]  #: as they are written, one for each element
    values: Mapping[str, Any]  #: the other fields, for a ParsedTask
    given: frozenset[str]


def read_line(node: Node, fault: Callable[[int, str], None]) -> LineFields:
    """Read a line; every mistake goes to `fault`, with its position."""
    if node.kind != "object":
        fault(node.start, "a line is one task, an object such as {“title”: …}")
        return _Reader(Node(kind="object", start=node.start, end=node.end, value={}), lambda at, said: None).read()
    return _Reader(node, fault).read()


class _Reader:
    """Reads the members of one object."""

    def __init__(self, node: Node, fault: Callable[[int, str], None]) -> None:
        self.node = node
        self.fault = fault
        self.given: set[str] = set()

    def read(self) -> LineFields:
        """All of it."""
        external_key, identity = self.name("external_key"), self.name("id")
        title = self.title()
        values: dict[str, Any] = {"status": Status.PENDING, "priority": Priority.MEDIUM}
        for field, value in self.plain():
            if value is not None:
                values[field] = value
                self.given.add(field)
        for field in ("complexity_manual", "not_before"):
            if field in self.node.value:  # null takes such a value away
                self.given.add(field)
        if raw := self.raw():
            values["raw_data"] = raw
            self.given.add("raw_data")
        return LineFields(
            title=title,
            external_key=external_key or identity,
            other_name=identity if external_key else None,
            parent=self.parent(),
            dependencies=self.dependencies(),
            values={"raw_data": {}, **values},
            given=frozenset(self.given),
        )

    def plain(self) -> list[tuple[str, Any]]:
        """The fields that stand for themselves, None where the line says nothing of one."""
        texts = ("description", "details", "test_strategy")
        auto = self.score("complexity_auto")
        return [
            *((name, self.text(name)) for name in texts),
            ("status", self.word("status", status_near, Status)),
            ("priority", self.word("priority", priority_of, Priority)),
            ("labels", self.labels()),
            ("complexity_auto", self.score("complexity") if auto is None else auto),
            ("complexity_manual", self.score("complexity_manual")),
            ("not_before", self.time("not_before")),
        ]

    def get(self, name: str, *kinds: type) -> Any:
        """The value of a member that is of one of these types; a fault when it is of another."""
        member = self.node.get(name)
        value = None if member is None else member.node.value
        if value is None or member is None:
            return None
        if type(value) not in kinds:
            self.fault(member.node.start, f"{name} must be {_KINDS[kinds[0]]}, not {_KINDS[type(value)]}")
            return None
        return value

    def wrong(self, name: str, said: str) -> None:
        """A member whose value is of the right type and still makes no sense."""
        member = self.node.get(name)
        assert member is not None  # noqa: S101 - its value was read before
        self.fault(member.node.start, said)

    def name(self, name: str) -> str | None:
        """A key: a text, or a whole number."""
        value = self.get(name, str, int)
        text = str(value).strip() if value is not None else ""
        if value is not None and not 0 < len(text) <= MAX_KEY:
            self.wrong(name, f"{name} must have 1 to {MAX_KEY} characters")
        return text[:MAX_KEY] or None

    def title(self) -> str:
        """The title, which must be there."""
        self.given.add("title")
        value: str | None = self.get("title", str)
        member = self.node.get("title")
        if member is None:
            self.fault(self.node.start, "the task has no title")
        elif isinstance(member.node.value, str | None) and not (value or "").strip():
            self.fault(member.node.start, "the title is empty")
        return value or ""

    def text(self, name: str) -> str | None:
        """A text."""
        value: str | None = self.get(name, str)
        return value

    def word(self, name: str, read: Callable[[str], Any], known: type[Status] | type[Priority]) -> Any:
        """One of a few words."""
        value = self.get(name, str)
        found = None if value is None else read(value)
        if value is not None and found is None:
            self.wrong(name, f"there is no {name} “{value[:40]}”; there are {', '.join(known)}")
        return found

    def labels(self) -> tuple[str, ...] | None:
        """The labels, each once."""
        value = self.get("labels", list)
        if value is None:
            return None
        if not all(isinstance(part, str) and part.strip() for part in value):
            self.wrong("labels", "labels must be a list of texts")
            return None
        return tuple(dict.fromkeys(part.strip() for part in value))

    def score(self, name: str) -> int | None:
        """A complexity."""
        value = self.get(name, int, float)
        if value is not None and not 1 <= value <= 10:
            self.wrong(name, f"{name} must be 1 to 10")
            return None
        return None if value is None else int(value + 0.5)

    def time(self, name: str) -> datetime | None:
        """An instant."""
        value = self.get(name, str)
        try:
            return None if value is None else from_text(value)
        except ValueError:
            self.wrong(name, f"{name} must be a time such as 2026-01-31T12:00:00Z")
            return None

    def parent(self) -> str | None:
        """The task that this is a part of; null says that it is part of none."""
        for name in ("parent", "parent_id"):
            if name in self.node.value:
                self.given.add("parent")
                return self.name(name)
        return None

    def dependencies(self) -> tuple[str, ...]:
        """What the task waits for, as it is written."""
        value = self.get("dependencies", list)
        if value is None:
            return ()
        self.given.add("dependencies")
        if not all(type(part) in (str, int) and str(part).strip() for part in value):
            self.wrong(
                "dependencies", "dependencies must be a list of keys, such as [“login”, “acme/web#cart”, “NX-12”]"
            )
            return ()
        return tuple(str(part).strip() for part in value)

    def raw(self) -> dict[str, Any]:
        """What the line says beyond what Nexus knows."""
        nested = self.get("raw_data", dict) or {}
        return {**nested, **{name: value for name, value in self.node.value.items() if name not in NAMES}}


_KINDS: Mapping[type, str] = {
    str: "a text", int: "a number", float: "a number", bool: "true or false", list: "a list", dict: "an object",
}  # fmt: skip
