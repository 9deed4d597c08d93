"""Standard output for people: aligned tables, colours and signs on a terminal, plain lines elsewhere."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

import click

#: Status -> (sign, colour).
STATUS_SIGNS = {
    "pending": ("○", "white"), "in-progress": ("◐", "cyan"), "review": ("◑", "magenta"), "done": ("●", "green"),
    "blocked": ("■", "red"), "deferred": ("◌", "bright_black"), "cancelled": ("✕", "bright_black"),
    "assigned": ("○", "white"), "working": ("◐", "cyan"), "awaiting-input": ("?", "yellow"),
    "completed": ("●", "green"), "failed": ("✕", "red"), "lost": ("✕", "red"),
    "running": ("◐", "cyan"), "dead": ("✕", "red"),
}  # fmt: skip
PRIORITY_COLOURS = {"critical": "red", "high": "yellow", "low": "bright_black"}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_STYLED = re.compile(r"\x1b\[[0-9;]*m")


def clean(text: str) -> str:
    """The text without what would steer a terminal: titles and reasons come from anybody.

    >>> clean("red\\x1b[31m")
    'red�[31m'
    """
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))


def one_line(text: Any) -> str:
    """The text on one line."""
    return " ".join(clean(str(text)).split())


class Styled(str):
    """Text that was cleaned, and may hold colours of ours."""


class Screen:
    """Where people read."""

    def __init__(self, stream: TextIO, *, is_terminal: bool, has_colour: bool, width: int) -> None:
        self._stream = stream
        self.is_terminal = is_terminal
        self.has_colour = has_colour
        self.width = width

    @classmethod
    def of(cls, stream: TextIO, environ: Mapping[str, str]) -> Screen:
        """The screen over a stream: colour on a terminal, unless NO_COLOR is set or the terminal is dumb."""
        is_terminal = stream.isatty()
        has_colour = is_terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        return cls(stream, is_terminal=is_terminal, has_colour=has_colour, width=shutil.get_terminal_size().columns)

    def line(self, text: str = "") -> None:
        """Write a line, made of cleaned and styled parts."""
        self._stream.write(text + "\n")

    def flush(self) -> None:
        """Have everything shown now."""
        self._stream.flush()

    def style(self, text: Any, **style: Any) -> Styled:
        """The text on one line, cleaned, in a colour where there are colours."""
        cleaned = one_line(text)
        return Styled(click.style(cleaned, **style) if self.has_colour else cleaned)

    def dim(self, text: Any) -> Styled:
        """The text, less bright."""
        return self.style(text, fg="bright_black")

    def bold(self, text: Any) -> Styled:
        """The text, brighter."""
        return self.style(text, bold=True)

    def status(self, status: str) -> Styled:
        """A status, with its sign on a terminal."""
        sign, colour = STATUS_SIGNS.get(status, ("·", "white"))
        return self.style(f"{sign} {status}", fg=colour) if self.is_terminal else self.style(status)

    def priority(self, priority: str) -> Styled:
        """A priority."""
        return self.style(priority, fg=PRIORITY_COLOURS.get(priority))

    def table(self, header: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
        """Write rows: aligned below a header on a terminal, cut to its width; else separated by tabs."""
        cells = [[_cell(value) for value in row] for row in rows]
        if not self.is_terminal:
            for row in cells:
                self.line("\t".join(_STYLED.sub("", cell) for cell in row))
        elif not cells:
            self.line(self.dim(empty))
        else:
            self._aligned([[self.dim(name) for name in header], *cells])

    def _aligned(self, rows: list[list[str]]) -> None:
        widths = [max(_length(row[column]) for row in rows) for column in range(len(rows[0]))]
        # The last column, a title or a text, gives way to the width of the terminal.
        widths[-1] = max(12, min(widths[-1], self.width - sum(widths[:-1]) - 2 * (len(widths) - 1)))
        for row in rows:
            cells = [cell + " " * (width - _length(cell)) for cell, width in zip(row, widths, strict=True)]
            self.line("  ".join([*cells[:-1], _cut(row[-1], widths[-1])]).rstrip())

    def fields(self, rows: Iterable[tuple[str, Any]]) -> None:
        """Write names and values, leaving out those that are empty."""
        shown = [(name, _cell(value)) for name, value in rows if value not in (None, "", (), [], {})]
        width = max((len(name) for name, _ in shown), default=0)
        for name, value in shown:
            self.line(f"{self.dim(name.ljust(width))}  {value}" if self.is_terminal else f"{name}\t{value}")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Styled):
        return value
    return one_line(", ".join(str(item) for item in value) if isinstance(value, list | tuple) else value)


def _length(text: str) -> int:
    return len(_STYLED.sub("", text))


def _cut(text: str, width: int) -> str:
    if _length(text) <= width:
        return text
    return _STYLED.sub("", text)[: width - 1] + "…"


def when(text: str | None) -> str:
    """An instant of the API as people read it: local time, to the second.

    >>> when(None)
    ''
    """
    if not text:
        return ""
    from datetime import datetime

    at = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone()
    return f"{at:%Y-%m-%d %H:%M:%S}"


def stderr_is_terminal() -> bool:
    """Whether progress is worth showing."""
    return sys.stderr.isatty()
