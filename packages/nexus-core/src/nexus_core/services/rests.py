"""Rests: what takes long and would be done anew at every change leaves the processor to others in between.

A handler whose work grows with a repository, such as rendering its documents, asks for rests of so many times what a
run took. While its key rests, a job of that key only waits for the end of the rest, and other events share it. Until
when is kept in the hub's memory, `rest:<key>`.
"""

from __future__ import annotations

from datetime import timedelta

from ..clock import from_text, to_text
from ..domain.jobs import Done, Job, NewJob
from ..plugins.records import EventHandler
from .work import UnitOfWork, Work

_KEPT = "rest:"

SHORT = timedelta(seconds=0.5)
"""A run that took the processor for less is no burden."""

LONGEST = timedelta(minutes=10)
"""Nothing waits longer for its turn."""


def put_off(unit: UnitOfWork, job: Job, handler: EventHandler) -> Done | None:
    """Have a job wait while its key rests; None when it does not rest, or knows no rests."""
    if not handler.rest or job.unique_key is None:
        return None
    work = unit.glance()
    until = work.access.meta(f"{_KEPT}{job.unique_key}")
    if not until or from_text(until) <= work.now:
        return None
    instead = NewJob(
        kind=job.kind, lane=job.lane, event_id=job.event_id, unique_key=job.unique_key, run_at=from_text(until),
        max_attempts=job.max_attempts, priority=job.priority,
    )  # fmt: skip
    unit.write(lambda work: work.enqueue(instead))
    return Done(f"put off until {until}")


def note(unit: UnitOfWork, job: Job, handler: EventHandler, took: timedelta) -> None:
    """Note that a run took the processor for so long."""
    if not handler.rest or job.unique_key is None or took < SHORT:
        return
    rest = min(took * handler.rest, LONGEST)

    def action(work: Work) -> None:
        work.access.set_meta(f"{_KEPT}{job.unique_key}", to_text(work.now + rest))

    unit.write(action)
