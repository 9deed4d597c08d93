"""`nexus task depend`: who waits for whom."""

from __future__ import annotations

import click

from ..options import command, task_argument
from ..session import Session
from .task_show import show_changed


@command("depend", example="nexus task depend NX-12 NX-3 NX-4\nnexus task depend NX-12 NX-3 --remove")
@task_argument()
@task_argument("others", metavar="ON...", nargs=-1, required=True)
@click.option("--remove", is_flag=True, help="It no longer waits for them.")
def depend(session: Session, task: str, others: tuple[str, ...], remove: bool) -> None:
    """Let a task wait for others, or no longer. A cycle is refused, with its path."""
    method = "DELETE" if remove else "PUT"
    for other in others:
        answer = session.call(method, f"/tasks/{task}/dependencies/{other}")
    session.show(answer, show_changed)
