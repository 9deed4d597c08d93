"""`nexus task export`: the task file, with what changed since."""

from __future__ import annotations

import click

from .. import scope
from ..files import write_file
from ..options import command, repo_option
from ..session import Session


@command("export", example="nexus task export --repo acme/api --output .taskmaster/tasks/tasks.json")
@repo_option(help="owner/name; in a checkout of GitHub, that one.")
@click.option("--output", metavar="FILE", default="-", help="Where to; standard output otherwise.")
def export(session: Session, repository: str | None, output: str) -> None:
    """Write a repository's task file as it was imported, with what changed since."""
    answer = session.call("GET", "/tasks/export", query={"repository": scope.required(repository)})
    if output == "-":
        import sys

        sys.stdout.flush()
        sys.stdout.buffer.write(answer.body)  # to the byte: not even a line's end is added
        sys.stdout.flush()
    else:
        write_file(session, output, answer.body)
