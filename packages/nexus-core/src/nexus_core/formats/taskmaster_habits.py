"""Checks of Taskmaster files: habits that fill whole files, and where its own tools disagree. Work goes on anyway.

A new one is a function that yields cases, and an entry in the table below.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

import attrs

from ..domain.findings import Case, Check, FileMend, Mend, Severity
from ..domain.tasks import Priority, Status
from .taskmaster_fields import id_text
from .taskmaster_file import Entry
from .taskmaster_links import Link, find
from .taskmaster_opened import Opened

_REPORT = ("recommendedSubtasks", "expansionPrompt", "complexityReasoning")
_PLACEHOLDER = "Automatically added due to missing analysis"
_TASK_FIELDS = ("description", "details", "testStrategy", "status", "priority", "dependencies", "subtasks")
_SUBTASK_FIELDS = ("description", "details", "status", "dependencies")
_SAVED_BY_CORE = {"lastModified", "taskCount"}
_LEGACY_METADATA = {"created", "description"}


# Ids ------------------------------------------------------------------------------------------------------------------


def undefined_parent(opened: Opened) -> Iterator[Case]:
    """A defect of Taskmaster's: it writes the word where it knows no parent."""
    for entry in opened.entries:
        if entry.parent is not None and entry.node.value.get("parentId") == "undefined":
            yield opened.case(entry, edits=opened.write(entry, "parentId", json.dumps(entry.parent.id)))


def _tasks_by_type(opened: Opened) -> tuple[list[Entry], list[Entry]]:
    """The tasks whose ids are texts, and those whose ids are numbers."""
    tops = [entry for entry in opened.entries if entry.parent is None]
    texts = [entry for entry in tops if isinstance(word := entry.node.value.get("id"), str) and word.strip()]
    return texts, [entry for entry in tops if isinstance(entry.node.value.get("id"), int)]


def mixed_id_types(opened: Opened) -> Iterator[Case]:
    """Its two code bases write either."""
    for tag in opened.tags:
        texts, numbers = _tasks_by_type(opened.of_tag(tag))
        if texts and numbers:
            few, kind = (texts, "texts") if len(texts) <= len(numbers) else (numbers, "numbers")
            yield from (opened.case(entry, message=f"among {kind}") for entry in few)


def text_ids(opened: Opened) -> Iterator[Case]:
    """As one of its code bases writes them."""
    for tag in opened.tags:
        texts, numbers = _tasks_by_type(opened.of_tag(tag))
        if not numbers:
            yield from (opened.case(entry) for entry in texts if entry.local.isdigit())


def dotted_ids(opened: Opened) -> Iterator[Case]:
    """Written in full, where Taskmaster writes the number within the parent."""
    for entry in opened.entries:
        value = entry.node.value.get("id")
        if entry.parent is not None and isinstance(value, str) and value.strip() != entry.local and "." in value:
            yield opened.case(entry)


def id_gaps(opened: Opened) -> Iterator[Case]:
    """Taskmaster leaves them when a task is removed."""
    for group in opened.file.groups:
        numbers = sorted(int(local) for local in group.children if local.isascii() and local.isdigit())
        gaps = [(low + 1, high - 1) for low, high in pairwise(numbers) if high > low + 1]
        if gaps:
            shown = ", ".join(str(low) if low == high else f"{low} to {high}" for low, high in gaps[:5])
            more = " and more" if len(gaps) > 5 else ""
            yield Case(line=opened.line(group.array.start), message=f"tag {group.tag}: {shown}{more}")


# Dependencies ---------------------------------------------------------------------------------------------------------


def ambiguous_dependency(opened: Opened) -> Iterator[Case]:
    """A bare number on a subtask: part of Taskmaster takes it for a sibling, part for a task."""
    for entry, link in opened.linked():
        target = link.target
        if _is_bare(link) and link.counts and target and target.parent and target.local in entry.group.children:
            edits = _in_full(opened, entry, link, target)
            yield opened.case(entry, link.at, message=f"{link.shown} for {target.id}", edits=edits)


def _in_full(opened: Opened, entry: Entry, link: Link, target: Entry) -> tuple[FileMend, ...]:
    """The edit that writes a dependency in full, if it is read as the same then."""
    text = json.dumps(target.id)
    edit = opened.drop(entry, link)
    if edit is None or find(entry, id_text(target.id) or "") is not target:
        return ()
    return (attrs.evolve(edit, now=text),)


