"""`nexus doctor`: what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import failures
from ..options import command
from ..session import Session

if TYPE_CHECKING:
    from ..screen import Screen


@command("doctor", example="nexus doctor")
@click.pass_context
def doctor(ctx: click.Context, session: Session) -> None:
    """Look for what is wrong: the store, the broker, what plugins look at. Exit code 1 when something is."""
    answer = session.call("GET", "/doctor")
    session.show(answer, show_checks)
    if not all(check["ok"] for check in session.document(answer)["items"]):
        ctx.exit(failures.UNEXPECTED)


def show_checks(screen: Screen, found: dict[str, Any]) -> None:
    """Tell what each check found."""
    rows = [
        (
            _mark(screen, check),
            screen.bold(check["name"]),
            check["message"],
        )
        for check in found["items"]
    ]
    screen.table(("", "check", "found"), rows, empty="Nothing to check.")


def _mark(screen: Screen, check: dict[str, Any]) -> str:
    if not check["ok"]:
        return screen.style("wrong", fg="red")
    return screen.style("ok", fg="green") if check.get("checked", True) else "–"
