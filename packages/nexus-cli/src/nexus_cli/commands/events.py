"""`nexus events`: what happened, as a story."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import click

from ..failures import TRY_AGAIN, Failure
from ..options import command, limit_options
from ..session import Session, to_json
from ..story import tell

WAIT = 25
"""Seconds that the server waits for the next event, at most."""
_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)


@command("events", example="nexus events --task NX-12\nnexus events --follow --type task.moved")
@click.option("--follow", is_flag=True, help="Go on as events happen; with --json, one document a line.")
@click.option("--after", type=click.IntRange(0), metavar="ID", help="Only events after this one, the oldest first.")
@click.option("--type", "kind", help="Only of this type, such as task.moved or `task.*`.")
@click.option("--task", metavar="TASK", help="Only those of this task.")
@limit_options
def events(
    session: Session, follow: bool, after: int | None, kind: str | None, task: str | None, limit: int, everything: bool
) -> None:
    """Show what happened: the latest events, or those after one, as a story."""
    query = {"type": kind, "task": task}
    if everything and after is None:
        after = 0
    if after is None:
        page = _latest(session, query, limit)
    else:
        page = _since(session, query, after, limit, everything)
    if follow:
        _follow(session, query, page["items"], after or 0)
    else:
        session.show_document(page, lambda screen, found: _tell_all(session, found["items"]))


def _latest(session: Session, query: dict[str, Any], limit: int) -> dict[str, Any]:
    page: dict[str, Any] = session.get("/events", **query, newest=True, limit=limit)
    page["items"].sort(key=lambda event: event["id"])
    return page


def _since(session: Session, query: dict[str, Any], after: int, limit: int, everything: bool) -> dict[str, Any]:
    page: dict[str, Any] = session.get("/events", **query, after=after, limit=200 if everything else limit)
    while everything and page["next_cursor"] is not None:
        more = session.get("/events", **query, after=page["items"][-1]["id"], limit=200)
        page = {"items": page["items"] + more["items"], "next_cursor": more["next_cursor"]}
    return page


def _follow(session: Session, query: dict[str, Any], found: list[dict[str, Any]], after: int) -> None:
    """Tell events until somebody interrupts."""
    try:
        _tell_all(session, found)
        start = found[-1]["id"] if found else after or _last_id(session)
        for event in _following(session, query, start):
            _tell_all(session, [event])
    except KeyboardInterrupt:
        return  # the way to end it


def _last_id(session: Session) -> int:
    newest = session.get("/events", newest=True, limit=1)["items"]
    return int(newest[0]["id"]) if newest else 0


def _following(session: Session, query: dict[str, Any], after: int) -> Iterator[dict[str, Any]]:
    failed = 0
    while True:
        try:
            page = session.get("/events", **query, after=after, wait=WAIT)
        except Failure as failure:
            if failure.exit_code != TRY_AGAIN:
                raise
            if not failed:
                session.note(f"nexus: {failure.message}; trying again")
            time.sleep(_PAUSES[min(failed, len(_PAUSES) - 1)])
            failed += 1
            continue
        failed = 0
        for event in page["items"]:
            after = event["id"]
            yield event


def _tell_all(session: Session, found: list[dict[str, Any]]) -> None:
    for event in found:
        if session.as_json:
            session.write(to_json(event).encode())
        else:
            session.screen.line(tell(event, session.screen, session.prefix))
    session.screen.flush()
