"""Rows to domain values and back. Both engines' forms are taken: times as text or datetime, JSON as text or decoded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..clock import from_text, to_text
from ..domain.access import ActorKind, ApiKey, Role, Scope, User
from ..domain.agents import Activity, ActivityType, Assignment, AssignmentStatus
from ..domain.changes import Change, ChangeLink, ChangeState
from ..domain.deliveries import Delivery, DeliveryState
from ..domain.events import Event, event_class
from ..domain.jobs import Job, JobState
from ..domain.repositories import Repository
from ..domain.tasks import Priority, Status, Task
from .session import Row


def to_json(value: Any) -> str:
    """JSON as it is stored."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def from_json(value: Any) -> Any:
    """JSON as it comes back from either engine."""
    return json.loads(value) if isinstance(value, str | bytes) else value


def time(value: datetime | None) -> str | None:
    """A time as it is stored."""
    return None if value is None else to_text(value)


def at(value: Any) -> datetime:
    """A time as it comes back from either engine."""
    return from_text(value) if isinstance(value, str) else value


def maybe_at(value: Any) -> datetime | None:
    """A time that may be missing."""
    return None if value is None else at(value)


def task(row: Row, dependencies: tuple[int, ...] = ()) -> Task:
    """A task."""
    fields = dict(row)
    fields.update(
        status=Status(row["status"]),
        priority=Priority(row["priority"]),
        labels=tuple(from_json(row["labels"])),
        raw_data=from_json(row["raw_data"]),
        not_before=maybe_at(row["not_before"]),
        retry_at=maybe_at(row["retry_at"]),
        created_at=at(row["created_at"]),
        updated_at=at(row["updated_at"]),
        dependencies=dependencies,
    )
    return Task(**fields)


def repository(row: Row) -> Repository:
    """A repository."""
    return Repository(**{**row, "created_at": at(row["created_at"])})


def assignment(row: Row, last_activity: Activity | None = None) -> Assignment:
    """An assignment."""
    return Assignment(
        id=row["id"],
        task_id=row["task_id"],
        agent=row["agent_name"],
        status=AssignmentStatus(row["status"]),
        fence=row["fence"],
        lease_until=at(row["lease_until"]),
        assigned_at=at(row["assigned_at"]),
        attempt=row["attempt"],
        branch=row["branch"],
        reason=row["reason"],
        result=from_json(row["result"]),
        ended_at=maybe_at(row["ended_at"]),
        last_activity=last_activity,
    )


def activity(row: Row) -> Activity:
    """An activity."""
    fields = dict(row)
    fields.update(
        type=ActivityType(row["type"]),
        choices=tuple(from_json(row["choices"])),
        created_at=at(row["created_at"]),
    )
    return Activity(**fields)


def change(row: Row) -> Change:
    """A change."""
    names = ("id", "source", "repository_id", "number", "title", "branch", "url", "author", "head")
    return Change(
        **{name: row[name] for name in names},
        state=ChangeState(row["state"]),
        created_at=at(row["created_at"]),
        updated_at=at(row["updated_at"]),
        host_updated_at=maybe_at(row["host_updated_at"]),
    )


def change_link(row: Row, change_id: int) -> ChangeLink:
    """Why a change belongs to a task."""
    return ChangeLink(change_id=change_id, task_id=row["task_id"], closes=bool(row["closes"]), reason=row["reason"])


def event(row: Row) -> Event:
    """An event, of the class of its type."""
    fields = {name: value for name, value in row.items() if name != "xid"}
    fields.update(
        payload=from_json(row["payload"]),
        created_at=at(row["created_at"]),
        actor_kind=ActorKind(row["actor_kind"]),
    )
    return event_class(row["type"])(**fields)


def job(row: Row) -> Job:
    """A job."""
    fields = dict(row)
    fields.update(
        state=JobState(row["state"]),
        payload=from_json(row["payload"]),
        run_at=at(row["run_at"]),
        created_at=at(row["created_at"]),
        locked_until=maybe_at(row["locked_until"]),
        finished_at=maybe_at(row["finished_at"]),
    )
    return Job(**fields)


def delivery(row: Row) -> Delivery:
    """A delivery; a list leaves body and headers out."""
    fields = {name: value for name, value in row.items() if name != "fingerprint"}
    fields.update(
        state=DeliveryState(row["state"]),
        created_at=at(row["created_at"]),
        handled_at=maybe_at(row["handled_at"]),
    )
    if "body" in row:
        fields.update(body=bytes(row["body"]), headers=from_json(row["headers"]))
    return Delivery(**fields)


def api_key(row: Row) -> ApiKey:
    """A key."""
    repositories = from_json(row["repositories"])
    return ApiKey(
        id=row["id"],
        name=row["name"],
        scopes=frozenset(Scope(scope) for scope in from_json(row["scopes"])),
        repositories=None if repositories is None else frozenset(repositories),
        agent=row["agent"],
        assignment_id=row["assignment_id"],
        created_at=at(row["created_at"]),
        expires_at=maybe_at(row["expires_at"]),
        last_used_at=maybe_at(row["last_used_at"]),
        revoked_at=maybe_at(row["revoked_at"]),
    )


def user(row: Row) -> User:
    """A person."""
    return User(**{**row, "role": Role(row["role"]), "created_at": at(row["created_at"])})


def like(text: str) -> str:
    """A text with the signs that LIKE knows taken literally (`ESCAPE '!'`)."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def named(row: Mapping[str, Any], *names: str) -> tuple[Any, ...]:
    """Some columns of a row."""
    return tuple(row[name] for name in names)
