"""Jobs in SQL."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ..clock import to_text
from ..domain.jobs import Job, JobState, NewJob
from ..errors import NotFound
from ..ports.queries import LaneStats, Visible
from ..ports.wakeup import Ring
from . import rows
from .session import Row, SqlSession
from .tasks import visibility


class SqlJobs:
    """Background work."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def add(self, job: NewJob, now: datetime) -> int | None:
        """Store a job; None when one with its unique key waits already."""
        columns = _columns(job, now)
        # A single one is new as a rule: it is looked for only when it turns out to be in the way.
        row = self._session.one("insert_job", **columns)
        return int(row["id"]) if row is not None else self._add(columns)

    def add_many(self, jobs: Sequence[NewJob], now: datetime) -> Sequence[int | None]:
        """Store many jobs, as `add` does."""
        stored = [_columns(job, now) for job in jobs]
        if any(columns["unique_key"] is not None for columns in stored):
            return [self._add(columns) for columns in stored]
        return self._session.insert("insert_job", stored)

    def _add(self, columns: Mapping[str, Any]) -> int | None:
        """Store a job, unless one with its unique key waits.

        We hold on to the one that waits, so that none runs it before our commit: it would not see what we wrote. One
        that began to run meanwhile does not count: then this one is added.
        """
        while True:
            if columns["unique_key"] is not None and self.hold([columns["unique_key"]]):
                return None
            if (row := self._session.one("insert_job", **columns)) is not None:
                return int(row["id"])

    def hold(self, unique_keys: Sequence[str]) -> set[str]:
        """Hold on to the jobs with these keys that wait; the keys of those."""
        found = self._session.all("share_waiting_jobs", unique_keys=tuple(unique_keys))
        return {row["unique_key"] for row in found}

    def claim(
        self, lanes: Sequence[str], *, limit: int, worker: str, now: datetime, until: datetime,
        ids: Sequence[int] | None = None,
    ) -> list[Job]:  # fmt: skip
        """Take due jobs, each for one worker until its lease ends."""
        lease = {"worker": worker, "now": to_text(now), "locked_until": to_text(until)}
        if ids is None:
            found = self._session.all("claim_jobs", **lease, lanes=tuple(lanes), limit=limit)
        else:
            found = self._session.all("claim_named_jobs", **lease, ids=tuple(ids))
        return sorted((_job(row) for row in found), key=lambda job: (-job.priority, job.run_at, job.id))

    def due(self, lanes: Sequence[str], limit: int, now: datetime) -> builtins.list[Ring]:
        """Jobs that could be taken now."""
        found = self._session.all("due_jobs", lanes=tuple(lanes), limit=limit, now=to_text(now))
        return [Ring(row["lane"], row["id"]) for row in found]

    def renew(self, ids: Sequence[int], worker: str, until: datetime) -> int:
        """Lengthen leases; how many are still the worker's."""
        return self._session.run("renew_jobs", ids=tuple(ids), worker=worker, locked_until=to_text(until))

    def finish(self, job: Job, state: JobState, error: str | None, now: datetime) -> bool:
        """Record the end of an attempt; false when the lease was lost meanwhile."""
        changed = self._session.run(
            "finish_job", id=job.id, attempt=job.attempt, worker=job.locked_by, state=str(state), last_error=error,
            now=to_text(now),
        )  # fmt: skip
        return bool(changed)

    def finish_many(self, jobs: Sequence[Job], now: datetime) -> set[int]:
        """Record that attempts ended well; the ids of those whose lease was not lost meanwhile."""
        alike: dict[tuple[int, str | None], builtins.list[int]] = {}
        for job in jobs:
            alike.setdefault((job.attempt, job.locked_by), []).append(job.id)
        kept: set[int] = set()
        for (attempt, worker), ids in sorted(alike.items(), key=lambda item: min(item[1])):
            found = self._session.all(
                "finish_jobs", ids=tuple(sorted(ids)), attempt=attempt, worker=worker, now=to_text(now)
            )
            kept.update(row["id"] for row in found)
        return kept

    def postpone(self, job: Job, run_at: datetime, *, attempt: int, error: str | None) -> bool:
        """Have a running job run again later; false when the lease was lost meanwhile."""
        changed = self._session.run(
            "postpone_job", id=job.id, attempt=job.attempt, worker=job.locked_by, run_at=to_text(run_at),
            next_attempt=attempt, last_error=error,
        )  # fmt: skip
        return bool(changed)

    def next_of_subject(self, subject: str, after: int, now: datetime) -> Ring | None:
        """The job that the end of another sets free."""
        row = self._session.one("next_of_subject", subject=subject, id=after, now=to_text(now))
        return None if row is None else Ring(row["lane"], row["id"])

    def expired(self, now: datetime, limit: int) -> builtins.list[Job]:
        """Running jobs whose lease ended."""
        return [_job(row) for row in self._session.all("expired_jobs", now=to_text(now), limit=limit)]

    def release(self, job: Job, error: str, run_at: datetime) -> bool:
        """Hand a running job back, to run again from then on."""
        return bool(
            self._session.run("release_job", id=job.id, attempt=job.attempt, last_error=error, run_at=to_text(run_at))
        )

    def kill(self, job: Job, error: str, now: datetime) -> bool:
        """Give a running job up."""
        return bool(self._session.run("kill_job", id=job.id, attempt=job.attempt, last_error=error, now=to_text(now)))

    def revive(self, job_id: int, now: datetime) -> bool:
        """Set a dead or cancelled job to work again."""
        return bool(self._session.run("revive_job", id=job_id, now=to_text(now)))

    def get(self, job_id: int) -> Job:
        """One."""
        row = self._session.one("get_job", id=job_id) if abs(job_id) < 2**63 else None
        if row is None:
            raise NotFound(f"there is no job {job_id}")
        return _job(row)

    def list(
        self, *, state: str | None, lane: str | None, kind: str | None, after: int, limit: int, visible: Visible = None
    ) -> builtins.list[Job]:
        """Jobs by id."""
        found = self._session.all(
            "list_jobs", **visibility(visible), state=state, lane=lane, kind=kind, after_id=after, limit=limit
        )
        return [_job(row) for row in found]

    def stats(self) -> builtins.list[LaneStats]:
        """How many jobs are where."""
        return [
            LaneStats(
                lane=row["lane"],
                state=JobState(row["state"]),
                number=row["number"],
                oldest=rows.maybe_at(row["oldest"]),
            )
            for row in self._session.all("job_stats")
        ]

    def ended(self, since: datetime) -> Mapping[tuple[str, JobState], int]:
        """How many of the latest jobs ended since, by lane and state."""
        found = self._session.all("recent_jobs", since=to_text(since))
        return {(row["lane"], JobState(row["state"])): row["number"] for row in found}

    def take_schedule(self, name: str, now: datetime, next_at: datetime, *, early: timedelta = timedelta()) -> bool:
        """Whether a schedule is due; true for one caller only."""
        self._session.run("init_schedule", name=name, due_at=to_text(now))
        # A time so far off was written by a clock that has been set back since. One period is allowed for the clocks
        # of several workers, which never agree: what another has just taken must not look far off.
        latest = next_at + (next_at - now)
        times = {"next_at": next_at, "by": now + early, "latest": latest}
        taken = self._session.run("take_schedule", name=name, **{key: to_text(at) for key, at in times.items()})
        return bool(taken)

    def forget(self, before: datetime, *, after: int, size: int) -> tuple[int, int | None]:
        """Forget those that are done before that time, among the next so many after an id.

        How many they were, and the last id that was looked at; None when the rest is younger.
        """
        page = self._session.one("page_of_jobs", after=after, size=size)
        if page is None or page["last"] is None or rows.at(page["oldest"]) >= before:
            return 0, None
        last = int(page["last"])
        return self._session.run("forget_jobs", after=after, last=last, before=to_text(before)), last


def _columns(job: NewJob, now: datetime) -> dict[str, Any]:
    return {
        "kind": job.kind,
        "lane": job.lane,
        "payload": rows.to_json(dict(job.payload)),
        "event_id": job.event_id,
        "subject": job.subject,
        "unique_key": job.unique_key,
        "max_attempts": job.max_attempts,
        "run_at": to_text(job.run_at or now),
        "now": to_text(now),
        "priority": job.priority,
    }


def _job(row: Row) -> Job:
    """A job."""
    fields = dict(row)
    fields.update(
        state=JobState(row["state"]),
        payload=rows.from_json(row["payload"]),
        run_at=rows.at(row["run_at"]),
        created_at=rows.at(row["created_at"]),
        locked_until=rows.maybe_at(row["locked_until"]),
        finished_at=rows.maybe_at(row["finished_at"]),
    )
    return Job(**fields)
