"""What may be said of a task's fields, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..clock import from_text
from ..domain.tasks import Priority, Status
from ..errors import Fault, Invalid


def title_of(title: Any) -> str:
    """A title, without white space around it. :raises Invalid:"""
    if not isinstance(title, str) or not title.strip() or len(title) > 2000:
        raise Invalid("a task needs a title", faults=(Fault("/title", "expected a text of 1 to 2000 characters"),))
    return title.strip()


def priority_of(value: Any) -> Priority:
    """A priority by its word. :raises Invalid:"""
    if value not in list(Priority):
        raise Invalid(
            f"“{value}” is no priority",
            faults=(Fault("/priority", f"expected one of {', '.join(Priority)}"),),
        )
    return Priority(value)


def status_of(value: Any) -> Status:
    """A status by its word. :raises Invalid:"""
    if value not in list(Status):
        raise Invalid(f"“{value}” is no status", faults=(Fault("/status", f"expected one of {', '.join(Status)}"),))
    return Status(value)


def complexity_of(value: Any) -> int | None:
    """A person's word on complexity. :raises Invalid:"""
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 10):
        raise Invalid("the complexity is not valid", faults=(Fault("/complexity_manual", "expected 1 to 10, or null"),))
    return value


def text_of(value: Any) -> str:
    """A text. :raises Invalid:"""
    if not isinstance(value, str):
        raise Invalid("expected a text")
    return value


def labels_of(value: Any) -> tuple[str, ...]:
    """Labels, each once. :raises Invalid:"""
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
        raise Invalid("expected a list of texts")
    return tuple(dict.fromkeys(value))


def time_of(value: Any) -> datetime | None:
    """A time, or none. :raises Invalid:"""
    if value is None or (isinstance(value, datetime) and value.tzinfo):
        return value
    try:
        return from_text(value)
    except (ValueError, TypeError):
        said = "expected a time such as 2026-01-31T12:00:00Z, or null"
        raise Invalid("the time is not valid", faults=(Fault("/not_before", said),)) from None


def parent_of(value: Any) -> int | None:
    """The id of a parent, or none. :raises Invalid:"""
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise Invalid("expected the id of a task, or null")
    return value


EDITABLE: dict[str, Any] = {
    "title": title_of, "description": text_of, "details": text_of, "test_strategy": text_of, "priority": priority_of,
    "labels": labels_of, "complexity_manual": complexity_of, "parent_id": parent_of, "not_before": time_of,
}  # fmt: skip


SAID = frozenset(EDITABLE) - {"complexity_manual", "not_before"}
"""What an estimate may come from."""


def edited_fields(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that an edit names, each of its type. :raises Invalid: with every fault"""
    fields: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in changes.items():
        if name not in EDITABLE:
            faults.append(Fault(f"/{name}", f"expected one of {', '.join(EDITABLE)}"))
            continue
        try:
            fields[name] = EDITABLE[name](value)
        except Invalid as error:
            faults += error.faults or (Fault(f"/{name}", error.message),)
    if faults:
        raise Invalid("the change is not valid", faults=tuple(faults))
    return fields
