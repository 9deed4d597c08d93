"""Edits of JSON text that leave every other byte alone and look like what stands around them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import attrs

from .jsontext import JsonText, Member, Node

_ESCAPED = re.compile(r"\\u(?!00[0-7])[0-9a-fA-F]{4}")
_SURROGATE = re.compile("[\ud800-\udfff]")


@attrs.frozen(kw_only=True)
class Edit:
    """New text for `text[start:end]`."""

    start: int
    end: int
    new: str


@attrs.frozen(kw_only=True)
class Style:
    """How a file is written."""

    eol: str  #: empty for a file on one line
    unit: str  #: one step of indentation
    colon: str
    comma: str  #: between values on one line
    ascii: bool  #: other characters are escaped


def style_of(file: JsonText) -> Style:
    """Find out how a file is written; JSON.stringify's way with two spaces where it does not say."""
    first = file.text.find("\n")
    eol = "" if first < 0 else "\r\n" if file.text[first - 1 : first] == "\r" else "\n"
    step = re.search(r"[\[{]\r?\n([ \t]+)", file.text)
    after = re.search(r'"\s*:([ \t]*)', file.text)
    space = after[1] if after else " "
    return Style(
        eol=eol,
        unit=step[1] if step else "  ",
        colon=f":{space}",
        comma=", " if eol else f",{space}",
        ascii=file.text.isascii() and bool(_ESCAPED.search(file.text)),
    )


def apply(file: JsonText, edits: Iterable[Edit]) -> bytes:
    """The file with the edits, which must not overlap; those at one place come in the order given."""
    pieces: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        pieces += (file.text[at : edit.start], edit.new)
        at = edit.end
    pieces.append(file.text[at:])
    return (b"\xef\xbb\xbf" if file.bom else b"") + "".join(pieces).encode()


class Writer:
    """Writes values into one file, in its style or in a given one."""

    def __init__(self, file: JsonText, style: Style | None = None) -> None:
        self.file = file
        self.style = style or style_of(file)

    def value(self, value: Any, indent: str = "", *, one_line: bool = False) -> str:
        """A value as JSON, its later lines indented."""
        style = self.style
        escape = style.ascii or bool(_SURROGATE.search(json.dumps(value, ensure_ascii=False, default=str)))
        if not style.eol or one_line:
            return json.dumps(value, ensure_ascii=escape, separators=(style.comma, style.colon), default=str)
        separators = (",", style.colon)
        text = json.dumps(value, ensure_ascii=escape, indent=style.unit, separators=separators, default=str)
        return text.replace("\n", style.eol + indent)

    def replace(self, node: Node, value: Any) -> Edit:
        """Another value in the place of one."""
        return Edit(start=node.start, end=node.end, new=self.value(value, self.indent(node.start)))

    def rewrite(self, array: Node, texts: Sequence[str]) -> Edit:
        """Other elements for an array, on one line if its present ones are."""
        source = self.file.source(array)
        if not texts:
            new = "[]"
        elif self.style.eol and ("\n" in source or not array.items):
            inner = self.indent(array.items[0].start) if array.items else self.indent(array.start) + self.style.unit
            new = self.lines(texts, inner, self.indent(array.start))
        else:
            new = f"[{self.style.comma.join(texts)}]"
        return Edit(start=array.start, end=array.end, new=new)

    def change(self, array: Node, removed: Collection[int], added: Sequence[Any]) -> list[Edit]:
        """Elements taken out by their index and others put at the end; those that stay are left as they stand."""
        items = list(enumerate(array.items))
        if all(index in removed for index, _ in items):
            return [self.rewrite(array, [self.value(value) for value in added])]
        edits: list[Edit] = []
        before: Node | None = None
        for index, item in items:
            if index not in removed:
                before = item
            elif before is not None:
                edits.append(Edit(start=array.items[index - 1].end, end=item.end, new=""))
            else:
                edits.append(Edit(start=item.start, end=array.items[index + 1].start, new=""))
        return [*edits, self.append(array, added)] if added else edits

    def lines(self, texts: Iterable[str], inner: str, outer: str) -> str:
        """An array with each element on a line of its own."""
        eol = self.style.eol
        return f"[{eol}{inner}" + f",{eol}{inner}".join(texts) + f"{eol}{outer}]"

    def append(self, array: Node, values: Sequence[Any]) -> Edit:
        """More elements at the end of an array."""
        if not array.items:
            return self.replace(array, list(values))
        last = array.items[-1]
        gap = self.gap(last.start)
        separator = f",{gap}" if gap or not self.style.eol else self.style.comma
        if len(array.items) > 1:
            separator = self.file.text[array.items[-2].end : last.start]
        indent = self.indent(last.start)
        one_line = last.kind == "object" and bool(last.members) and "\n" not in self.file.source(last)
        new = "".join(separator + self.value(value, indent, one_line=one_line) for value in values)
        return Edit(start=last.end, end=last.end, new=new)

    def insert(self, after: Member, name: str, value: Any) -> Edit:
        """A new member of an object, behind another one."""
        gap = self.gap(after.start)
        indent = self.indent(after.start) if "\n" in gap else ""
        if not gap and self.style.comma.endswith(" "):
            gap = " "
        new = f",{gap}{self.value(name)}{self.style.colon}{self.value(value, indent)}"
        return Edit(start=after.node.end, end=after.node.end, new=new)

    def gap(self, at: int) -> str:
        """The white space before a position."""
        start = at
        while start and self.file.text[start - 1] in " \t\r\n":
            start -= 1
        return self.file.text[start:at]

    def indent(self, at: int) -> str:
        """The white space with which the line of a position begins."""
        start = self.file.text.rfind("\n", 0, at) + 1
        found = re.compile(r"[ \t]*").match(self.file.text, start)
        return found[0] if found else ""
