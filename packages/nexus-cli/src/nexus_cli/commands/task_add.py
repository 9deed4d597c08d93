"""`nexus task add`: a new task."""

from __future__ import annotations

from typing import Any

import click

from .. import scope
from ..options import command, repo_option
from ..session import Session
from ..tasks import field_options, fields_of, number_of
from .task_show import show_changed


@command("add", example='nexus task add "Write the release notes" --repo acme/api --priority high --depends-on NX-3')
@click.argument("title")
@repo_option(help="owner/name; in a checkout of GitHub, that one; `all` for a task of no repository.")
@click.option("--depends-on", "dependencies", metavar="TASK", multiple=True, help="It waits for this; repeat it.")
@field_options
def add(session: Session, title: str, repository: str | None, dependencies: tuple[str, ...], **fields: Any) -> None:
    """Create a task."""
    body = {"title": title, "repository": scope.chosen(repository), **fields_of(fields)}
    if body.get("not_before") == "now":
        del body["not_before"]
    if dependencies:
        body["dependencies"] = [number_of(session, task) for task in dependencies]
    session.show(session.call("POST", "/tasks", body=body), show_changed)
