"""What the commands that write tasks share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from .failures import Failure
from .session import Session

F = TypeVar("F", bound=Callable[..., Any])

PRIORITIES = ("critical", "high", "medium", "low")


def field_options(function: F) -> F:
    """The fields of a task that a person writes, beside its title."""
    for decorate in (
        click.option(
            "--park-until", "--not-before", "not_before", metavar="TIME", callback=instant,
            help="Not ready before then: 2026-02-01, “2026-02-01 09:00” (your time), or with a zone.",
        ),
        click.option("--parent", "parent_id", metavar="TASK", help="The task that this is a part of."),
        click.option("--complexity", "complexity_manual", type=click.IntRange(1, 10), help="Wins over the estimate."),
        click.option("--label", "labels", multiple=True, help="Repeat it for more."),
        click.option("--priority", type=click.Choice(PRIORITIES)),
        click.option("--test-strategy", help="How one will know that it works."),
        click.option("--details", help="How it is to be done."),
        click.option("--description", help="What it is about."),
    ):  # fmt: skip
        function = decorate(function)
    return function


def instant(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """The instant that a text means, in the zone of this machine where it names none; `now` is taken as it is."""
    if value is None or value == "now":
        return value
    from datetime import UTC, datetime

    try:
        return datetime.fromisoformat(value).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{value[:40]!r} is no time; write 2026-02-01 or “2026-02-01 09:00”") from None


def parked_until(task: dict[str, Any]) -> str | None:
    """Until when a task is parked, as people read it; None when it is not, or no more."""
    if not task.get("not_before"):
        return None
    from nexus_core.clock import SystemClock, from_text

    from .screen import when

    is_past = from_text(task["not_before"]) <= SystemClock().now()
    return None if is_past else when(task["not_before"])[:16]


def fields_of(given: dict[str, Any]) -> dict[str, Any]:
    """The fields that were given, as the API takes them."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in given.items()
        if value is not None and value != ()
    }


def number_of(session: Session, task: str) -> int:
    """The id of the task that `3` or `NX-3` names, for places where the API takes ids alone.

    :raises Failure: it names none
    """
    if task.isascii() and task.isdigit():
        return int(task)
    if not task.replace("-", "").isalnum():
        raise Failure(f"{task[:40]!r} names no task; write its number or its key, such as 12 or NX-12", "invalid")
    return int(session.get(f"/tasks/{task}")["id"])
