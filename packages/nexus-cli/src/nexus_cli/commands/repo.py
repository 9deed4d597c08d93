"""`nexus repo`: the repositories that Nexus looks after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import scope
from ..options import command, limit_options
from ..paging import listed
from ..session import Session

if TYPE_CHECKING:
    from ..screen import Screen


@command("list", example="nexus repo list --json")
@limit_options
def list_(session: Session, everything: bool, limit: int) -> None:
    """List the repositories."""
    listed(session, "/repositories", show_repositories, everything=everything, limit=limit)


@command("add", example="nexus repo add acme/api --url https://github.com/acme/api.git")
@click.argument("name", metavar="OWNER/NAME")
@click.option("--url", help="Where it is cloned from. Default: GitHub, by its name.")
@click.option("--branch", "default_branch", help="Its default branch.")
def add(session: Session, name: str, url: str | None, default_branch: str | None) -> None:
    """Add a repository."""
    body = {"name": name, "url": url, "default_branch": default_branch}
    given = {key: value for key, value in body.items() if value is not None}
    session.show(session.call("POST", "/repositories", body=given), show_repository)


@command("show", example="nexus repo show acme/api")
@click.argument("name", metavar="OWNER/NAME", required=False)
def show(session: Session, name: str | None) -> None:
    """Show a repository: the one that is named, else the one of this checkout."""
    found = scope.repository_id(session, name)
    session.show(session.call("GET", f"/repositories/{found}"), show_repository)


@command("sync", example="nexus repo sync acme/api")
@click.argument("name", metavar="OWNER/NAME", required=False)
def sync(session: Session, name: str | None) -> None:
    """Bring a repository in step with its host. It happens in the background."""
    found = scope.repository_id(session, name)
    session.show(session.call("POST", f"/repositories/{found}/sync"), show_repository)


def show_repositories(screen: Screen, found: dict[str, Any]) -> None:
    """Tell a page of repositories."""
    rows = [(one["id"], screen.bold(one["name"]), one["default_branch"], one["url"]) for one in found["items"]]
    screen.table(("id", "name", "branch", "url"), rows, empty="No repositories. Add one: nexus repo add owner/name")


def show_repository(screen: Screen, found: dict[str, Any]) -> None:
    """Tell a repository."""
    from ..screen import when

    screen.line(screen.bold(found["name"]))
    screen.fields([
        ("id", found["id"]),
        ("url", found["url"]),
        ("default branch", found["default_branch"]),
        ("added", when(found["created_at"])),
    ])  # fmt: skip
