"""JSON Lines: one task a line, a format that a shell script can write, and that says all that Nexus knows of a task."""

from __future__ import annotations

import json

from .jsonl_file import open_lines
from .jsonl_render import new_keys, render
from .jsonl_tasks import read_tasks
from .model import ParsedTasks

NAME = "jsonl"

__all__ = ["NAME", "new_keys", "parse", "recognises", "render"]


def recognises(content: bytes) -> bool:
    """Whether a file looks like JSON Lines of tasks: its first line is an object of its own that has a title."""
    first = content.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0]
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "title" in value and not isinstance(value.get("tasks"), list)


def parse(content: bytes) -> ParsedTasks:
    """Read a file: the task of every line, and a warning for whatever is odd.

    :raises UnreadableFile: with every line that is broken, and why. It is the only error.
    """
    file = open_lines(content)
    return ParsedTasks(format=NAME, layout="lines", tasks=tuple(read_tasks(file)), warnings=tuple(file.warnings))
