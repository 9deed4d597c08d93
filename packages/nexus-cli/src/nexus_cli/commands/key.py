"""`nexus key`: API keys of agents and tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import scope
from ..options import command, limit_options
from ..paging import listed
from ..session import Session
from .user import ROLES

if TYPE_CHECKING:
    from ..screen import Screen


@command("list", example="nexus key list")
@limit_options
def list_(session: Session, everything: bool, limit: int) -> None:
    """List the API keys, without their secrets."""
    listed(session, "/keys", show_keys, everything=everything, limit=limit)


@command("create", example="nexus key create ci --role viewer --expires 90d\nnexus key create claude --agent claude "
         "--scope tasks:read --scope assignments:claim --scope assignments:write")  # fmt: skip
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), help="A named set of scopes; instead of --scope.")
@click.option("--scope", "scopes", multiple=True, help="What it may do, such as tasks:read; repeat it.")
@click.option("--repo", "repositories", multiple=True, metavar="OWNER/NAME", help="Only for this one; repeat it.")
@click.option("--agent", help="The agent that it is bound to.")
@click.option("--expires", metavar="TIME", help="After this time (90d, 12h), or at an instant in ISO 8601.")
def create(
    session: Session, name: str, role: str | None, scopes: tuple[str, ...], repositories: tuple[str, ...],
    agent: str | None, expires: str | None,
) -> None:  # fmt: skip
    """Make an API key. It is shown this once."""
    if bool(role) == bool(scopes):
        raise click.UsageError("say what it may do: either --role or --scope")
    body: dict[str, Any] = {"name": name, "role": role, "scopes": list(scopes) or None, "agent": agent}
    body["repositories"] = [scope.repository_id(session, one) for one in repositories] or None
    body["expires_at"] = _instant(expires) if expires else None
    given = {field: value for field, value in body.items() if value is not None}
    session.show(session.call("POST", "/keys", body=given), show_new_key)


@command("revoke", example="nexus key revoke 3")
@click.argument("key", type=click.IntRange(1), metavar="ID")
def revoke(session: Session, key: int) -> None:
    """Revoke an API key: it is refused from now on."""
    answer = session.call("DELETE", f"/keys/{key}")
    session.show(answer, lambda screen, document: screen.line(f"The key {key} is revoked."))


def _instant(text: str) -> str:
    from nexus_core.clock import SystemClock, from_text, to_text
    from nexus_core.config import parse_duration

    try:
        return to_text(
            SystemClock().now() + parse_duration(text) if text[-1:].isalpha() and text[-1:] != "Z" else from_text(text)
        )
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time; write 90d, 12h or 2027-01-31", param_hint="--expires") from None


def show_keys(screen: Screen, found: dict[str, Any]) -> None:
    """Tell a page of keys."""
    from ..screen import when

    rows = [
        (key["id"], screen.bold(key["name"]), when(key["expires_at"]) or "never", _state(key), key["scopes"])
        for key in found["items"]
    ]
    screen.table(("id", "name", "expires", "state", "may"), rows, empty="No keys.")


def _state(key: dict[str, Any]) -> str:
    return "revoked" if key.get("revoked_at") else "live"


def show_new_key(screen: Screen, key: dict[str, Any]) -> None:
    """Tell a key that was just made."""
    screen.line(screen.bold(key["key"]))
    screen.fields([("id", key["id"]), ("name", key["name"]), ("may", key["scopes"])])
    if screen.is_terminal:
        screen.line(screen.dim("Keep it now: it is not shown again. Use it as NEXUS_TOKEN, or as a bearer token."))
