"""Events in SQL."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..clock import to_text
from ..domain.access import Actor, ActorKind
from ..domain.events import Event, event_class
from ..errors import NotFound
from ..ports.queries import Visible
from . import rows
from .session import Row, SqlSession
from .tasks import visibility


class SqlEvents:
    """The append-only table of all that happened."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def append(
        self, kind: str, *, actor: Actor, now: datetime, task_id: int | None, repository_id: int | None,
        assignment_id: int | None, delivery: str | None, payload: Mapping[str, Any],
    ) -> Event:  # fmt: skip
        """Append an event."""
        fields = _fields(kind, actor, task_id, repository_id, assignment_id, delivery)
        row = self._session.one("insert_event", **_columns(fields, payload, now))
        assert row is not None  # noqa: S101 - RETURNING answers a row, or the statement raises
        return event_class(kind)(id=row["id"], payload=payload, created_at=now, **fields)

    def append_many(
        self, kind: str, items: Sequence[Mapping[str, Any]], *, actor: Actor, now: datetime, delivery: str | None
    ) -> builtins.list[Event]:
        """Append events of one type: each item has `task_id`, `repository_id` and `payload`."""
        fields = [_fields(kind, actor, item["task_id"], item["repository_id"], None, delivery) for item in items]
        stored = [_columns(one, item["payload"], now) for one, item in zip(fields, items, strict=True)]
        ids = [row["id"] for row in self._session.each("insert_event", stored) if row is not None]
        make = event_class(kind)
        return [
            make(id=event_id, payload=item["payload"], created_at=now, **one)
            for event_id, one, item in zip(ids, fields, items, strict=True)
        ]

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

    def has(self, kind: str, task_id: int | None, key: str) -> bool:
        """Whether an event of this type and task has `key` in its payload's text."""
        found = self._session.all("has_notification", type=kind, task_id=task_id, pattern=f"%{rows.like(key)}%")
        return bool(found)


def _fields(
    kind: str, actor: Actor, task_id: int | None, repository_id: int | None, assignment_id: int | None,
    delivery: str | None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "type": kind,
        "actor_kind": actor.kind,
        "actor_name": actor.name,
        "actor_id": actor.id,
        "task_id": task_id,
        "repository_id": repository_id,
        "assignment_id": assignment_id,
        "delivery": delivery,
    }


def _columns(fields: Mapping[str, Any], payload: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    kind = str(fields["actor_kind"])
    return {**fields, "actor_kind": kind, "payload": rows.to_json(dict(payload)), "now": to_text(now)}


def _event(row: Row) -> Event:
    """An event, of the class of its type."""
    fields = dict(row)
    fields.update(
        payload=rows.from_json(row["payload"]),
        created_at=rows.at(row["created_at"]),
        actor_kind=ActorKind(row["actor_kind"]),
    )
    return event_class(row["type"])(**fields)
