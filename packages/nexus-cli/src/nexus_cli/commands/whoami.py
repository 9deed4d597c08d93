"""`nexus whoami`: who you are to Nexus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..options import command
from ..session import Session

if TYPE_CHECKING:
    from ..screen import Screen


@command("whoami", example="nexus whoami")
def whoami(session: Session) -> None:
    """Say who you are to Nexus, and what you may do."""
    session.show(session.call("GET", "/me"), show_me)


def show_me(screen: Screen, me: dict[str, Any]) -> None:
    """Tell an actor."""
    screen.line(f"{screen.bold(me['name'])} ({screen.style(me['kind'])})")
    repositories = "all" if me["repositories"] is None else me["repositories"]
    screen.fields([("may", me["scopes"]), ("repositories", repositories), ("agent", me["agent"])])
