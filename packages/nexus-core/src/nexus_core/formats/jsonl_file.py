"""A file of JSON Lines, opened: every line with the key by which Nexus knows its task, and what its names mean."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence

import attrs

from .jsonl_fields import MAX_KEY, LineFields, read_line
from .jsonlines import read_lines, unreadable_lines
from .jsontext import JsonText, Node
from .model import Warning_


@attrs.frozen(kw_only=True, eq=False)
class Line:
    """A line that holds a task."""

    node: Node
    number: int  #: of the line, counted from 1
    key: str  #: unique in the file
    fields: LineFields
    is_repeat: bool = False  #: an earlier line says the very same

    @property
    def is_named(self) -> bool:
        """Whether the line says its key itself."""
        return self.fields.external_key is not None


@attrs.frozen(kw_only=True, eq=False)
class Lines:
    """A file with its lines, what names them, and what was odd so far."""

    json: JsonText
    lines: list[Line] = attrs.field(factory=list)
    names: dict[str, Line] = attrs.field(factory=dict)  #: what `parent` and `dependencies` may call a line
    warnings: list[Warning_] = attrs.field(factory=list)

    def warn(self, line: Line, where: str, code: str, message: str, done: str) -> None:
        """Note something odd about a line."""
        place = f"line {line.number}" + (f" / {where}" if where else "")
        self.warnings.append(Warning_(place=place, code=code, message=message, done=done))


def open_lines(content: bytes) -> Lines:
    """Read the bytes of a file.

    :raises UnreadableFile: with every line that is broken
    """
    json, faults = read_lines(content)
    read = [read_line(node, lambda at, said: faults.append((at, said))) for node in json.root.items]
    if faults:
        raise unreadable_lines(json.text, sorted(faults))
    file = Lines(json=json)
    _Namer(file).name(list(zip(json.root.items, read, strict=True)))
    _warn_of_json(file)
    return file


def slug(title: str) -> str:
    """A key made of a title.

    >>> slug("Add a log-in page!"), slug("…")
    ('add-a-log-in-page', 'task')
    """
    return "-".join(re.findall(r"\w+", title.lower()))[:60].strip("-") or "task"


def free(wanted: str, taken: set[str], sign: str) -> str:
    """A key that is not taken, with a number behind it if need be; it is taken then."""
    key, number = wanted[:MAX_KEY], 1
    while key in taken:
        number += 1
        key = f"{wanted[: MAX_KEY - 12]}{sign}{number}"
    taken.add(key)
    return key


class _Namer:
    """Gives every line its key."""

    def __init__(self, file: Lines) -> None:
        self.file = file
        self.taken: set[str] = set()
        self.first: dict[str, Line] = {}  # by the key that a line says, or would have by its title

    def name(self, read: Sequence[tuple[Node, LineFields]]) -> None:
        """Fill the file's lines, those with keys of their own first, lest a title takes one away."""
        made: dict[int, Line] = {}
        for named in (True, False):
            for node, fields in read:
                if (fields.external_key is not None) is named:
                    made[node.start] = self.line(node, fields)
        self.file.lines.extend(made[node.start] for node, _ in read)
        for line in self.file.lines:
            self.file.names.setdefault(line.key, line)
        for line in self.file.lines:
            if line.fields.other_name:
                self.file.names.setdefault(line.fields.other_name, line)

    def line(self, node: Node, fields: LineFields) -> Line:
        """One line with its key."""
        number = self.file.json.line(node.start)
        wanted = fields.external_key or slug(fields.title)
        before = self.first.get(wanted)
        if before is not None and before.node.value == node.value:
            line = Line(node=node, number=number, key=before.key, fields=fields, is_repeat=True)
            self.file.warn(line, "", "repeated_line", f"it says the same as line {before.number}", "counts once")
            return line
        key = free(wanted, self.taken, "#" if fields.external_key else "-")
        line = Line(node=node, number=number, key=key, fields=fields)
        self.first.setdefault(wanted, line)
        self.tell(line, wanted, before)
        return line

    def tell(self, line: Line, wanted: str, before: Line | None) -> None:
        """Warn of a key that is missing or taken."""
        done = f"imported as {line.key}"
        if not line.is_named:
            said = "the line has no external_key, so it is known by its title"
            self.file.warn(line, "", "missing_key", said, done)
        elif before is not None:
            said = f"line {before.number} has the key {wanted[:60]} too"
            self.file.warn(
                line, "external_key", "duplicate_key", said, f"{done}; dependencies on {wanted[:60]} mean the first"
            )


def _warn_of_json(file: Lines) -> None:
    for again in file.json.repeated:
        line = _around(file, again.lost.start)
        said = f"“{again.lost.name[:40]}” stands twice in one object"
        file.warn(line, again.lost.name[:40], "duplicate_name", said, "the last one counts")
    for at in file.json.altered:
        said = "a text holds a NUL or half a character, which no database can store"
        file.warn(_around(file, at), "", "unstorable_text", said, "taken out, or replaced by U+FFFD; kept in the file")


def _around(file: Lines, at: int) -> Line:
    return file.lines[bisect.bisect_right(file.lines, at, key=lambda line: line.node.start) - 1]


def parents_first(lines: Sequence[Line], parent_of: dict[str, str]) -> Iterator[Line]:
    """The lines in their order, but each behind its parent."""
    by_key = {line.key: line for line in lines}
    done: set[str] = set()
    for line in lines:
        chain = [line]
        while (above := parent_of.get(chain[-1].key)) in by_key and above not in done:
            chain.append(by_key[above])
        for one in reversed(chain):
            if one.key not in done:
                done.add(one.key)
                yield one
