"""Jobs: taken, run, settled, swept. The row is the truth; brokers carry hints."""

from __future__ import annotations

import builtins
import logging
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from ..domain.access import LOCAL, Actor, system_actor
from ..domain.events import AlertRaised, AlertResolved, JobDied, JobRetried
from ..domain.jobs import LANES, Cancel, Done, Job, JobState, NewJob, Outcome, Retry, Snooze, backoff
from ..errors import Conflict, NotFound
from ..plugins.records import EventHandler, JobHandler, Schedule
from ..ports.queries import LaneFigures, LaneStats
from ..ports.wakeup import Ring
from . import rests
from .assignments import AssignmentService
from .work import UnitOfWork, Work, require_seen, said_from

log = logging.getLogger("nexus.jobs")

MISSING_HANDLER_WAIT = timedelta(minutes=5)
"""A job whose plugin is not installed waits so long and is looked at again; it is never lost."""

START_APART = timedelta(minutes=1)
"""What is to be done when a worker starts is done once for all that start within this time."""


CLOCKS_APART = timedelta(milliseconds=100)
"""How far the clocks of two processes may be apart: who is told of a job takes it when it is nearly due by its own.

The shortest wait before another attempt is twice as long, so that no stale word of a job makes it run too early.
"""


class JobService:
    """Background work."""

    def __init__(self, unit: UnitOfWork, assignments: AssignmentService) -> None:
        self._unit = unit
        self._assignments = assignments

    # For those who cause work -----------------------------------------------------------------------------------------

    def enqueue(
        self,
        kind: str,
        payload: Mapping[str, Any],
        *,
        subject: str | None = None,
        unique_key: str | None = None,
        delay: timedelta | None = None,
    ) -> int | None:
        """Have a job run in the background; None when one with its unique key waits already. :raises NotFound:"""
        handler = self._unit.plugins.job_handlers.get(kind)
        if handler is None:
            raise NotFound(f"no installed plugin runs jobs of the kind {kind}")

        def action(work: Work) -> int | None:
            run_at = work.now + delay if delay else None
            return work.enqueue(
                NewJob(
                    kind=kind,
                    lane=handler.lane,
                    payload=payload,
                    subject=subject,
                    unique_key=unique_key,
                    run_at=run_at,
                    max_attempts=handler.max_attempts,
                    priority=handler.priority,
                )
            )

        return self._unit.write(action)

    # For workers ------------------------------------------------------------------------------------------------------

    def claim(
        self, lanes: Sequence[str], limit: int, worker: str, *, job_ids: Sequence[int] | None = None
    ) -> builtins.list[Job]:
        """Take due jobs; each is the worker's until its lease ends. Those that it was told of may be `job_ids`."""
        lease = self._unit.config["worker.lease"]
        early = timedelta() if job_ids is None else CLOCKS_APART
        return self._unit.write(
            lambda work: work.jobs.claim(
                lanes, limit=limit, worker=worker, now=work.now + early, until=work.now + lease, ids=job_ids
            )
        )

    def heartbeat(self, job_ids: Sequence[int], worker: str) -> int:
        """Lengthen the leases of running jobs; how many are still the worker's."""
        if not job_ids:
            return 0
        lease = self._unit.config["worker.lease"]
        return self._unit.write(lambda work: work.jobs.renew(job_ids, worker, work.now + lease))

    def run(self, job: Job) -> Job:
        """Run a claimed job, and record what came of it."""
        self.settle([(job, self.perform(job))])
        return self.get(job.id)

    def perform(self, job: Job) -> Outcome:
        """Run a claimed job outside any transaction. What comes of it is to be recorded by `settle`."""
        started = time.perf_counter()
        try:
            outcome = self._call(job) or Done()
        except Exception as error:
            # Whatever a handler raises is this job's affair alone: it is recorded, and tried again.
            log.warning("job %s %s failed: %s", job.id, job.kind, error, exc_info=log.isEnabledFor(logging.DEBUG))
            outcome = Retry(f"{type(error).__name__}: {error}")
        log.info(
            "job %s %s attempt %s: %s in %.0f ms", job.id, job.kind, job.attempt, type(outcome).__name__.lower(),
            1000 * (time.perf_counter() - started),
        )  # fmt: skip
        return outcome

    def settle(self, ended: Sequence[tuple[Job, Outcome]]) -> None:
        """Record what came of jobs that were run, in one transaction: all, or none, and then their leases end."""
        self._unit.write(lambda work: self._settle_all(work, ended))

    def _settle_all(self, work: Work, ended: Sequence[tuple[Job, Outcome]]) -> None:
        plain = [job for job, outcome in ended if outcome == Done()]
        kept = work.jobs.finish_many(plain, work.now) if plain else set()
        for job, outcome in ended:
            if outcome == Done():
                self._settled(work, job, kept=job.id in kept)
            else:
                self._settle(work, job, outcome)

    def time_limit(self, job: Job) -> timedelta | None:
        """How long an attempt of a job may take; None when there is no limit."""
        record = self._handler(job)
        return record.time_limit if record else None

    def _handler(self, job: Job) -> EventHandler | JobHandler | None:
        plugins = self._unit.plugins
        return plugins.event_handlers.get(job.kind) or plugins.job_handlers.get(job.kind)

    def _call(self, job: Job) -> Outcome | None:
        plugins = self._unit.plugins
        record = self._handler(job)
        if record is None:
            log.warning("job %s waits: no installed plugin handles %s", job.id, job.kind)
            return Snooze(MISSING_HANDLER_WAIT)
        ctx = attrs.evolve(
            self._unit.context(plugins.owner(record)),
            idempotency_key=job.idempotency_key,
            attempt=job.attempt,
        )
        if isinstance(record, JobHandler):
            return record.call(job, ctx)
        if (waits := rests.put_off(self._unit, job, record)) is not None:
            return waits
        event = self._unit.glance().events.get(job.event_id or 0)
        began = time.thread_time()
        outcome = record.call(event, attrs.evolve(ctx, delivery=event.delivery))
        rests.note(self._unit, job, record, timedelta(seconds=time.thread_time() - began))
        return outcome

    def _settle(self, work: Work, job: Job, outcome: Outcome) -> None:
        match outcome:
            case Done():
                kept = work.jobs.finish(job, JobState.DONE, outcome.note, work.now)
            case Cancel():
                kept = work.jobs.finish(job, JobState.CANCELLED, outcome.reason, work.now)
            case Snooze():
                kept = work.jobs.postpone(job, work.now + outcome.for_, attempt=job.attempt - 1, error=None)
            case Retry() if job.attempt >= job.max_attempts:
                kept = work.jobs.finish(job, JobState.DEAD, outcome.error[:4000], work.now)
                if kept:
                    _note_failure(work, job)
                    _tell_died(work, job, outcome.error)
            case Retry():
                wait = backoff(job.attempt, random.random())  # noqa: S311 - jitter, not a secret
                kept = work.jobs.postpone(job, work.now + wait, attempt=job.attempt, error=outcome.error[:4000])
                if kept:
                    _note_failure(work, job)
        self._settled(work, job, kept=kept)

    def _settled(self, work: Work, job: Job, *, kept: bool) -> None:
        if not kept:
            log.warning("job %s: its lease was lost meanwhile; what it did is not recorded", job.id)
        elif job.subject and (ring := work.jobs.next_of_subject(job.subject, job.id, work.now)):
            work.rings.append(ring)

    def hand_back(self, job: Job, *, begun: bool = True) -> None:
        """Let another worker take a running job at once: this one must stop.

        An attempt that was begun counts, because it may have had its effect: the next one looks before it repeats.
        """
        attempt = job.attempt if begun else job.attempt - 1
        self._unit.write(lambda work: work.jobs.postpone(job, work.now, attempt=attempt, error=None))

    def sweep(self, *, limit: int = 200, starting: bool = False) -> int:
        """Set what dead workers held to work again, take back lost assignments, start what is scheduled.

        A worker that is `starting` begins what is to be done then, too.
        """
        taken = self._unit.write(lambda work: self._reclaim(work, limit))
        lost = len(self._assignments.reclaim_lost())
        for schedule in self._unit.plugins.schedules.values():
            self._start(schedule, early=starting and schedule.at_start)
        return taken + lost

    def _start(self, schedule: Schedule, *, early: bool) -> None:
        """Enqueue what is due; of several workers that ask, one gets it, and its job is written with that."""
        handler = self._unit.plugins.job_handlers.get(schedule.kind)
        if handler is None:
            log.warning("schedule %s waits: no installed plugin runs jobs of the kind %s", schedule.name, schedule.kind)
            return
        lead = max(timedelta(), schedule.every - START_APART) if early else timedelta()

        def action(work: Work) -> None:
            if work.jobs.take_schedule(schedule.name, work.now, work.now + schedule.every, early=lead):
                key = f"schedule:{schedule.name}"
                work.enqueue(
                    NewJob(
                        kind=schedule.kind,
                        lane=handler.lane,
                        payload={},
                        unique_key=key,
                        max_attempts=handler.max_attempts,
                        priority=handler.priority,
                    )
                )

        self._unit.write(action)

    def _reclaim(self, work: Work, limit: int) -> int:
        taken = 0
        for job in work.jobs.expired(work.now, limit):
            error = f"its worker {job.locked_by} fell silent in attempt {job.attempt}"
            if job.attempt >= job.max_attempts:
                if work.jobs.kill(job, error, work.now):
                    _tell_died(work, job, error)
                    taken += 1
            elif work.jobs.release(job, error, run_at := work.now + _pause_after_loss(job.attempt)):
                if run_at == work.now:
                    work.rings.append(Ring(job.lane, job.id))
                taken += 1
        return taken

    def due(self, lanes: Sequence[str] = LANES, limit: int = 500) -> builtins.list[Ring]:
        """Jobs that could be taken now, such as those whose rings a broker lost."""
        with self._unit.read() as work:
            return work.jobs.due(lanes, limit, work.now)

    def drain(self, limit: int = 1000) -> dict[str, int]:
        """Run all due jobs here and now; how many ended in which state."""
        ended: Counter[str] = Counter()
        while sum(ended.values()) < limit:
            jobs = self.claim(LANES, 1, "drain")
            if not jobs:
                return dict(ended)
            for job in jobs:
                ended[str(self.run(job).state)] += 1
        return dict(ended)

    # For people -------------------------------------------------------------------------------------------------------

    def get(self, job_id: int, *, actor: Actor = LOCAL) -> Job:
        """One. :raises NotFound:"""
        with self._unit.read() as work:
            return _seen(work, work.jobs.get(job_id), actor)

    def list(
        self,
        *,
        state: str | None = None,
        lane: str | None = None,
        kind: str | None = None,
        after: int = 0,
        limit: int = 50,
        actor: Actor = LOCAL,
    ) -> builtins.list[Job]:
        """Jobs by id; to a narrowed actor only those that an event of its repositories caused."""
        with self._unit.read() as work:
            return work.jobs.list(
                state=state, lane=lane, kind=kind, visible=actor.repositories, after=after, limit=limit
            )

    def retry(self, job_id: int, *, actor: Actor = LOCAL) -> Job:
        """Set a dead or cancelled job to work again. :raises Conflict: it is neither"""

        def action(work: Work) -> Job:
            job = _seen(work, work.jobs.get(job_id), actor)
            if not work.jobs.revive(job_id, work.now):
                raise Conflict(f"job {job_id} is {job.state}; only a dead or cancelled one can be set to work again")
            work.record(JobRetried, actor=actor, job_id=job_id, kind=job.kind, **said_from(job.state))
            work.rings.append(Ring(job.lane, job.id))
            return work.jobs.get(job_id)

        return self._unit.write(action)

    def stats(self) -> builtins.list[LaneStats]:
        """How many jobs are where."""
        with self._unit.read() as work:
            return work.jobs.stats()

    def ended_a_minute(self) -> Mapping[tuple[str, JobState], int]:
        """How many of the latest jobs ended within the last minute, by lane and state."""
        with self._unit.read() as work:
            return work.jobs.ended(work.now - timedelta(minutes=1))

    def lanes(self) -> builtins.list[LaneFigures]:
        """How each lane is doing."""
        with self._unit.read() as work:
            stats = {(one.lane, one.state): one for one in work.jobs.stats()}
            ended = work.jobs.ended(work.now - timedelta(minutes=1))

        def number(lane: str, state: JobState) -> int:
            return stats[lane, state].number if (lane, state) in stats else 0

        def oldest(lane: str) -> datetime | None:
            return stats[lane, JobState.PENDING].oldest if (lane, JobState.PENDING) in stats else None

        return [
            LaneFigures(
                lane=lane,
                waiting=number(lane, JobState.PENDING),
                running=number(lane, JobState.RUNNING),
                dead=number(lane, JobState.DEAD),
                oldest=oldest(lane),
                done_a_minute=ended.get((lane, JobState.DONE), 0),
                died_a_minute=ended.get((lane, JobState.DEAD), 0),
            )
            for lane in LANES
        ]


