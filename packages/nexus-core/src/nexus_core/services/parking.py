"""Parked tasks: when their time comes nobody does anything, so somebody has to look, and say so."""

from __future__ import annotations

from datetime import datetime

from ..clock import from_text, to_text
from ..domain.access import system_actor
from ..domain.events import TaskReady
from . import upkeep
from .work import Work

_LOOKED = "parked:looked_at"
_TURN = "parked:turn"


def wake(work: Work) -> list[int]:
    """Record `task.ready` for the tasks whose parking ended since the last look; which they are.

    The look and its events are one transaction: each waking is told once, however often and from wherever it is looked.
    """
    work.access.set_meta(_TURN, to_text(work.now))  # whoever writes it first goes first, and the next sees what it told
    before = work.access.meta(_LOOKED)
    since = from_text(before) if before else None
    woken = [task_id for task_id, until in work.tasks.woken(since, work.now) if not _was_told(work, task_id, until)]
    upkeep.announce_ready(work, woken, actor=system_actor(), because=None, delivery=None)
    work.access.set_meta(_LOOKED, to_text(work.now))
    return woken


def _was_told(work: Work, task_id: int, until: datetime) -> bool:
    """Whether it was told since then, such as by the edit that set the time, or by the end of what it waited for."""
    last = work.events.list(after=0, kind=TaskReady.TYPE, task_id=task_id, visible=None, limit=1, newest=True)
    return bool(last) and last[-1].created_at >= until
