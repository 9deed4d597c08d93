"""Values of a JSON text that know where they stand; what is inside one is looked for when somebody asks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

import attrs

Kind = Literal["object", "array", "string", "number", "literal"]

SPACE = re.compile(r"[ \t\n\r]*")
_NAME = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")[ \t\n\r]*:[ \t\n\r]*')
_NEXT = re.compile(r"[ \t\n\r]*(?:,[ \t\n\r]*)?")
_KINDS: dict[str, Kind] = {"{": "object", "[": "array", '"': "string", "t": "literal", "f": "literal", "n": "literal"}
#: The standard library's reader, in C: the value that begins at a position, and where it ends.
_scan = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode


@attrs.define(kw_only=True, eq=False)
class Node:
    """A value and where it stands: `text[start:end]` is its source.

    The reader that goes step by step gives it its parts. Otherwise the text around it is known to be well-formed and
    without names that stand twice, and the parts are found when they are asked for.
    """

    kind: Kind
    start: int
    end: int
    value: Any  #: plain Python; of a name that occurs twice the last counts
    _text: str = ""
    _members: tuple[Member, ...] | None = None
    _items: tuple[Node, ...] | None = None

    @property
    def members(self) -> tuple[Member, ...]:
        """What an object holds, in order; of others nothing."""
        if self._members is None:
            self._members = tuple(self._find_members()) if self.kind == "object" else ()
        return self._members

    @property
    def items(self) -> tuple[Node, ...]:
        """What an array holds, in order; of others nothing."""
        if self._items is None:
            self._items = tuple(self._find_items()) if self.kind == "array" else ()
        return self._items

    def get(self, name: str) -> Member | None:
        """The member of an object that counts, or None."""
        if self.kind != "object" or name not in self.value:
            return None
        return next((member for member in reversed(self.members) if member.name == name), None)

    def list_of(self, name: str) -> Node | None:
        """The array that an object has under a name, or None."""
        if self.kind != "object" or not isinstance(self.value.get(name), list):
            return None
        member = self.get(name)
        return member.node if member else None

    def _find_members(self) -> Iterator[Member]:
        text, at = self._text, self._inside()
        while found := _NAME.match(text, at):
            source = found[1]
            name = json.loads(source) if "\\" in source else source[1:-1]
            node = node_at(text, found.end(), self.value[name])
            yield Member(name=name, start=found.start(), node=node)
            at = _behind(text, node.end)

    def _find_items(self) -> Iterator[Node]:
        text, at = self._text, self._inside()
        for value in self.value:
            node = node_at(text, at, value)
            yield node
            at = _behind(text, node.end)

    def _inside(self) -> int:
        found = SPACE.match(self._text, self.start + 1)
        return found.end() if found else self.start + 1


@attrs.define(kw_only=True, eq=False)
class Member:
    """A name in an object with its value; `start` is where the name stands."""

    name: str
    start: int
    node: Node


@attrs.frozen(kw_only=True, eq=False)
class Repeated:
    """A name that occurs more than once in an object: the member that is lost, and the one that counts."""

    owner: Node
    lost: Member
    kept: Member


def node_at(text: str, start: int, value: Any, end: int | None = None) -> Node:
    """The node of a value that begins at a position of a well-formed text."""
    kind = _KINDS.get(text[start], "number")
    return Node(kind=kind, start=start, end=_scan(text, start)[1] if end is None else end, value=value, text=text)


def _behind(text: str, end: int) -> int:
    """The position behind a value, and behind a comma if there is one."""
    found = _NEXT.match(text, end)
    return found.end() if found else end
