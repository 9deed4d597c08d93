"""Checks of Taskmaster files: what is likely a mistake, and what one of its tools does wrong with.

A new one is a function that yields cases, and an entry in the table below.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from ..domain.findings import Case, Check, Mend, Severity
from .taskmaster_file import FOREIGN_LINKS, Entry
from .taskmaster_links import PROBLEMS
from .taskmaster_opened import Opened, told

_IN_FILE = "Correct it in the file, then import the file again."
_DROP = Mend(name="drop", does="takes them out of the file", edits_file=True)
_WRITE = Mend(name="write", does="writes into the file what Nexus reads", edits_file=True)


def _broken(code: str) -> Callable[[Opened], Iterator[Case]]:
    """The check of dependencies that count for nothing for one reason."""

    def find(opened: Opened) -> Iterator[Case]:
        for entry, link in opened.linked():
            if link.problem == code:
                drop = opened.drop(entry, link)
                message = PROBLEMS[code].format(shown=link.shown)
                yield opened.case(entry, link.at, message=message, edits=(drop,) if drop else ())

    return find


def duplicate_id(opened: Opened) -> Iterator[Case]:
    """The second is out of reach for Taskmaster's tools."""
    taken: dict[str, int] = {}  # the highest number of each list, and then those that were proposed
    for entry in opened.entries:
        siblings = entry.parent.children if entry.parent else entry.group.children
        first = siblings[entry.local]
        if first is not entry:
            owner = entry.parent.key if entry.parent else entry.group.tag
            highest = max((int(local) for local in siblings if local.isascii() and local.isdigit()), default=0)
            taken[owner] = free = 1 + taken.get(owner, highest)
            line = opened.line(first.node.start)
            yield opened.case(entry, message=f"line {line} has another task {entry.id}; {free} is free")


def read_as_task(opened: Opened) -> Iterator[Case]:
    """No sibling has the number, but a task."""
    for entry, link in opened.linked():
        if entry.parent and link.target and not link.target.parent and link.counts and link.shown.isdigit():
            yield opened.case(entry, link.at, message=f"there is no {entry.parent.id}.{link.shown}")


def foreign_dependencies(opened: Opened) -> Iterator[Case]:
    """Some tools write `depends_on` and the like beside Taskmaster's own."""
    for entry in opened.entries:
        name = next((name for name in FOREIGN_LINKS if name in entry.node.value), None)
        if name is not None:
            yield opened.case(entry, message=name)


def _unread(member: str, code: str) -> Callable[[Opened], Iterator[Case]]:
    """The check of words that are none of Taskmaster's."""

    def find(opened: Opened) -> Iterator[Case]:
        for warning in opened.file.warnings:
            entry = opened.around(warning.at) if warning.code == code and warning.at is not None else None
            if entry is not None:
                taken = str(getattr(opened.tasks[entry.key], member))
                edits = opened.write(entry, member, json.dumps(taken))
                yield opened.case(entry, warning.at, message=warning.message, edits=edits)

    return find


def unusual_status(opened: Opened) -> Iterator[Case]:
    """It is understood, but spelled as not all of Taskmaster's tools take it."""
    unknown = {case.key for case in told("unknown_status")(opened)}
    for entry in opened.entries:
        word, taken = entry.node.value.get("status"), str(opened.tasks[entry.key].status)
        if isinstance(word, str) and word != taken and entry.key not in unknown:
            edits = opened.write(entry, "status", json.dumps(taken))
            yield opened.case(entry, message=f"“{word[:40]}” for {taken}", edits=edits)


def odd_ids(opened: Opened) -> Iterator[Case]:
    """Taskmaster's commands take numbers, and names such as HAM-1."""
    for entry in opened.entries:
        if not _is_plain(entry):
            yield opened.case(entry, message=f"“{str(entry.node.value.get('id'))[:40]}”")


