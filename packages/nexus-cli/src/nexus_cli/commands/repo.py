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
@click.option("--set-up", is_flag=True, help="Make its webhook what it has to be, where we may.")
@click.option("--no-check", is_flag=True, help="Do not look at it on its host first.")
def add(
    session: Session, name: str, url: str | None, default_branch: str | None, set_up: bool, no_check: bool
) -> None:  # fmt: skip
    """Add a repository: check that its host lets us see it, take over its policy and tasks, say what is wanting."""
    body: dict[str, Any] = {"name": name, "url": url, "default_branch": default_branch}
    given = {key: value for key, value in body.items() if value is not None}
    if not no_check:
        given |= {"connect": True, "set_up": set_up}
    session.show(session.call("POST", "/repositories", body=given), show_added)


@command("connect", example="nexus repo connect acme/api --set-up")
@click.argument("name", metavar="OWNER/NAME", required=False)
@click.option("--set-up", is_flag=True, help="Make its webhook what it has to be, where we may.")
def connect(session: Session, name: str | None, set_up: bool) -> None:
    """Look at a repository on its host: take over its policy and tasks, say what is wanting and how to set it."""
    found = scope.repository_id(session, name)
    session.show(session.call("POST", f"/repositories/{found}/connect", body={"set_up": set_up}), show_connection)


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


def show_added(screen: Screen, found: dict[str, Any]) -> None:
    """Tell a new repository."""
    show_repository(screen, found)
    if found.get("connection"):
        show_connection(screen, found["connection"])


def show_connection(screen: Screen, found: dict[str, Any]) -> None:
    """Tell what came of connecting a repository with its host."""
    if not found["reachable"]:
        screen.line(f"not connected: {found['reason']}")
        return
    tasks = "no task file" if found["imported"] is None else f"{found['imported']} in its task file, imported"
    screen.fields([
        ("policy", found["policy"]),
        ("tasks", found["import_error"] or tasks),
    ])  # fmt: skip
    for fault in found["policy_faults"]:
        screen.line(f"  {fault['pointer']}: {fault['message']}")
    for finding in found["findings"]:
        screen.line(f"{'set now' if finding['done'] else 'wanting'}: {finding['what']}")
        if not finding["done"]:
            screen.line(f"  {finding['mend']}")
            if finding["url"]:
                screen.line(f"  {finding['url']}")
    if not found["findings"]:
        screen.line("connected; nothing is wanting")


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
