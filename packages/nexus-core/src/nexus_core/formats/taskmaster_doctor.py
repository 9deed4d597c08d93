"""What is well-formed in a Taskmaster file and still likely a mistake, such as what its own tools leave."""

from __future__ import annotations

from collections.abc import Sequence

from ..domain.tasks import Status
from .model import ParsedTask, Warning_
from .taskmaster_file import FOREIGN_LINKS, MOST_ALIKE, Entry, Group, TaskFile

_REPORT = ("recommendedSubtasks", "expansionPrompt", "complexityReasoning")


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
    of_group: dict[str, list[Entry]] = {}
    for entry in file.entries:
        of_group.setdefault(entry.group.tag, []).append(entry)
    for group in file.groups:
        _habits(file, group, of_group.get(group.tag, []))
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


def _habits(file: TaskFile, group: Group, entries: list[Entry]) -> None:
    """Oddities that fill whole files are told once for each tag."""
    undefined = [entry for entry in entries if entry.node.value.get("parentId") == "undefined"]
    if undefined:
        message = f"parentId is the word “undefined” in {_count(undefined, 'subtask')}, a defect of Taskmaster's"
        done = "ignored; the nesting says which task is the parent"
        file.warn(group.tag, "undefined_parent", message, done, undefined[0].node.start)
    ids = [entry.node.value.get("id") for entry in entries if entry.parent is None]
    if {str, int} <= {type(value) for value in ids if value != ""}:
        message = "the ids of tasks are partly numbers, partly texts"
        file.warn(
            group.tag,
            "mixed_id_types",
            message,
            "read alike; each is kept as it is written",
            group.array.start,
        )
    foreign = [entry for entry in entries if any(name in entry.node.value for name in FOREIGN_LINKS)]
    if foreign:
        message = f"{_count(foreign, 'task')} name others in a way that is not Taskmaster's (such as depends_on)"
        done = "not read as dependencies; kept in the raw data"
        file.warn(group.tag, "foreign_dependencies", message, done, foreign[0].node.start)
    reported = [entry for entry in entries if any(name in entry.node.value for name in _REPORT)]
    if reported:
        message = f"figures of the complexity report were copied into {_count(reported, 'task')}"
        done = "the score is read as the estimate; the rest is kept in the raw data"
        file.warn(group.tag, "report_data", message, done, reported[0].node.start)


def _names(entry: Entry, keys: list[str]) -> list[str]:
    return [key.removeprefix(f"{entry.group.tag}:") for key in keys]


def _several(noun: str, names: list[str]) -> str:
    shown = ", ".join(names[:5]) + (" and more" if len(names) > 5 else "")
    return f"{noun} {shown}" if len(names) == 1 else f"{noun}s {shown}"


def _count(found: Sequence[object], noun: str) -> str:
    return f"{len(found)} {noun}{'' if len(found) == 1 else 's'}"
