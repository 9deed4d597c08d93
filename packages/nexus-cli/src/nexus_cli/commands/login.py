"""`nexus login` and `nexus logout`: a key of your own for a server, by a code that you confirm in a browser."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from .. import credentials
from ..failures import Failure
from ..options import command
from ..session import Session

if TYPE_CHECKING:
    from ..screen import Screen

_WAITS = ("authorization_pending", "slow_down")
_TROUBLES = ("unavailable", "contention")


@command("login", example="nexus login --server https://nexus.example.com")
@click.option("--provider", help="By whom, when the server has several; such as github.")
@click.option("--name", help="What the key is called there. Default: this machine's name.")
def login(session: Session, provider: str | None, name: str | None) -> None:
    """Log in at a server, as a person: confirm a code in a browser.

    The key is kept in your configuration folder, for that server alone, and has the rights that you have there.
    """
    server = _server(session)
    begun = session.document(session.call("POST", "/auth/device", body={"provider": provider} if provider else {}))
    session.note(f"Open {begun['verification_uri']} and enter the code {begun['user_code']}")
    made = _wait(session, begun, name or _here())
    former = credentials.find(session.environ, server)
    me = session.document(session.call("GET", "/me", headers=_bearer(made["key"])))
    kept = {"key": made["key"], "username": me["name"], "key_id": made["id"], "expires_at": made["expires_at"]}
    _keep(session, server, kept)
    if former is not None:
        _revoke(session, former)
    if session.environ.get("NEXUS_TOKEN"):
        session.note("NEXUS_TOKEN is set, and goes before this login.")
    session.show_document({"server": server, **{field: kept[field] for field in list(kept)[1:]}}, show_login)


@command("logout", example="nexus logout --server https://nexus.example.com")
def logout(session: Session) -> None:
    """Log out at a server: the key that the login made is revoked there and forgotten here."""
    server = _server(session)
    key = credentials.find(session.environ, server)
    if key is not None:
        _revoke(session, key)
        credentials.remove(session.environ, server)
    session.show_document({"server": server, "logged_out": key is not None}, show_logout)


def _server(session: Session) -> str:
    from ..transport import places

    if not places(session.environ).get("url"):
        raise Failure("say which server: nexus login --server https://nexus.example.com", "invalid")
    return session.transport.origin


def _wait(session: Session, begun: dict[str, Any], name: str) -> dict[str, Any]:
    """Ask for the key as often as the server lets us, until it is there, refused or too late. :raises Failure:"""
    pause, ends = float(begun["interval"]), time.monotonic() + float(begun["expires_in"])
    while True:
        time.sleep(pause)
        try:
            body = {"device_code": begun["device_code"], "name": name}
            made: dict[str, Any] = session.document(session.call("POST", "/auth/device/token", body=body))
            return made
        except Failure as failure:
            if failure.code not in (*_WAITS, *_TROUBLES) or time.monotonic() >= ends:
                raise
            pause = max(pause, float(failure.problem.get("interval") or 0))


def _here() -> str:
    import socket

    return f"nexus login on {socket.gethostname()}"[:100]


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _keep(session: Session, server: str, kept: dict[str, Any]) -> None:
    try:
        credentials.save(session.environ, server, kept)
    except OSError as error:
        _revoke(session, str(kept["key"]))  # a key that nobody has is one too many
        place = credentials.place(session.environ)
        raise Failure(f"{place} cannot be written: {error.strerror}", "configuration") from None


def _revoke(session: Session, key: str) -> None:
    """End a key at the server; one that ended already is as good."""
    try:
        session.call("POST", "/auth/logout", headers=_bearer(key))
    except Failure as failure:
        if failure.code not in ("unauthenticated", "not_found"):
            raise


def show_login(screen: Screen, done: dict[str, Any]) -> None:
    """Tell a login."""
    screen.line(f"Logged in at {done['server']} as {screen.bold(done['username'])}.")


def show_logout(screen: Screen, done: dict[str, Any]) -> None:
    """Tell the end of one."""
    screen.line(
        f"Logged out of {done['server']}." if done["logged_out"] else f"Nobody is logged in at {done['server']}."
    )
