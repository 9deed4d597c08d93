"""`nexus user`: people and their roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..failures import Failure
from ..options import command, limit_options
from ..paging import listed
from ..session import Session

if TYPE_CHECKING:
    from ..screen import Screen

ROLES = ("admin", "developer", "viewer")


@command("list", example="nexus user list")
@limit_options
def list_(session: Session, everything: bool, limit: int) -> None:
    """List the people and their roles."""
    listed(session, "/users", show_users, everything=everything, limit=limit)


@command("invite", example="nexus user invite octocat --role developer")
@click.argument("login")
@click.option("--role", type=click.Choice(ROLES), default="developer", show_default=True)
def invite(session: Session, login: str, role: str) -> None:
    """Invite a GitHub login."""
    session.show(session.call("POST", "/users", body={"username": login, "role": role}), show_user)


@command("role", example="nexus user role octocat admin")
@click.argument("user", metavar="LOGIN")
@click.argument("role", type=click.Choice(ROLES))
def role(session: Session, user: str, role: str) -> None:
    """Give a person another role; LOGIN is a login or an id."""
    session.show(session.call("PATCH", f"/users/{_id_of(session, user)}", body={"role": role}), show_user)


@command("disable", example="nexus user disable octocat")
@click.argument("user", metavar="LOGIN")
def disable(session: Session, user: str) -> None:
    """Shut a person out: their sessions and the keys of their logins end at once."""
    session.show(session.call("PATCH", f"/users/{_id_of(session, user)}", body={"disabled": True}), show_user)


@command("enable", example="nexus user enable octocat")
@click.argument("user", metavar="LOGIN")
def enable(session: Session, user: str) -> None:
    """Let a person who was shut out in again; they log in anew."""
    session.show(session.call("PATCH", f"/users/{_id_of(session, user)}", body={"disabled": False}), show_user)


def _id_of(session: Session, user: str) -> int:
    for found in session.items("/users"):
        if user.lower() == str(found["username"]).lower() or user == str(found["id"]):
            return int(found["id"])
    raise Failure(f"there is no user {user}", "not_found")


def show_users(screen: Screen, found: dict[str, Any]) -> None:
    """Tell a page of users."""
    rows = [(user["id"], screen.bold(user["username"]), user["role"], _state(user)) for user in found["items"]]
    screen.table(("id", "login", "role", "state"), rows, empty="Nobody is invited yet: nexus user invite LOGIN")


def show_user(screen: Screen, user: dict[str, Any]) -> None:
    """Tell a user."""
    screen.line(f"{screen.bold(user['username'])}  {screen.style(user['role'])}  {_state(user)}".rstrip())


def _state(user: dict[str, Any]) -> str:
    if user.get("disabled_at"):
        return "shut out"
    return "" if user.get("github_id") or user.get("provider") != "github" else "invited"
