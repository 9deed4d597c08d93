"""What any task file says, whatever its format."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from ..domain.chart import FileFacts
from ..domain.findings import Check, Diagnosis, FileMend
from ..domain.tasks import Priority, Status

#: What a file speaks of, unless it says otherwise.
USUAL_FIELDS = frozenset({
    "title", "description", "details", "test_strategy", "status", "priority", "labels", "raw_data", "dependencies",
    "parent", "complexity_auto",
})  # fmt: skip


@attrs.frozen(kw_only=True)
class Warning_:
    """Something odd in a file: where, what, and what was done about it."""

    place: str  #: such as `master / task 3 / dependencies[1]`
    code: str  #: such as `dangling_dependency`
    message: str
    done: str  #: such as `kept in the raw data, does not block`
    at: int | None = attrs.field(default=None, eq=False)  #: its position in the text, where it has one


@attrs.frozen(kw_only=True)
class ParsedTask:
    """A task of a file."""

    external_key: str  #: unique in the file, such as `master:3.2`
    title: str
    status: Status = Status.PENDING
    priority: Priority = Priority.MEDIUM
    raw_data: Mapping[str, Any] = attrs.field(factory=dict)
    parent_key: str | None = None  #: of the same file; or, as in `references`, of its own repository
    description: str = ""
    details: str = ""
    test_strategy: str = ""
    labels: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()  #: external keys of the same file
    #: What it depends on outside of the file: `owner/name#key`, `NX-12`, or a key of its own repository.
    references: tuple[str, ...] = ()
    complexity_auto: int | None = None
    complexity_manual: int | None = None
    not_before: datetime | None = None
    #: The fields that the file speaks of; the others stay as they are in Nexus.
    said: frozenset[str] = USUAL_FIELDS
    #: Names in `raw_data` whose values the other fields stand for; `metadata.nexus` is a member of a member.
    mirrored: frozenset[str] = frozenset()


@attrs.frozen(kw_only=True)
class ParsedTasks:
    """A file, parsed. Parents stand before their subtasks."""

    format: str
    layout: str  #: such as `flat` or `tagged`
    tasks: tuple[ParsedTask, ...]
    warnings: tuple[Warning_, ...] = ()


@attrs.frozen(kw_only=True)
class ParsedScore:
    """A row of a complexity report."""

    place: str  #: such as `task 3, row 2, line 17`
    task: str  #: the task's id within its tag, such as `3`
    score: int  #: 1 to 10
    title: str = ""
    reasoning: str = ""


@attrs.frozen(kw_only=True)
class ParsedScores:
    """A complexity report, parsed; at most one row a task."""

    rows: tuple[ParsedScore, ...]
    unscored: int = 0  #: rows that stand for a missing analysis
    warnings: tuple[Warning_, ...] = ()


@attrs.frozen(kw_only=True)
class FileExamination:
    """What the doctor finds in a task file, and what it has to know of it to judge the live tasks."""

    diagnoses: tuple[Diagnosis, ...]
    facts: FileFacts


@attrs.frozen(kw_only=True)
class FileDoctor:
    """Names what is wrong in files of one format, and mends their text."""

    checks: tuple[Check, ...]  #: all that `examine` makes
    examine: Callable[[bytes], FileExamination]  #: raises UnreadableFile
    #: The file with those mends that its text still asks for. A dependency of the third argument, which has pairs of
    #: external keys, holds in Nexus and is never taken out.
    mend: Callable[[bytes, Sequence[FileMend], Collection[tuple[str, str]]], bytes]
