"""JSON text with the place of every value, to show a fault, or to replace a value and touch nothing else.

The standard library's reader says neither where a value stands nor that a name occurs twice; this one says
both. It accepts exactly what RFC 8259 allows, in UTF-8, nested at most `MAX_DEPTH` deep.
"""

from __future__ import annotations

import bisect
import codecs
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import attrs

from ..errors import Fault, UnreadableFile

MAX_DEPTH = 100  #: levels of nesting; real task files have about eight
MAX_DIGITS = 300  #: a longer number stays text, because neither database nor Taskmaster could count with it
_SHOWN_CONFLICTS = 20
MOST_FAULTS = 50  #: of one file that are told; whoever broke more lines broke them all alike
_ADVICE = "Correct it and import again; nothing was changed"

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LITERAL = re.compile(r"true|false|null")
_WORD = re.compile(r"[A-Za-z0-9_+.-]+")
_CONFLICT = re.compile(r"^<{7}(?!<)(.*)$", re.MULTILINE)
_CONFLICT_END = re.compile(r"^>{7}(?!>).*$", re.MULTILINE)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LITERALS = {"true": True, "false": False, "null": None}


@attrs.frozen(kw_only=True, eq=False)
class Node:
    """A value and where it stands: `text[start:end]` is its source."""

    kind: Literal["object", "array", "string", "number", "literal"]
    start: int
    end: int
    value: Any  #: plain Python; of a name that occurs twice the last counts
    members: tuple[Member, ...] = ()
    items: tuple[Node, ...] = ()

    def get(self, name: str) -> Member | None:
        """The member of an object that counts, or None."""
        return next((member for member in reversed(self.members) if member.name == name), None)


@attrs.frozen(kw_only=True, eq=False)
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


@attrs.frozen(kw_only=True, eq=False)
class JsonText:
    """A file of JSON, read."""

    text: str  #: without the byte order mark
    bom: bool
    root: Node
    repeated: tuple[Repeated, ...]
    altered: tuple[int, ...]  #: where texts stand that lost a NUL or half a surrogate pair in their `value`
    newlines: tuple[int, ...]

    def line(self, at: int) -> int:
        """The line of a position, counted from 1."""
        return bisect.bisect_left(self.newlines, at) + 1

    def source(self, node: Node) -> str:
        """The text of a value as it is written."""
        return self.text[node.start : node.end]


class _Malformed(Exception):
    """Where reading stopped, and why."""

    def __init__(self, at: int, problem: str) -> None:
        super().__init__(problem)
        self.at = at
        self.problem = problem


def unreadable(text: str, at: int, problem: str, advice: str = _ADVICE) -> UnreadableFile:
    """The error for a problem at a position: it names line and column and what to do."""
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    return UnreadableFile(
        f"line {line}, column {column}: {problem}. {advice}.",
        faults=(Fault(f"line {line}", f"column {column}: {problem}"),),
        line=line,
        column=column,
    )


def unreadable_lines(text: str, problems: Sequence[tuple[int, str]], advice: str = _ADVICE) -> UnreadableFile:
    """The error for several problems at their positions: the message tells the first, the faults tell them all."""
    error, *others = [unreadable(text, at, problem, advice) for at, problem in problems[:MOST_FAULTS]]
    if not others:
        return error
    faults = tuple(fault for one in (error, *others) for fault in one.faults)
    many = f"{len(problems) - 1} more" if len(problems) <= MOST_FAULTS else f"at least {MOST_FAULTS - 1} more"
    lines = list(dict.fromkeys(fault.pointer for fault in faults[1:]))
    places = ", ".join(lines[:5]) + (" …" if len(lines) > 5 else "")
    return UnreadableFile(f"{error.message} And {many}: {places}.", faults=faults, **error.details)


def read(content: bytes) -> JsonText:
    """Read JSON from the bytes of a file.

    :raises UnreadableFile: with line and column; it is the only error, whatever the bytes
    """
    text = _decode(content)
    scanner = _Scanner(text)
    try:
        root = scanner.document()
    except _Malformed as malformed:
        raise _conflicts(text) or unreadable(text, malformed.at, malformed.problem) from None
    except RecursionError:  # whoever calls has little stack left
        raise unreadable(text, 0, "this is nested too deeply") from None
    return _json_text(content, text, root, scanner)


def read_lines(content: bytes) -> tuple[JsonText, list[tuple[int, str]]]:
    """Read JSON Lines from the bytes of a file: an array of what stands on its lines, and what is wrong with others.

    :raises UnreadableFile: the file as a whole cannot be read
    """
    text = _decode(content)
    scanner = _Scanner(text)
    items: list[Node] = []
    broken: list[tuple[int, str]] = []
    for start, end in _spans(text):
        at = scanner.skip(start)
        if at < end and len(broken) <= MOST_FAULTS:
            try:
                items.append(scanner.line(at, end))
            except _Malformed as malformed:
                broken.append((malformed.at, malformed.problem))
    if broken and (conflicts := _conflicts(text)):
        raise conflicts
    root = Node(kind="array", start=0, end=len(text), value=[item.value for item in items], items=tuple(items))
    return _json_text(content, text, root, scanner), broken


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each line begins and ends, without its break."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, end
        start = end + 1


