"""`nexus docs`: the documents that Nexus keeps in a repository."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from .. import scope
from ..failures import Failure
from ..files import write_file
from ..options import command, repo_option
from ..session import Session

if TYPE_CHECKING:
    from ..screen import Screen

ONE = "owner/name; in a checkout of GitHub, that one."


@command("render", example="nexus docs render --repo acme/api --output /tmp/docs")
@repo_option(help=ONE)
@click.option("--output", metavar="FOLDER", help="Write them below it; they are shown otherwise.")
def render(session: Session, repository: str | None, output: str | None) -> None:
    """Show a repository's documents as they would be committed now."""
    found = scope.repository_id(session, repository)
    answer = session.call("GET", f"/repositories/{found}/documents", query={"limit": 200})
    if output is not None:
        for document in session.document(answer)["items"]:
            _write(session, Path(output), document)
    if output is None or session.as_json:
        session.show(answer, show_documents)


@command("sync", example="nexus docs sync --repo acme/api")
@repo_option(help=ONE)
def sync(session: Session, repository: str | None) -> None:
    """Have a repository's documents published now. It happens in the background."""
    found = scope.repository_id(session, repository)
    session.show(session.call("POST", f"/repositories/{found}/documents/sync"), show_paths)


def _write(session: Session, folder: Path, document: dict[str, Any]) -> None:
    path = PurePosixPath(document["path"])
    if path.is_absolute() or ".." in path.parts:
        raise Failure(
            f"the document {str(path)!r} would be written outside {folder}; nothing more was written", "invalid"
        )
    target = folder / path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"{target.parent}: cannot be made: {error.strerror}", "invalid") from None
    write_file(session, str(target), document["content"].encode())


def show_documents(screen: Screen, found: dict[str, Any]) -> None:
    """Tell documents, each below its path."""
    from ..screen import clean

    for document in found["items"]:
        screen.line(screen.bold(document["path"]))
        screen.line(clean(document["content"]))


def show_paths(screen: Screen, found: dict[str, Any]) -> None:
    """Tell which documents will be published."""
    for path in found["paths"]:
        screen.line(screen.style(path))
