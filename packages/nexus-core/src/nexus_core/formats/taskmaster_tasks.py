"""The tasks of an opened Taskmaster file."""

from __future__ import annotations

from ..domain.tasks import Priority
from .model import ParsedTask
from .taskmaster_fields import MIRRORED, Fields, read_fields
from .taskmaster_file import Entry, TaskFile
from .taskmaster_links import links, warn_of_links


def read_tasks(file: TaskFile) -> list[ParsedTask]:
    """Every entry as a task, in the order of the file, with warnings added to the file."""
    priorities: dict[str, Priority] = {}
    return [_read_task(file, entry, priorities) for entry in file.entries]


def _read_task(file: TaskFile, entry: Entry, priorities: dict[str, Priority]) -> ParsedTask:
    fields = read_fields(entry.node, f"Task {entry.id}")
    _warn_of_fields(file, entry, fields)
    found = links(file, entry)
    warn_of_links(file, entry, found)
    # A subtask without a priority has its parent's, as when Taskmaster looks for the next one.
    inherited = priorities[entry.parent.key] if entry.parent else Priority.MEDIUM
    priorities[entry.key] = fields.priority or inherited
    return ParsedTask(
        external_key=entry.key,
        parent_key=entry.parent.key if entry.parent else None,
        title=fields.title,
        status=fields.status,
        priority=priorities[entry.key],
        raw_data=_raw(entry),
        description=fields.description,
        details=fields.details,
        test_strategy=fields.test_strategy,
        labels=fields.labels,
        dependencies=tuple(link.target.key for link in found if link.target and link.counts),
        complexity_auto=fields.complexity,
        mirrored=MIRRORED,
    )


def _raw(entry: Entry) -> dict[str, object]:
    """The object as it was, without the subtasks, which are tasks of their own."""
    value = entry.node.value
    imported = isinstance(value.get("subtasks"), list)
    return {name: inner for name, inner in value.items() if not (imported and name == "subtasks")}


def _warn_of_fields(file: TaskFile, entry: Entry, fields: Fields) -> None:
    for problem in fields.problems:
        member = entry.node.get(problem.field)
        at = member.start if member else entry.node.start
        file.warn(f"{entry.place} / {problem.field}", problem.code, problem.message, problem.done, at)
