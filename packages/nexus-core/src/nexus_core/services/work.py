"""The unit of work: one transaction in which a change, its events and the jobs that they cause are written together."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from ..clock import Clock
from ..config import Config
from ..domain.access import Actor
from ..domain.events import Event
from ..domain.jobs import NewJob
from ..errors import Contention, Invalid, NotFound
from ..plugins.manager import Plugins
from ..plugins.records import EventHandler
from ..ports.wakeup import Ring, Wakeup

if TYPE_CHECKING:
    from ..plugins.context import Context
    from ..ports.collections import Access, Assignments, Changes, Deliveries, Events, Jobs, Repositories, Tasks
    from ..ports.graph import TaskGraph
    from ..ports.storage import Store, Transaction

T = TypeVar("T")
TRIES = 6
"""How often a transaction is tried when others write the same."""


class Work:
    """A transaction with the time, and with the power to record events and enqueue jobs."""

    def __init__(self, transaction: Transaction, now: datetime, plugins: Plugins) -> None:
        self._transaction = transaction
        self.now = now
        self.rings: list[Ring] = []
        self._shared: dict[str, NewJob] = {}  #: by unique key: written last, see `settle`
        self._plugins = plugins

    @property
    def tasks(self) -> Tasks:
        """The collection of the transaction."""
        return self._transaction.tasks

    @property
    def graph(self) -> TaskGraph:
        """The collection of the transaction."""
        return self._transaction.graph

    @property
    def repositories(self) -> Repositories:
        """The collection of the transaction."""
        return self._transaction.repositories

    @property
    def changes(self) -> Changes:
        """The collection of the transaction."""
        return self._transaction.changes

    @property
    def assignments(self) -> Assignments:
        """The collection of the transaction."""
        return self._transaction.assignments

    @property
    def events(self) -> Events:
        """The collection of the transaction."""
        return self._transaction.events

    @property
    def jobs(self) -> Jobs:
        """The collection of the transaction."""
        return self._transaction.jobs

    @property
    def deliveries(self) -> Deliveries:
        """The collection of the transaction."""
        return self._transaction.deliveries

    @property
    def access(self) -> Access:
        """The collection of the transaction."""
        return self._transaction.access

    def record(
        self,
        kind: type[Event] | str,
        /,
        *,
        actor: Actor,
        task_id: int | None = None,
        repository_id: int | None = None,
        assignment_id: int | None = None,
        delivery: str | None = None,
        **payload: Any,
    ) -> Event:
        """Append an event, and with it the jobs of the handlers that listen for it."""
        event = self.events.append(
            kind if isinstance(kind, str) else kind.TYPE,
            actor=actor,
            now=self.now,
            task_id=task_id,
            repository_id=repository_id,
            assignment_id=assignment_id,
            delivery=delivery,
            payload=payload,
        )
        self._hand_on([event])
        return event

    def record_many(
        self,
        kind: type[Event],
        items: Sequence[Mapping[str, Any]],
        *,
        actor: Actor,
        delivery: str | None = None,
    ) -> None:
        """Append many events of one type at once: each item has `task_id`, `repository_id` and `payload`."""
        if items:
            self._hand_on(self.events.append_many(kind.TYPE, items, actor=actor, now=self.now, delivery=delivery))

    def _hand_on(self, events: Sequence[Event]) -> None:
        """Write the jobs of the handlers that listen for these events, which are of one type."""
        jobs: list[NewJob] = []
        for handler in self._plugins.handlers_for(events[0].type):
            if handler.coalesce:
                self._share(handler, handler.coalesce, events)
            else:
                jobs += [self._job(handler, event, subject=_subject(handler.name, event)) for event in events]
        self._add(jobs)

    def _share(self, handler: EventHandler, coalesce: Callable[[Event], str | None], events: Sequence[Event]) -> None:
        for event in events:
            if (shared := coalesce(event)) is not None:
                key = f"{handler.name}:{shared}"
                self._shared.setdefault(key, self._job(handler, event, unique_key=key))

    def _job(
        self, handler: EventHandler, event: Event, *, subject: str | None = None, unique_key: str | None = None
    ) -> NewJob:
        return NewJob(
            kind=handler.name,
            lane=handler.lane,
            event_id=event.id,
            subject=subject,
            unique_key=unique_key,
            run_at=self.now + handler.delay,
            max_attempts=handler.max_attempts,
        )

    def settle(self) -> None:
        """Write what is to be written last: the jobs that transactions share.

        Who writes a unique key makes others with the same key wait for the commit, so nothing that could make it wait
        for them may follow; and all write their keys in one order.
        """
        self._add([job for _, job in sorted(self._shared.items())])
        self._shared.clear()

    def _add(self, jobs: Sequence[NewJob]) -> None:
        for job, job_id in zip(jobs, self.jobs.add_many(jobs, self.now) if jobs else (), strict=True):
            self._ring(job, job_id)

    def enqueue(self, job: NewJob) -> int | None:
        """Write a job; None when one with its unique key waits already."""
        job_id = self.jobs.add(job, self.now)
        self._ring(job, job_id)
        return job_id

    def _ring(self, job: NewJob, job_id: int | None) -> None:
        if job_id is not None and (job.run_at is None or job.run_at <= self.now):
            self.rings.append(Ring(job.lane, job_id))


def _subject(handler: str, event: Event) -> str | None:
    for name, value in (("task", event.task_id), ("repository", event.repository_id)):
        if value is not None:
            return f"{handler}:{name}:{value}"
    return None


class UnitOfWork:
    """Runs work in transactions, tries again when others write the same, and rings after the commit."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        plugins: Plugins,
        wakeup: Wakeup,
        config: Config,
        context: Callable[[str], Context],
    ) -> None:
        self.store = store
        self.clock = clock
        self.plugins = plugins
        self.wakeup = wakeup
        self.config = config
        self.context = context  #: makes the context in which a plugin's function is called

    def write(self, action: Callable[[Work], T]) -> T:
        """Run `action` in a transaction that may write; it may be run again, so it must not act outside of it."""
        for attempt in range(1, TRIES + 1):
            try:
                with self.store.writing() as transaction:
                    work = Work(transaction, self.clock.now(), self.plugins)
                    result = action(work)
                    work.settle()
                if work.rings:
                    self.wakeup.ring(work.rings)
                return result
            except Contention:
                if attempt == TRIES:
                    raise
                time.sleep(random.uniform(0.002, 0.02) * attempt)  # noqa: S311 - a wait, not a secret
        raise AssertionError("unreachable")

    def estimate(self, *, text: str, dependencies: int, subtasks: int) -> int:
        """A task's complexity by the estimator of the configuration. :raises Invalid: there is no such estimator"""
        name = self.config["complexity.estimator"]
        estimator = self.plugins.estimators.get(name)
        if estimator is None:
            raise Invalid(f"there is no complexity estimator “{name}”; see complexity.estimator in the configuration")
        return int(estimator.estimate(text=text, dependencies=dependencies, subtasks=subtasks).score)

    @contextmanager
    def read(self) -> Iterator[Work]:
        """A transaction that only reads."""
        with self.store.reading() as transaction:
            yield Work(transaction, self.clock.now(), self.plugins)


def require_seen(actor: Actor, repository_id: int | None, what: str) -> None:
    """Things of repositories that the actor's key does not cover do not exist for it.

    :raises NotFound:
    """
    if not actor.sees(repository_id):
        raise NotFound(f"there is no {what}")


def repository_of(work: Work, wanted: int | str | None, actor: Actor) -> int | None:
    """The id of a repository that is named by id or by `owner/name`. :raises NotFound:"""
    if wanted is None:
        return None
    if isinstance(wanted, str) and not wanted.isdigit():
        found = work.repositories.find(wanted)
        if found is None or not actor.sees(found.id):
            raise NotFound(f"there is no repository {wanted}")
        return found.id
    found_id = work.repositories.get(int(wanted)).id
    require_seen(actor, found_id, f"repository {wanted}")
    return found_id


def said_from(value: object) -> dict[str, Any]:
    """The payload entry `from`, which Python cannot spell as a keyword."""
    return {"from": str(value)}
