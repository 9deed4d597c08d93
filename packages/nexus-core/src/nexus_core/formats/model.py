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
    mirrored: frozenset[str] = frozenset()  #: names in `raw_data` whose values the other fields stand for


@attrs.frozen(kw_only=True)
class ParsedTasks:
    """A file, parsed. Parents stand before their subtasks."""

    format: str
    layout: str  #: such as `flat` or `tagged`
    tasks: tuple[ParsedTask, ...]
    warnings: tuple[Warning_, ...] = ()
