"""The tasks of an opened Taskmaster file."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..clock import from_text
from ..domain.tasks import Priority
from .model import USUAL_FIELDS, ParsedTask
from .taskmaster_fields import MIRRORED, Fields, read_fields
from .taskmaster_file import Entry, TaskFile, nexus_words
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
        **_beyond(entry),
    )


def _beyond(entry: Entry) -> dict[str, Any]:
    """What Taskmaster has no words for, from where Nexus wrote it. What is odd there counts as not said."""
    words = nexus_words(entry.node.value)
    if not words:
        return {}
    score, until, names = (words.get(name) for name in ("complexity_manual", "not_before", "dependencies"))
    return {
        "said": USUAL_FIELDS | {"complexity_manual", "not_before"},
        "complexity_manual": score if type(score) is int and 1 <= score <= 10 else None,
        "not_before": _instant(until),
        "references": tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else (),
    }


def _instant(value: Any) -> datetime | None:
    try:
        return from_text(value) if isinstance(value, str) else None
    except ValueError:
        return None


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
