"""JSON text with the place of every value, to show a fault, or to replace a value and touch nothing else.

The standard library's reader says neither where a value stands nor that a name occurs twice; this one says
both. It accepts exactly what RFC 8259 allows, in UTF-8, nested at most `MAX_DEPTH` deep.
"""

from __future__ import annotations

import bisect
import codecs
import json
import re
from functools import cached_property
from typing import Any

import attrs

from ..errors import Fault, UnreadableFile
from .jsonnode import SPACE, Member, Node, Repeated, node_at
from .jsonscan import MAX_DEPTH, Malformed, Scanner, clean, number, whole

__all__ = ["MAX_DEPTH", "JsonText", "Member", "Node", "Repeated", "clean", "read", "unreadable"]

_SHOWN_CONFLICTS = 20
ADVICE = "Correct it and import again; nothing was changed"

_CONFLICT = re.compile(r"^<{7}(?!<)(.*)$", re.MULTILINE)
_CONFLICT_END = re.compile(r"^>{7}(?!>).*$", re.MULTILINE)
_UNSTORABLE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


@attrs.frozen(kw_only=True, eq=False)
class JsonText:
    """A file of JSON, read."""

    text: str  #: without the byte order mark
    bom: bool
    root: Node
    repeated: tuple[Repeated, ...] = ()
    altered: tuple[int, ...] = ()  #: where texts stand that lost a NUL or half a surrogate pair in their `value`

    @cached_property
    def newlines(self) -> list[int]:
        """Where the lines end."""
        return [found.start() for found in re.finditer("\n", self.text)]

    def line(self, at: int) -> int:
        """The line of a position, counted from 1."""
        return bisect.bisect_left(self.newlines, at) + 1

    def source(self, node: Node) -> str:
        """The text of a value as it is written."""
        return self.text[node.start : node.end]


def unreadable(text: str, at: int, problem: str, advice: str = ADVICE) -> UnreadableFile:
    """The error for a problem at a position: it names line and column and what to do."""
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    return UnreadableFile(
        f"line {line}, column {column}: {problem}{'' if problem.endswith('?') else '.'} {advice}.",
        faults=(Fault(f"line {line}", f"column {column}: {problem}"),),
        line=line,
        column=column,
    )


def read(content: bytes) -> JsonText:
    """Read JSON from the bytes of a file.

    :raises UnreadableFile: with line and column; it is the only error, whatever the bytes
    """
    text = decode(content)
    bom = content.startswith(codecs.BOM_UTF8)
    if (root := _read_plain(text)) is not None:
        return JsonText(text=text, bom=bom, root=root)
    scanner = Scanner(text)
    try:
        root = scanner.document()
    except Malformed as malformed:
        raise conflicts(text) or unreadable(text, malformed.at, malformed.problem) from None
    except RecursionError:  # whoever calls has little stack left
        raise unreadable(text, 0, "this is nested too deeply") from None
    return JsonText(text=text, bom=bom, root=root, repeated=tuple(scanner.repeated), altered=tuple(scanner.altered))


# The quick way
# -------------


class _Unusual(ValueError):
    """Something for the reader that goes step by step."""


def _read_plain(text: str) -> Node | None:
    """The root of a text about which nothing is odd; None for all others, faulty ones included."""
    if not is_storable(text):
        return None
    found = SPACE.match(text)
    start = found.end() if found else 0
    try:
        value, end = _load(text, start)
    except (ValueError, RecursionError):
        return None
    rest = SPACE.match(text, end)
    if (rest.end() if rest else end) != len(text) or _is_deep(value):
        return None
    return node_at(text, start, value, end)


def read_plain_at(text: str, start: int, end: int) -> Node | None:
    """The value that fills a text from a position to another, when nothing is odd about it; else None."""
    try:
        value, at = _load(text, start)
    except (ValueError, RecursionError):
        return None
    return None if at > end or text[at:end].strip(" \t\r") or _is_deep(value) else node_at(text, start, value, at)


def is_storable(text: str) -> bool:
    """Whether no text in it has an escape that means nothing that a database can store."""
    return not _UNSTORABLE.search(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Unusual
    return value


def _constant(name: str) -> Any:
    raise _Unusual(name)


#: The standard library's reader, in C: the value that begins at a position, and where it ends.
_load = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=whole, parse_float=number, parse_constant=_constant
).raw_decode


def _is_deep(value: Any) -> bool:
    """Whether a value is nested deeper than is allowed."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if type(inner) in (dict, list)
        ]
        if not level:
            return False
    return True


# What cannot be read
# -------------------


def decode(content: bytes) -> str:
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


def conflicts(text: str) -> UnreadableFile | None:
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
    if len(found) > _SHOWN_CONFLICTS:
        line = text.count("\n", 0, found[_SHOWN_CONFLICTS].start()) + 1
        faults.append(Fault(f"line {line}", f"here begins the next of {len(found) - _SHOWN_CONFLICTS} more"))
    many = (
        "an unresolved merge conflict" if len(found) == 1 else f"the first of {len(found)} unresolved merge conflicts"
    )
    error = unreadable(text, found[0].start(), many, "Resolve it in Git, then import again; nothing was changed")
    error.faults = tuple(faults)
    return error