def _is_plain(entry: Entry) -> bool:
    value = entry.node.value.get("id")
    if entry.parent is None:
        allowed = r"[0-9]+|[A-Za-z]{3}-?[0-9]+"
    else:
        allowed = rf"({re.escape(entry.parent.id)}\.)?[0-9]+"
    return value is None or (isinstance(value, str | int) and bool(re.fullmatch(allowed, str(value).strip())))


_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

FOREIGN_DEPENDENCIES = Check(
    code="foreign_dependencies", severity=_WARNING, find=foreign_dependencies,
    one="a task names others in a way that is not Taskmaster's",
    many="{count} tasks name others in a way that is not Taskmaster's",
    meanwhile="it does not block",
    advice="Write them into `dependencies`, then import the file again; or use `nexus task depend`.",
)  # fmt: skip

CHECKS: tuple[Check, ...] = (
    Check(
        code="duplicate_id", severity=_ERROR, find=duplicate_id,
        one="a task has the id of another", many="{count} tasks have the id of another",
        meanwhile="kept apart; a dependency on that id means the first. Taskmaster only ever finds the first",
        advice="Give it an id of its own in the file, then import the file again.",
    ),
    Check(
        code="missing_id", severity=_ERROR, find=told("missing_id"),
        one="a task has no id", many="{count} tasks have no id", advice=_IN_FILE,
    ),
    Check(
        code="not_a_task", severity=_ERROR, find=told("not_a_task"),
        one="an entry of the list is no task", many="{count} entries of the list are no tasks", advice=_IN_FILE,
    ),
    Check(
        code="odd_tag", severity=_ERROR, find=told("odd_tag"),
        one="the tasks of a tag cannot be read", many="the tasks of {count} tags cannot be read", advice=_IN_FILE,
    ),
    Check(
        code="odd_subtasks", severity=_ERROR, find=told("odd_subtasks"),
        one="the subtasks of a task cannot be read", many="the subtasks of {count} tasks cannot be read",
        advice=_IN_FILE,
    ),
    Check(
        code="mixed_layout", severity=_WARNING, find=told("mixed_layout"),
        one="the file has tasks at the top and in tags", many="the file has tasks at the top and in tags",
        advice="Move the tasks at the top into a tag, then import the file again.",
    ),
    Check(
        code="dangling_dependency", severity=_WARNING, find=_broken("dangling_dependency"),
        one="a dependency names a task that does not exist", many="{count} dependencies name tasks that do not exist",
        meanwhile="it does not block; Taskmaster never offers such a task",
        advice="Or correct the number in the file, then import the file again.",
        mends=(_DROP,),
    ),
    Check(
        code="odd_dependency", severity=_WARNING, find=_broken("odd_dependency"),
        one="a dependency is no id", many="{count} dependencies are no ids",
        meanwhile="it does not block", advice="Or correct it in the file, then import the file again.", mends=(_DROP,),
    ),
    Check(
        code="odd_dependencies", severity=_WARNING, find=told("odd_dependencies"),
        one="the dependencies of a task are no list", many="the dependencies of {count} tasks are no lists",
        advice=_IN_FILE,
    ),
    Check(
        code="self_dependency", severity=_WARNING, find=_broken("self_dependency"),
        one="a task depends on itself", many="{count} tasks depend on themselves",
        meanwhile="it does not block; Taskmaster never offers such a task",
        advice="Or correct the number in the file, then import the file again.",
        mends=(Mend(name="drop", does="takes them out of the file", automatic=True, edits_file=True),),
    ),
    Check(
        code="parent_dependency", severity=_WARNING, find=_broken("parent_dependency"),
        one="a subtask depends on the task that it is part of",
        many="{count} subtasks depend on the tasks that they are part of",
        meanwhile="it does not block, for the task waits for its subtasks",
        advice="Or correct the number in the file, then import the file again.",
        mends=(_DROP,),
    ),
    Check(
        code="read_as_task", severity=_WARNING, find=read_as_task,
        one="a subtask depends on a bare number that no sibling has",
        many="{count} dependencies of subtasks are bare numbers that no sibling has",
        meanwhile="taken for the task of that number; Taskmaster's `next` looks for a sibling, and never offers it",
        advice="See whether the task is meant. If not, correct the number in the file, then import the file again.",
    ),
    FOREIGN_DEPENDENCIES,
    Check(
        code="unknown_status", severity=_WARNING, find=_unread("status", "unknown_status"),
        one="a task has a status that does not exist", many="{count} tasks have a status that does not exist",
        meanwhile="read as pending", advice="Or set the status that is meant with `nexus task status`.",
        mends=(_WRITE,),
    ),
    Check(
        code="unknown_priority", severity=_WARNING, find=_unread("priority", "unknown_priority"),
        one="a task has a priority that does not exist", many="{count} tasks have a priority that does not exist",
        meanwhile="read as medium", advice="Or set the priority that is meant with `nexus task edit`.",
        mends=(_WRITE,),
    ),
    Check(
        code="missing_title", severity=_WARNING, find=told("missing_title"),
        one="a task has no title", many="{count} tasks have no title", advice=_IN_FILE,
    ),
    Check(
        code="nested_subtasks", severity=_WARNING, find=told("nested_subtasks"),
        one="a subtask has subtasks", many="{count} subtasks have subtasks",
        meanwhile="read as tasks below it; Taskmaster knows one level",
        advice="Move them one level up in the file, then import the file again.",
    ),
    Check(
        code="duplicate_key", severity=_WARNING, find=told("duplicate_key"),
        one="a name stands twice in one object", many="{count} names stand twice in one object",
        advice="Take the wrong one out of the file, then import the file again.",
    ),
    Check(
        code="odd_ids", severity=_WARNING, find=odd_ids,
        one="an id is no whole number", many="{count} ids are no whole numbers",
        meanwhile="read as it is written; Taskmaster's commands refuse it, or take 30.10 for 30.1",
        advice="Give whole numbers in the file, if you use Taskmaster's commands.",
    ),
    Check(
        code="unusual_status", severity=_NOTE, find=unusual_status,
        one="a status is spelled in a way that not all of Taskmaster's tools know",
        many="{count} statuses are spelled in a way that not all of Taskmaster's tools know",
        mends=(Mend(name="write", does="writes the usual words into the file", automatic=True, edits_file=True),),
    ),
    Check(
        code="duplicate_dependency", severity=_NOTE, find=_broken("duplicate_dependency"),
        one="a dependency is named twice", many="{count} dependencies are named twice",
        meanwhile="counts once",
        mends=(Mend(name="drop", does="takes the second one out of the file", automatic=True, edits_file=True),),
    ),
    Check(
        code="subtask_dependency", severity=_NOTE, find=_broken("subtask_dependency"),
        one="a task depends on its own subtask", many="{count} dependencies are on own subtasks",
        meanwhile="a task waits for its subtasks anyway",
    ),
    Check(
        code="odd_title", severity=_NOTE, find=told("odd_title"),
        one="a title is no text", many="{count} titles are no texts", advice=_IN_FILE,
    ),
    Check(
        code="long_title", severity=_NOTE, find=told("long_title"),
        one="a title is too long to be shown", many="{count} titles are too long to be shown",
        meanwhile="cut off in Nexus, whole in the file", advice=_IN_FILE,
    ),
    Check(
        code="odd_text", severity=_NOTE, find=told("odd_text"),
        one="a field is no text", many="{count} fields are no texts", advice=_IN_FILE,
    ),
    Check(
        code="odd_labels", severity=_NOTE, find=told("odd_labels"),
        one="labels of a task are no texts", many="labels of {count} tasks are no texts", advice=_IN_FILE,
    ),
    Check(
        code="odd_complexity", severity=_NOTE, find=told("odd_complexity"),
        one="a complexity is not between 1 and 10", many="{count} complexities are not between 1 and 10",
        advice=_IN_FILE,
    ),
    Check(
        code="unstorable_text", severity=_NOTE, find=told("unstorable_text"),
        one="a text holds what no database can store", many="{count} texts hold what no database can store",
        advice=_IN_FILE,
    ),
)  # fmt: skip
