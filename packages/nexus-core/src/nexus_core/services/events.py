"""Events: the story, and the feed."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any

from ..domain.access import LOCAL, Actor
from ..domain.events import Event
from .work import UnitOfWork, Work


class EventService:
    """The append-only table of all that happened."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    def list(
        self,
        after: int = 0,
        *,
        type: str | None = None,
        task: int | None = None,
        limit: int = 50,
        newest: bool = False,
        actor: Actor = LOCAL,
    ) -> builtins.list[Event]:
        """Events after one, in the order of commits; with `newest` the latest, oldest of them first.

        `type` may end in `*`. Following the feed with `after` never misses a row.
        """
        with self._unit.read() as work:
            return work.events.list(
                after=after, kind=type, task_id=task, visible=actor.repositories, limit=limit, newest=newest
            )

    def get(self, event_id: int) -> Event:
        """One. :raises NotFound:"""
        with self._unit.read() as work:
            return work.events.get(event_id)

    def record(
        self,
        type: str,
        *,
        payload: Mapping[str, Any],
        task_id: int | None = None,
        repository_id: int | None = None,
        assignment_id: int | None = None,
        delivery: str | None = None,
        once: str | None = None,
        actor: Actor = LOCAL,
    ) -> Event | None:
        """Append an event of a plugin's own; with `once`, only if none of this type and task holds that text."""

        def action(work: Work) -> Event | None:
            if once is not None and work.events.has(type, task_id, once):
                return None
            work.record(
                type, actor=actor, task_id=task_id, repository_id=repository_id, assignment_id=assignment_id,
                delivery=delivery, **payload,
            )  # fmt: skip
            event_id = work.tell()[-1]
            return work.events.get(event_id)

        return self._unit.write(action)