def _json_text(content: bytes, text: str, root: Node, scanner: _Scanner) -> JsonText:
    return JsonText(
        text=text,
        bom=content.startswith(codecs.BOM_UTF8),
        root=root,
        repeated=tuple(scanner.repeated),
        altered=tuple(scanner.altered),
        newlines=tuple(found.start() for found in re.finditer("\n", text)),
    )


def clean(text: str) -> str:
    """The text without NUL, and with U+FFFD for half a surrogate pair: what every database can store."""
    return _UNSTORABLE.sub(lambda found: "" if found[0] == "\x00" else "\ufffd", text)


def _decode(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise unreadable("", 0, "the file is in UTF-16", "Save it as UTF-8 and import again; nothing was changed")
    body = content.removeprefix(codecs.BOM_UTF8)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        before = body[: error.start].decode("utf-8", "replace")
        problem = f"the byte 0x{body[error.start]:02x} is not UTF-8"
        advice = "Save the file as UTF-8 and import again; nothing was changed"
        raise unreadable(before, len(before), problem, advice) from None


def _conflicts(text: str) -> UnreadableFile | None:
    """The error for a file with conflict markers of Git, which says more than the first broken line would."""
    found = list(_CONFLICT.finditer(text))
    if not found:
        return None
    faults = []
    for start in found[:_SHOWN_CONFLICTS]:
        end = _CONFLICT_END.search(text, start.end())
        until = f" and ends at line {text.count(chr(10), 0, end.start()) + 1}" if end else ""
        line = text.count("\n", 0, start.start()) + 1
        faults.append(Fault(f"line {line}", f"a merge conflict begins here ({start[1].strip()[:60]}){until}"))
    many = (
        "an unresolved merge conflict" if len(found) == 1 else f"the first of {len(found)} unresolved merge conflicts"
    )
    error = unreadable(text, found[0].start(), many, "Resolve it in Git, then import again; nothing was changed")
    error.faults = tuple(faults)
    return error


class _Scanner:
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
            raise _Malformed(0, "the file is empty")
        root = self.value(start)
        rest = self.skip(root.end)
        if rest != len(self.text):
            raise _Malformed(rest, "the JSON ends before this; something follows that does not belong to it")
        return root

    def line(self, at: int, end: int) -> Node:
        """The value that begins here, which must be all that stands on its line."""
        self.open.clear()
        try:
            node = self.value(at)
        except RecursionError:
            raise _Malformed(at, "this is nested too deeply") from None
        except _Malformed as malformed:
            if malformed.at <= end or not self.text[end:].strip():
                raise
            raise _Malformed(at, "what begins here does not end on its line; each task is one line") from None
        if node.end > end:
            raise _Malformed(at, "what begins here does not end on its line; each task is one line")
        rest = self.skip(node.end)
        if rest < end:
            raise _Malformed(rest, "something follows the task on its line; each task is a line of its own")
        return node

    def skip(self, at: int) -> int:
        """The position behind white space."""
        found = _SPACE.match(self.text, at)
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
            return Node(kind="number", start=at, end=found.end(), value=_number(found[0]))
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
                raise _Malformed(at + error.pos, "this escape is not one of JSON's") from None
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
            raise _Malformed(start, f"this is nested deeper than {MAX_DEPTH} levels; no task file is")
        self.open.append(start)

    def note_repeated(self, node: Node) -> None:
        """Remember each member that a later one of the same name hides."""
        kept = {member.name: member for member in node.members}
        self.repeated += (
            Repeated(owner=node, lost=member, kept=kept[member.name])
            for member in node.members
            if kept[member.name] is not member
        )

    def fault_in_string(self, at: int) -> _Malformed:
        """Say what is wrong with a text that does not end."""
        found = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*').match(self.text, at)
        end = found.end() if found else at
        if end >= len(self.text) - 1:
            return _Malformed(at, "the text that begins here does not end; was the file cut off?")
        if self.text[end] in "\r\n":
            return _Malformed(end, "a line ends inside a text; its closing quote is missing, or the break must be \\n")
        return _Malformed(end, f"a text holds the control character U+{ord(self.text[end]):04X}, which must be escaped")

    def fault(self, at: int, expected: str) -> _Malformed:
        """Say what should stand at a position, and what seems to be wrong there."""
        here = self.text[at : at + 1]
        if not here:
            line = self.text.count("\n", 0, self.open[-1]) + 1 if self.open else 1
            return _Malformed(at, f"the file ends, but what line {line} opens is not closed; was the file cut off?")
        if here in "}]" and self.text[:at].rstrip()[-1:] == ",":
            return _Malformed(at, "there is a comma too many before this")
        if here in "/#":
            return _Malformed(at, "JSON has no comments")
        if here in "'“”":
            return _Malformed(at, "texts stand in straight double quotes")
        if here == "\x00":
            return _Malformed(at, "there is a NUL byte: the file is not text, or not UTF-8")
        if expected.startswith("a comma") and (here in '"{[-' or here.isalnum()):
            return _Malformed(at, "a comma is missing before this")
        word = _WORD.match(self.text, at)
        return _Malformed(at, f"{expected} should stand here, not “{word[0][:20] if word else here}”")


def _number(source: str) -> int | float | str:
    """The number, or its spelling when it is beyond what can be stored."""
    if len(source) > MAX_DIGITS:
        return source
    if source.lstrip("-").isdigit():
        return int(source)
    value = float(source)
    return value if abs(value) != float("inf") else source
