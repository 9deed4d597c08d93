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
        click.option("--parent", "parent_id", metavar="TASK", help="The task that this is a part of."),
        click.option("--complexity", "complexity_manual", type=click.IntRange(1, 10), help="Wins over the estimate."),
        click.option("--label", "labels", multiple=True, help="Repeat it for more."),
        click.option("--priority", type=click.Choice(PRIORITIES)),
        click.option("--test-strategy", help="How one will know that it works."),
        click.option("--details", help="How it is to be done."),
        click.option("--description", help="What it is about."),
    ):
        function = decorate(function)
    return function


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
