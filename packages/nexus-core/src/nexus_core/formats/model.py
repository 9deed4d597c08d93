"""What any task file says, whatever its format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from ..domain.tasks import Priority, Status


@attrs.frozen(kw_only=True)
class Warning_:
    """Something odd in a file: where, what, and what was done about it."""

    place: str  #: such as `master / task 3 / dependencies[1]`
    code: str  #: such as `dangling_dependency`
    message: str
    done: str  #: such as `kept in the raw data, does not block`


@attrs.frozen(kw_only=True)
class ParsedTask:
    """A task of a file."""

    external_key: str  #: unique in the file, such as `master:3.2`
    title: str
    status: Status
    priority: Priority
    raw_data: Mapping[str, Any]
    parent_key: str | None = None
    description: str = ""
    details: str = ""
    test_strategy: str = ""
    labels: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()  #: external keys of the same file
    complexity_auto: int | None = None


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
