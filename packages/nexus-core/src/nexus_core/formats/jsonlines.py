"""JSON Lines: a value on each line that is not empty, with its place, and with what is wrong about every other one."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence

from ..errors import UnreadableFile
from .jsonnode import Node
from .jsonscan import Malformed, Scanner
from .jsontext import ADVICE, JsonText, conflicts, decode, is_storable, read_plain_at, unreadable

MOST_FAULTS = 50
"""Of one file that are told; whoever broke more lines broke them all alike."""
_OPEN = "what begins here does not end on its line; each task is one line"


def read_lines(content: bytes) -> tuple[JsonText, list[tuple[int, str]]]:
    """Read the bytes of a file: an array of what stands on its lines, and what is wrong with others, with its place.

    :raises UnreadableFile: the file as a whole cannot be read
    """
    text = decode(content)
    scanner = Scanner(text)
    is_plain = is_storable(text)
    items: list[Node] = []
    broken: list[tuple[int, str]] = []
    for start, end in _spans(text):
        at = scanner.skip(start)
        if at >= end or len(broken) > MOST_FAULTS:
            continue
        node = read_plain_at(text, at, end) if is_plain else None
        try:
            items.append(node or _step_by_step(scanner, at, end))
        except Malformed as malformed:
            broken.append((malformed.at, malformed.problem))
    if broken and (found := conflicts(text)):
        raise found
    root = Node(kind="array", start=0, end=len(text), value=[item.value for item in items], items=tuple(items))
    repeated, altered = tuple(scanner.repeated), tuple(scanner.altered)
    bom = content.startswith(codecs.BOM_UTF8)
    return JsonText(text=text, bom=bom, root=root, repeated=repeated, altered=altered), broken


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each line begins and ends, without its break."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, end
        start = end + 1


def _step_by_step(scanner: Scanner, at: int, end: int) -> Node:
    """The value that begins here, which must be all that stands on its line. :raises Malformed: it is not"""
    scanner.open.clear()
    try:
        node = scanner.value(at)
    except RecursionError:
        raise Malformed(at, "this is nested too deeply") from None
    except Malformed as malformed:
        if malformed.at <= end or not scanner.text[end:].strip():
            raise
        raise Malformed(at, _OPEN) from None
    if node.end > end:
        raise Malformed(at, _OPEN)
    rest = scanner.skip(node.end)
    if rest < end:
        raise Malformed(rest, "something follows the task on its line; each task is a line of its own")
    return node


def unreadable_lines(text: str, problems: Sequence[tuple[int, str]], advice: str = ADVICE) -> UnreadableFile:
    """The error for several problems at their positions: the message tells the first, the faults tell them all."""
    error, *others = [unreadable(text, at, problem, advice) for at, problem in problems[:MOST_FAULTS]]
    if not others:
        return error
    faults = tuple(fault for one in (error, *others) for fault in one.faults)
    many = f"{len(problems) - 1} more" if len(problems) <= MOST_FAULTS else f"at least {MOST_FAULTS - 1} more"
    lines = list(dict.fromkeys(fault.pointer for fault in faults[1:]))
    places = ", ".join(lines[:5]) + (" …" if len(lines) > 5 else "")
    return UnreadableFile(f"{error.message} And {many}: {places}.", faults=faults, **error.details)
