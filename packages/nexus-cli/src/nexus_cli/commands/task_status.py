"""`nexus task status`: move a task."""

from __future__ import annotations

import click

from ..options import command, task_argument
from ..session import Session
from .task_list import STATUSES
from .task_show import show_changed


@command("status", example='nexus task status NX-3 done --reason "Released by hand"')
@task_argument()
@click.argument("status", type=click.Choice(STATUSES))
@click.option("--reason", help="Why; it stays with the move.")
@click.option("--version", type=int, help="Only if this is still the task's version.")
def status(session: Session, task: str, status: str, reason: str | None, version: int | None) -> None:
    """Move a task to another status."""
    body = {"status": status} | ({"reason": reason} if reason else {})
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    session.show(session.call("PATCH", f"/tasks/{task}/status", body=body, headers=headers), show_changed)