def _is_bare(link: Link) -> bool:
    return link.shown.isascii() and link.shown.isdigit()


def text_dependencies(opened: Opened) -> Iterator[Case]:
    """As one of its code bases writes them."""
    for entry, link in opened.linked():
        if link.item is not None and link.item.kind == "string" and _is_bare(link):
            yield opened.case(entry, link.at)


def dotted_dependencies(opened: Opened) -> Iterator[Case]:
    """The clearest way; some of its tools still expect the bare number."""
    for entry, link in opened.linked():
        if entry.parent and link.target and link.target.parent is entry.parent and "." in link.shown:
            yield opened.case(entry, link.at)


def cross_dependencies(opened: Opened) -> Iterator[Case]:
    """Subtasks that wait for parts of other tasks."""
    for entry, link in opened.linked():
        if entry.parent and link.target and link.target.parent and link.target.parent is not entry.parent:
            yield opened.case(entry, link.at, message=f"on {link.target.id}")


def next_disagrees(opened: Opened) -> Iterator[Case]:
    """`list --ready` takes review for ready and cancelled for done; `next` does neither."""
    for entry in opened.entries:
        status = opened.tasks[entry.key].status
        if entry.parent is not None or status not in (Status.PENDING, Status.IN_PROGRESS, Status.REVIEW):
            continue
        targets = [link.target for link in opened.links.get(entry.key, ())]
        behind = [opened.tasks[target.key].status for target in targets if target is not None]
        if len(behind) < len(targets) or not all(one.is_closed for one in behind):
            continue
        if status is Status.REVIEW:
            yield opened.case(entry, message="it is in review")
        elif Status.CANCELLED in behind:
            yield opened.case(entry, message="it depends on a cancelled task")


def critical_priority(opened: Opened) -> Iterator[Case]:
    """Only one of its code bases knows the word."""
    for entry in opened.entries:
        if entry.node.value.get("priority") is not None and opened.tasks[entry.key].priority is Priority.CRITICAL:
            yield opened.case(entry)


# Fields ---------------------------------------------------------------------------------------------------------------


def missing_fields(opened: Opened) -> Iterator[Case]:
    """Each field that some tasks lack."""
    for noun, names, entries in (
        ("task", _TASK_FIELDS, [entry for entry in opened.entries if entry.parent is None]),
        ("subtask", _SUBTASK_FIELDS, [entry for entry in opened.entries if entry.parent is not None]),
    ):
        for name in names:
            lacking = [entry for entry in entries if not _has(entry, name)]
            if lacking:
                words = f"{len(lacking)} {noun}{'' if len(lacking) == 1 else 's'}"
                yield Case(line=opened.line(lacking[0].node.start), message=f"{name} of {words}")


def _has(entry: Entry, name: str) -> bool:
    also = {"testStrategy": "test_strategy"}.get(name, name)
    return name in entry.node.value or also in entry.node.value


def report_data(opened: Opened) -> Iterator[Case]:
    """One of its code bases copies them when it saves."""
    for entry in opened.entries:
        if any(name in entry.node.value for name in _REPORT):
            yield opened.case(entry)


def placeholder_complexity(opened: Opened) -> Iterator[Case]:
    """Taskmaster fills in a 5 where the analysis forgot a task."""
    for entry in opened.entries:
        if str(entry.node.value.get("complexityReasoning", "")).startswith(_PLACEHOLDER):
            yield opened.case(entry)


def metadata_overwritten(opened: Opened) -> Iterator[Case]:
    """One of its code bases replaces what the other wrote."""
    root = opened.file.json.root
    holders = [(member.name, member.node.get("metadata")) for member in root.members if member.node.get("tasks")]
    for tag, member in [*holders, ("master", root.get("metadata"))]:
        names = member.node.value if member and member.node.kind == "object" else {}
        if member and names.keys() >= _SAVED_BY_CORE and _LEGACY_METADATA.isdisjoint(names):
            yield Case(line=opened.line(member.start), message=f"tag {tag[:40]}")


UNDEFINED_PARENT = Check(
    code="undefined_parent", severity=Severity.NOTE, find=undefined_parent,
    one="parentId is the word “undefined” in 1 subtask, a defect of Taskmaster's",
    many="parentId is the word “undefined” in {count} subtasks, a defect of Taskmaster's",
    meanwhile="ignored; the nesting says which task is the parent",
    mends=(Mend(name="write", does="writes the parent's id into the file", automatic=True, edits_file=True),),
)  # fmt: skip

