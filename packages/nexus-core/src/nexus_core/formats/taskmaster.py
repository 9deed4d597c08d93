"""Taskmaster's `tasks.json`: read from any layout in the wild, written back with only the changes changed."""

from __future__ import annotations

from .complexity_report import parse as parse_report
from .complexity_report import tag_of
from .model import ParsedTasks
from .taskmaster_checkup import DOCTOR
from .taskmaster_doctor import examine
from .taskmaster_file import open_file
from .taskmaster_render import new_keys, render
from .taskmaster_tasks import read_tasks

NAME = "taskmaster"

__all__ = ["DOCTOR", "NAME", "location_candidates", "new_keys", "parse", "parse_report", "render", "tag_of"]


def parse(content: bytes) -> ParsedTasks:
    """Read a file: every task and subtask, and a warning for whatever is odd.

    Keys are `tag:id`, such as `master:3.2`; a second task with the same id gets `#2` behind its
    key. Cycles are left in.

    :raises UnreadableFile: it is not JSON, or not Taskmaster's; with the line. It is the only error.
    """
    file = open_file(content)
    tasks = read_tasks(file)
    examine(file, tasks)
    return ParsedTasks(format=NAME, layout=file.layout, tasks=tuple(tasks), warnings=tuple(file.warnings))


def location_candidates() -> tuple[str, ...]:
    """The paths at which a repository keeps the file, the likeliest first."""
    return (".taskmaster/tasks/tasks.json", "tasks/tasks.json", "tasks.json")
