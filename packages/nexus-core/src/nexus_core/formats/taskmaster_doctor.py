"""What is well-formed in a Taskmaster file and still likely a mistake, such as what its own tools leave."""

from __future__ import annotations

from collections.abc import Sequence

from ..domain.tasks import Status
from .model import ParsedTask, Warning_
from .taskmaster_file import MOST_ALIKE, Entry, TaskFile
from .taskmaster_habits import MIXED_ID_TYPES, REPORT_DATA, UNDEFINED_PARENT
from .taskmaster_mistakes import FOREIGN_DEPENDENCIES
from .taskmaster_opened import Opened


def examine(file: TaskFile, tasks: Sequence[ParsedTask]) -> None:
    """Add a warning to the file for each likely mistake."""
    by_key = {task.external_key: task for task in tasks}
    unfinished: dict[str, list[str]] = {}
    for task in tasks:
        if task.parent_key is not None and not task.status.is_closed:
            unfinished.setdefault(task.parent_key, []).append(task.external_key)
    for entry, task in zip(file.entries, tasks, strict=True):
        if task.status is Status.DONE:
            _done_too_early(file, entry, task, by_key, unfinished.get(entry.key, []))
        elif task.status is not Status.CANCELLED:
            _odd_blockers(file, entry, task, by_key)
    opened = Opened.of(file, tasks)
    for tag in opened.tags:
        _habits(file, opened.of_tag(tag), tag)
    for code, number in file.counts.items():
        if number > MOST_ALIKE:
            message = f"there are {number - MOST_ALIKE} more of the kind {code}, which are not listed"
            file.warnings.append(Warning_(place="file", code=code, message=message, done="as for the others"))


def _done_too_early(
    file: TaskFile, entry: Entry, task: ParsedTask, by_key: dict[str, ParsedTask], unfinished: list[str]
) -> None:
    if unfinished:
        message = f"it is done, but not its {_several('subtask', _names(entry, unfinished))}"
        file.warn(entry.place, "done_with_open_subtasks", message, "imported as it is", entry.node.start)
    waiting = [key for key in task.dependencies if not by_key[key].status.is_closed]
    if waiting:
        message = f"it is done, but not what it depends on: {_several('task', _names(entry, waiting))}"
        file.warn(entry.place, "done_before_dependency", message, "imported as it is", entry.node.start)


def _odd_blockers(file: TaskFile, entry: Entry, task: ParsedTask, by_key: dict[str, ParsedTask]) -> None:
    for key in task.dependencies:
        (name,) = _names(entry, [key])
        if by_key[key].status is Status.CANCELLED:
            message = f"it depends on {name}, which is cancelled; Taskmaster would never offer it"
            done = "a cancelled dependency counts as satisfied"
            file.warn(entry.place, "cancelled_dependency", message, done, entry.node.start)
        elif by_key[key].status is Status.DEFERRED:
            message = f"it depends on {name}, which is deferred"
            file.warn(entry.place, "deferred_dependency", message, "it waits until that is done", entry.node.start)


def _habits(file: TaskFile, opened: Opened, tag: str) -> None:
    """Oddities that fill whole files are told once for each tag."""
    for check in (UNDEFINED_PARENT, MIXED_ID_TYPES, FOREIGN_DEPENDENCIES, REPORT_DATA):
        if cases := list(check.find(opened)):
            line = f", line {cases[0].line}"
            message = check.message(len(cases))
            file.warnings.append(Warning_(place=tag + line, code=check.code, message=message, done=check.meanwhile))


def _names(entry: Entry, keys: list[str]) -> list[str]:
    return [key.removeprefix(f"{entry.group.tag}:") for key in keys]


def _several(noun: str, names: list[str]) -> str:
    shown = ", ".join(names[:5]) + (" and more" if len(names) > 5 else "")
    return f"{noun} {shown}" if len(names) == 1 else f"{noun}s {shown}"