REPORT_DATA = Check(
    code="report_data", severity=Severity.NOTE, find=report_data,
    one="figures of the complexity report were copied into 1 task",
    many="figures of the complexity report were copied into {count} tasks",
    meanwhile="the score is read as the estimate; the rest is kept in the raw data",
)  # fmt: skip

MIXED_ID_TYPES = Check(
    code="mixed_id_types", severity=Severity.NOTE, find=mixed_id_types,
    one="the ids of tasks are partly numbers, partly texts: 1 differs",
    many="the ids of tasks are partly numbers, partly texts: {count} differ",
    meanwhile="read alike; each is kept as it is written",
)  # fmt: skip

CHECKS: tuple[Check, ...] = (
    UNDEFINED_PARENT,
    Check(
        code="ambiguous_dependency", severity=Severity.NOTE, find=ambiguous_dependency,
        one="a dependency of a subtask is a bare number that a sibling and a task have",
        many="{count} dependencies of subtasks are bare numbers that a sibling and a task have",
        meanwhile="read as the sibling, as Taskmaster's `next` does; its `validate-dependencies` takes it for the task",
        mends=(Mend(name="write", does="writes them in full, such as 5.1, as all tools take alike", edits_file=True),),
    ),
    Check(
        code="next_disagrees", severity=Severity.NOTE, find=next_disagrees,
        one="Taskmaster's `list --ready` shows a task that its `next` never offers",
        many="Taskmaster's `list --ready` shows {count} tasks that its `next` never offers",
        meanwhile="Nexus does as `next`, but a cancelled dependency counts as satisfied",
    ),
    Check(
        code="critical_priority", severity=Severity.NOTE, find=critical_priority,
        one="a task is critical, which Taskmaster's MCP server ranks as medium",
        many="{count} tasks are critical, which Taskmaster's MCP server ranks as medium",
        meanwhile="comes before high in Nexus",
        advice="If you use that server, write high in the file, then import the file again.",
    ),
    Check(
        code="placeholder_complexity", severity=Severity.NOTE, find=placeholder_complexity,
        one="the complexity of a task stands for a missing analysis",
        many="the complexities of {count} tasks stand for missing analyses",
        meanwhile="taken as unscored, so Nexus estimates it",
        advice="Give a complexity with `nexus task edit`, or have Taskmaster analyse them.",
    ),
    REPORT_DATA,
    Check(
        code="metadata_overwritten", severity=Severity.NOTE, find=metadata_overwritten,
        one="Taskmaster overwrote the metadata of a tag: when it was created, and its description",
        many="Taskmaster overwrote the metadata of {count} tags: when they were created, and their descriptions",
        advice="If you miss them, they stand in an older version in Git.",
    ),
    MIXED_ID_TYPES,
    Check(
        code="text_ids", severity=Severity.NOTE, find=text_ids,
        one="the id of a task is a text", many="the ids of {count} tasks are texts",
        meanwhile="read as numbers",
    ),
    Check(
        code="dotted_ids", severity=Severity.NOTE, find=dotted_ids,
        one="the id of a subtask is written in full", many="the ids of {count} subtasks are written in full",
        meanwhile="3.2 is read as subtask 2 of task 3",
    ),
    Check(
        code="id_gaps", severity=Severity.NOTE, find=id_gaps,
        one="numbers of tasks are left out", many="numbers of tasks are left out in {count} tags",

    ),
    Check(
        code="text_dependencies", severity=Severity.NOTE, find=text_dependencies,
        one="a dependency is a number written as text", many="{count} dependencies are numbers written as texts",
        meanwhile="read as numbers",
    ),
    Check(
        code="dotted_dependencies", severity=Severity.NOTE, find=dotted_dependencies,
        one="a subtask names a sibling in full", many="{count} dependencies of subtasks name a sibling in full",
        meanwhile="5.1 is read as the sibling 1",
    ),
    Check(
        code="cross_dependencies", severity=Severity.NOTE, find=cross_dependencies,
        one="a subtask depends on a subtask of another task",
        many="{count} dependencies are on subtasks of another task",
        meanwhile="read as they are written",
    ),
    Check(
        code="missing_fields", severity=Severity.NOTE, find=missing_fields,
        one="a field is left out", many="{count} fields are left out",
        meanwhile="read as pending, as medium or as the parent's priority, else as empty",
    ),
)  # fmt: skip