def _seen(work: Work, job: Job, actor: Actor) -> Job:
    """The job, when the actor may see it: what it carries is of the repository of the event that caused it."""
    if actor.repositories is not None:
        repository_id = None if job.event_id is None else work.events.get(job.event_id).repository_id
        require_seen(actor, repository_id, f"job {job.id}")
    return job


def _pause_after_loss(attempt: int) -> timedelta:
    """A worker may always die; one that dies again over the same job is given time, for the job may be the cause."""
    return timedelta() if attempt == 1 else backoff(attempt - 1, random.random())  # noqa: S311 - jitter, not a secret


_SILENT = frozenset({JobDied.TYPE, AlertRaised.TYPE, AlertResolved.TYPE})
"""No handler's failure may cause handlers without end: the jobs of handlers of these fail and die silently."""


def _is_silent(work: Work, job: Job) -> bool:
    return job.event_id is not None and work.events.get(job.event_id).type in _SILENT


def _note_failure(work: Work, job: Job) -> None:
    if not _is_silent(work, job):
        work.audit.note_failure(job.kind, work.now)


def _tell_died(work: Work, job: Job, error: str) -> None:
    if not _is_silent(work, job):
        work.record(JobDied, actor=system_actor(), job_id=job.id, kind=job.kind, error=error[:1000])
