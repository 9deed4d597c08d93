"""Reads JSON step by step: slower than the standard library, but it says where a fault is, and what seems wrong there.

It notes what the standard library is silent about: names that stand twice, and texts that no database can store.
"""

from __future__ import annotations

import json
import re

from .jsonnode import SPACE, Member, Node, Repeated

MAX_DEPTH = 100  #: levels of nesting; real task files have about eight
MAX_DIGITS = 300  #: a longer number stays text, because neither database nor Taskmaster could count with it

_STRING = re.compile(r'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LITERAL = re.compile(r"true|false|null")
_WORD = re.compile(r"[A-Za-z0-9_+.-]+")
_LITERALS = {"true": True, "false": False, "null": None}
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean(text: str) -> str:
    """The text without NUL, and with U+FFFD for half a surrogate pair: what every database can store."""
    return _UNSTORABLE.sub(lambda found: "" if found[0] == "\x00" else "\ufffd", text)


class Malformed(Exception):
    """Where reading stopped, and why."""

    def __init__(self, at: int, problem: str) -> None:
        super().__init__(problem)
        self.at = at
        self.problem = problem


class Scanner:
    """Reads one text from left to right; every method takes a position and returns what begins there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.open: list[int] = []  # where the brackets stand that are not closed yet
        self.repeated: list[Repeated] = []
        self.altered: list[int] = []

    def document(self) -> Node:
        """The whole text."""
        start = self.skip(0)
        if start == len(self.text):
            raise Malformed(0, "the file is empty")
        root = self.value(start)
        rest = self.skip(root.end)
        if rest != len(self.text):
            raise Malformed(rest, "the JSON ends before this; something follows that does not belong to it")
        return root

    def skip(self, at: int) -> int:
        """The position behind white space."""
        found = SPACE.match(self.text, at)
        return found.end() if found else at

    def value(self, at: int) -> Node:
        """Any value."""
        first = self.text[at : at + 1]
        if first == "{":
            return self.object(at)
        if first == "[":
            return self.array(at)
        if first == '"':
            return self.string(at)
        if found := _NUMBER.match(self.text, at):
            return Node(kind="number", start=at, end=found.end(), value=number(found[0]))
        if found := _LITERAL.match(self.text, at):
            return Node(kind="literal", start=at, end=found.end(), value=_LITERALS[found[0]])
        raise self.fault(at, "a value")

    def object(self, start: int) -> Node:
        """An object, with a note of names that occur twice."""
        self.enter(start)
        members: list[Member] = []
        at = self.skip(start + 1)
        if self.text[at : at + 1] != "}":
            members.append(self.member(at))
            while (at := self.skip(members[-1].node.end)) < len(self.text) and self.text[at] != "}":
                members.append(self.member(self.comma(at, "}")))
            if at == len(self.text):
                raise self.fault(at, "}")
        self.open.pop()
        value = {member.name: member.node.value for member in members}
        node = Node(kind="object", start=start, end=at + 1, value=value, members=tuple(members))
        if len(value) < len(members):
            self.note_repeated(node)
        return node

    def array(self, start: int) -> Node:
        """An array."""
        self.enter(start)
        items: list[Node] = []
        at = self.skip(start + 1)
        if self.text[at : at + 1] != "]":
            items.append(self.value(at))
            while (at := self.skip(items[-1].end)) < len(self.text) and self.text[at] != "]":
                items.append(self.value(self.comma(at, "]")))
            if at == len(self.text):
                raise self.fault(at, "]")
        self.open.pop()
        value = [item.value for item in items]
        return Node(kind="array", start=start, end=at + 1, value=value, items=tuple(items))

    def member(self, at: int) -> Member:
        """A name, a colon and a value."""
        if self.text[at : at + 1] != '"':
            raise self.fault(at, "a name in double quotes")
        name = self.string(at)
        colon = self.skip(name.end)
        if self.text[colon : colon + 1] != ":":
            raise self.fault(colon, "a colon")
        return Member(name=name.value, start=at, node=self.value(self.skip(colon + 1)))

    def string(self, at: int) -> Node:
        """A text."""
        found = _STRING.match(self.text, at)
        if not found:
            raise self.fault_in_string(at)
        raw = found[0]
        value = raw[1:-1]
        if "\\" in raw:
            try:
                value = json.loads(raw)
            except json.JSONDecodeError as error:
                raise Malformed(at + error.pos, "this escape is not one of JSON's") from None
        stored = clean(value)
        if stored != value:
            self.altered.append(at)
        return Node(kind="string", start=at, end=found.end(), value=stored)

    def comma(self, at: int, closing: str) -> int:
        """The position of what follows a comma, which must stand here."""
        if self.text[at] != ",":
            raise self.fault(at, f"a comma or {closing}")
        return self.skip(at + 1)

    def enter(self, start: int) -> None:
        """Note that a bracket was opened."""
        if len(self.open) >= MAX_DEPTH:
            raise Malformed(start, f"this is nested deeper than {MAX_DEPTH} levels; no task file is")
        self.open.append(start)

    def note_repeated(self, node: Node) -> None:
        """Remember each member that a later one of the same name hides."""
        kept = {member.name: member for member in node.members}
        self.repeated += (
            Repeated(owner=node, lost=member, kept=kept[member.name])
            for member in node.members
            if kept[member.name] is not member
        )

    def fault_in_string(self, at: int) -> Malformed:
        """Say what is wrong with a text that does not end."""
        found = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*').match(self.text, at)
        end = found.end() if found else at
        if end >= len(self.text) - 1:
            return Malformed(at, "the text that begins here does not end; was the file cut off?")
        if self.text[end] in "\r\n":
            return Malformed(end, "a line ends inside a text; its closing quote is missing, or the break must be \\n")
        return Malformed(end, f"a text holds the control character U+{ord(self.text[end]):04X}, which must be escaped")

    def fault(self, at: int, expected: str) -> Malformed:
        """Say what should stand at a position, and what seems to be wrong there."""
        here = self.text[at : at + 1]
        if not here:
            line = self.text.count("\n", 0, self.open[-1]) + 1 if self.open else 1
            return Malformed(at, f"the file ends, but what line {line} opens is not closed; was the file cut off?")
        if here in "}]" and self.text[:at].rstrip()[-1:] == ",":
            return Malformed(at, "there is a comma too many before this")
        if here in "/#":
            return Malformed(at, "JSON has no comments")
        if here in "'“”":
            return Malformed(at, "texts stand in straight double quotes")
        if here == "\x00":
            return Malformed(at, "there is a NUL byte: the file is not text, or not UTF-8")
        if expected.startswith("a comma") and (here in '"{[-' or here.isalnum()):
            return Malformed(at, "a comma is missing before this")
        word = _WORD.match(self.text, at)
        return Malformed(at, f"{expected} should stand here, not “{word[0][:20] if word else here}”")


def whole(source: str) -> int | str:
    """The whole number, or its spelling when it is beyond what can be stored."""
    return int(source) if len(source) <= MAX_DIGITS else source


def number(source: str) -> int | float | str:
    """The number, or its spelling when it is beyond what can be stored."""
    if len(source) > MAX_DIGITS:
        return source
    if source.lstrip("-").isdigit():
        return int(source)
    value = float(source)
    return value if abs(value) != float("inf") else source
