"""`nexus task export`: the task file, with what changed since."""

from __future__ import annotations

import click

from .. import scope
from ..files import write_file
from ..options import command, repo_option
from ..session import Session


@command(
    "export",
    example="nexus task export --repo acme/api --output .taskmaster/tasks/tasks.json\n"
    "nexus task export --repo acme/api --format jsonl",
)
@repo_option(help="owner/name; in a checkout of GitHub, that one.")
@click.option("--output", metavar="FILE", default="-", help="Where to; standard output otherwise.")
@click.option("--format", "format_", metavar="NAME", help="taskmaster, jsonl …; otherwise that of the imported file.")
def export(session: Session, repository: str | None, output: str, format_: str | None) -> None:
    """Write a repository's task file as it was imported, with what changed since; or in another format."""
    query = {"repository": scope.required(repository), "format": format_}
    answer = session.call("GET", "/tasks/export", query=query, accept="*/*")
    if output == "-":
        import sys

        sys.stdout.flush()
        sys.stdout.buffer.write(answer.body)  # to the byte: not even a line's end is added
        sys.stdout.flush()
    else:
        write_file(session, output, answer.body)
