"""Jobs: units of background work, and what may come of one."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs

LANES = ("default", "agents", "docs", "notify")


class JobState(enum.StrEnum):
    """Where a job stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"
    CANCELLED = "cancelled"


@attrs.frozen(kw_only=True)
class Job:
    """One unit of background work: a row."""

    id: int
    kind: str  #: the name of the handler that runs it
    lane: str
    state: JobState
    attempt: int  #: how often it was started
    max_attempts: int
    run_at: datetime
    created_at: datetime
    payload: Mapping[str, Any] = attrs.field(factory=dict)
    event_id: int | None = None
    subject: str | None = None  #: jobs of one subject run in order
    unique_key: str | None = None
    locked_until: datetime | None = None
    locked_by: str | None = None
    last_error: str | None = None
    finished_at: datetime | None = None
    priority: int = 0  #: of the jobs of a lane that are due, the highest is begun first

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt at this job, and for no other job."""
        return f"nexus-job-{self.id}"


@attrs.frozen(kw_only=True)
class NewJob:
    """A job that is to be written with the change that causes it."""

    kind: str
    lane: str = "default"
    payload: Mapping[str, Any] = attrs.field(factory=dict)
    event_id: int | None = None
    subject: str | None = None
    unique_key: str | None = None
    run_at: datetime | None = None  #: None = now
    max_attempts: int = 12
    priority: int = 0  #: the higher, the earlier


@attrs.frozen
class Done:
    """The job is done."""

    note: str | None = None


@attrs.frozen
class Retry:
    """The job failed; it is tried again after a while, until its attempts are used up."""

    error: str


@attrs.frozen
class Snooze:
    """Not now: the job runs again after this time, and the attempt does not count."""

    for_: timedelta


@attrs.frozen
class Cancel:
    """The job is not to be done at all."""

    reason: str


Outcome = Done | Retry | Snooze | Cancel

BACKOFF_BASE = timedelta(seconds=2)
BACKOFF_CAP = timedelta(minutes=10)


def backoff(attempt: int, chance: float) -> timedelta:
    """How long to wait after a failed attempt: exponential with full jitter.

    `chance` is a random number in [0, 1). The wait is spread over the upper nine tenths of the window, so that a
    second attempt never follows at once.

    >>> backoff(1, 0.0), backoff(3, 0.5), backoff(60, 0.999) < timedelta(minutes=10)
    (datetime.timedelta(microseconds=200000), datetime.timedelta(seconds=4, microseconds=400000), True)
    """
    window = min(BACKOFF_BASE * 2 ** min(attempt - 1, 20), BACKOFF_CAP)
    return timedelta(seconds=window.total_seconds() * (0.1 + 0.9 * chance))
