"""`nexus task edit`: other words, another priority."""

from __future__ import annotations

from typing import Any

import click

from ..options import command, task_argument
from ..session import Session
from ..tasks import field_options, fields_of
from .task_show import show_changed


@command(
    "edit",
    example='nexus task edit NX-12 --title "A better title" --priority high --label python\n'
    "nexus task edit NX-12 --park-until 2026-02-01",
)
@task_argument()
@click.option("--title")
@click.option("--unpark", is_flag=True, help="Not parked any more; `--park-until now` says the same.")
@click.option("--version", type=int, help="Only if this is still its version; otherwise the one that is read now.")
@field_options
def edit(session: Session, task: str, unpark: bool, version: int | None, **fields: Any) -> None:
    """Change fields of a task. Labels that are given replace those that it has."""
    changes = fields_of(fields)
    if unpark and changes.get("not_before", "now") != "now":
        raise click.UsageError("say either --park-until or --unpark")
    if unpark or changes.get("not_before") == "now":
        changes["not_before"] = None
    if not changes:
        raise click.UsageError("say what to change, such as --title or --priority")
    if version is None:
        version = session.get(f"/tasks/{task}")["version"]
    answer = session.call("PATCH", f"/tasks/{task}", body=changes, headers={"If-Match": f'"{version}"'})
    session.show(answer, show_changed)
