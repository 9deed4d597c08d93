"""`nexus audit`: whether the events are as they were written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from ..failures import CONFLICT, DONE, Failure
from ..options import command
from ..session import Session

if TYPE_CHECKING:
    from ..screen import Screen

PART = 10_000
"""Events that one call looks at: a fraction of a second, and a few megabytes."""

_HASH = re.compile(r"[0-9a-fA-F]{64}")


def _head(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _HASH.fullmatch(value):
        raise click.BadParameter("expected the 64 hexadecimal digits that an earlier run printed")
    return value.lower() if value else None


@command("verify", example="nexus audit verify\nnexus audit verify --head 3f1c…")
@click.option("--head", callback=_head, metavar="HASH", help="A head that was noted earlier: is it still in the chain?")
def verify(session: Session, head: str | None) -> int:
    """Walk the chain of hashes over the events, and name the first one that was altered.

    Exits with 4 when one was altered, is missing or was put in, or when the noted head is not in the chain. Note the
    head that is printed somewhere out of reach of the database: only it shows a chain that was written anew.
    """
    found = _walk(session, head)
    session.show_document(found, show)
    return DONE if found["ok"] else CONFLICT


def _walk(session: Session, head: str | None) -> dict[str, Any]:
    """The whole chain, part by part; each must begin where the one before it ended."""
    part, saw_head = session.get("/audit/verify", limit=PART, head=head), False
    while True:
        saw_head = saw_head or part["saw_head"]
        _say(session, part)
        if part["next"] is None:
            return _whole(part, head, saw_head)
        before, part = part, session.get("/audit/verify", after=part["next"], limit=PART, head=head)
        if part["after_hash"] != before["hash"]:
            raise Failure(f"the chain changed at place {before['place']} while it was walked", "conflict")


def _whole(part: dict[str, Any], head: str | None, saw_head: bool) -> dict[str, Any]:
    fault = part["fault"]
    if fault is None and head is not None and not saw_head:
        fault = {
            "kind": "head", "place": part["place"], "event_id": None,
            "message": f"the head {head} is not in the chain: it was cut off or written anew since that head was noted",
        }  # fmt: skip
    return {
        "ok": fault is None,
        "verified": part["place"],
        "head": part["hash"],
        "fault": fault,
        "unsealed": part["unsealed"],
        "unsealed_since": part["unsealed_since"],
    }


def _say(session: Session, part: dict[str, Any]) -> None:
    """Where the walk is, on a terminal, when it is a long one."""
    from ..screen import stderr_is_terminal

    if stderr_is_terminal() and part["sealed"] > PART:
        end = "\n" if part["next"] is None else ""
        click.echo(f"\rverified {part['place']} of {part['sealed']} events", err=True, nl=False)
        click.echo(end, err=True, nl=False)


def show(screen: Screen, found: dict[str, Any]) -> None:
    """Tell what came of it."""
    if found["fault"] is not None:
        screen.line(f"{screen.style('not as it was sealed', fg='red', bold=True)}: {found['fault']['message']}")
        screen.fields([("place", found["fault"]["place"]), ("right before it", found["verified"])])
        return
    screen.line(f"{screen.style('as it was sealed', fg='green', bold=True)}: {found['verified']} events")
    screen.fields([("head", found["head"] if found["verified"] else None), ("not sealed yet", _waiting(found) or None)])


def _waiting(found: dict[str, Any]) -> str:
    from ..screen import when

    if not found["unsealed"]:
        return ""
    return f"{found['unsealed']}, since {when(found['unsealed_since'])} (a worker seals every few seconds)"
