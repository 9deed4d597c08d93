"""Events in SQL."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ..clock import to_text
from ..domain.access import ActorKind
from ..domain.events import Event, NewEvent, event_class
from ..errors import NotFound
from ..ports.queries import Visible
from . import rows
from .session import Row, SqlSession
from .tasks import visibility


class SqlEvents:
    """The append-only table of all that happened."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def add(self, new: Sequence[NewEvent], now: datetime) -> Sequence[int]:
        """Append events; their ids."""
        return self._session.insert("insert_event", [_columns(one, now) for one in new])

    def list(
        self, *, after: int, kind: str | None, task_id: int | None, visible: Visible, limit: int, newest: bool
    ) -> list[Event]:
        """The feed after an event, in the order of commits; with `newest` the latest ones, oldest of them first."""
        pattern = None if kind is None else rows.like(kind).replace("*", "%")
        parameters = {**visibility(visible), "type": pattern, "task_id": task_id, "limit": limit}
        if newest:
            return [_event(row) for row in reversed(self._session.all("list_newest_events", **parameters))]
        return [_event(row) for row in self._session.all("list_events", **parameters, after=after)]

    def get(self, event_id: int) -> Event:
        """One."""
        row = self._session.one("get_event", id=event_id)
        if row is None:
            raise NotFound(f"there is no event {event_id}")
        return _event(row)

    def latest(self, kind: str, limit: int) -> builtins.list[Event]:
        """The latest of exactly this type, whatever their order in the feed, the newest first."""
        return [_event(row) for row in self._session.all("list_latest_events", type=kind, limit=limit)]

    def has(self, kind: str, task_id: int | None, key: str) -> bool:
        """Whether an event of this type and task has `key` in its payload's text."""
        found = self._session.all("has_notification", type=kind, task_id=task_id, pattern=f"%{rows.like(key)}%")
        return bool(found)


def _columns(new: NewEvent, now: datetime) -> dict[str, Any]:
    actor = new.actor
    return {
        "type": new.type,
        "payload": rows.to_json(dict(new.payload)),
        "now": to_text(now),
        "actor_kind": str(actor.kind),
        "actor_name": actor.name,
        "actor_id": actor.id,
        "task_id": new.task_id,
        "repository_id": new.repository_id,
        "assignment_id": new.assignment_id,
        "delivery": new.delivery,
        "key_id": actor.key_id,
        "address": actor.address,
        "request_id": actor.request_id,
    }


def _event(row: Row) -> Event:
    """An event, of the class of its type."""
    fields = dict(row)
    fields.update(
        payload=rows.from_json(row["payload"]),
        created_at=rows.at(row["created_at"]),
        actor_kind=ActorKind(row["actor_kind"]),
    )
    return event_class(row["type"])(**fields)
