"""The unit of work: one transaction in which a change, its events and the jobs that they cause are written together."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ..clock import Clock
from ..config import Config
from ..domain.access import Actor
from ..domain.events import Event, NewEvent
from ..domain.jobs import NewJob
from ..errors import Contention, NotFound
from ..plugins.manager import Plugins
from ..plugins.records import EventHandler
from ..ports.wakeup import Ring, Wakeup
from .policies import ClaimTimes

if TYPE_CHECKING:
    from ..plugins.context import Context
    from ..ports.answers import Answers
    from ..ports.audit import Audit
    from ..ports.changes import Changes, Issues
    from ..ports.charts import Charts
    from ..ports.collections import Access, Assignments, Deliveries, Events, Jobs, Repositories, Tasks
    from ..ports.graph import TaskGraph
    from ..ports.logins import Logins
    from ..ports.scores import Scores
    from ..ports.storage import Store, Transaction
    from ..ports.turns import Turns

T = TypeVar("T")
TRIES = 6
"""How often a transaction is tried when others write the same."""


besides: ContextVar[Callable[[Work], None] | None] = ContextVar("besides", default=None)
"""What every transaction writes beside its own, such as that a request which may be repeated took effect."""


class Work:
    """A transaction with the time, and with the power to record events and enqueue jobs."""

    def __init__(self, transaction: Transaction, now: datetime, plugins: Plugins, claim_times: ClaimTimes) -> None:
        self._transaction = transaction
        self.now = now
        self.claim_times = claim_times
        self.rings: list[Ring] = []
        self._added: list[tuple[Sequence[NewJob], Sequence[int | None]]] = []  #: jobs, and the ids that they were given
        self._said: list[NewEvent] = []
        self._made: list[Callable[[], NewJob]] = []  #: what handlers are to do, once the ids of the events are known
        self._shared: dict[str, Callable[[], NewJob]] = {}  #: by unique key: written last, see `settle`
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
    def scores(self) -> Scores:
        """The collection of the transaction."""
        return self._transaction.scores

    @property
    def charts(self) -> Charts:
        """The collection of the transaction."""
        return self._transaction.charts

    @property
    def repositories(self) -> Repositories:
        """The collection of the transaction."""
        return self._transaction.repositories

    @property
    def changes(self) -> Changes:
        """The collection of the transaction."""
        return self._transaction.changes

    @property
    def issues(self) -> Issues:
        """The collection of the transaction."""
        return self._transaction.issues

    @property
    def assignments(self) -> Assignments:
        """The collection of the transaction."""
        return self._transaction.assignments

    @property
    def events(self) -> Events:
        """The collection of the transaction, with what was recorded so far."""
        self.tell()
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
    def audit(self) -> Audit:
        """The collection of the transaction."""
        return self._transaction.audit

    @property
    def access(self) -> Access:
        """The collection of the transaction."""
        return self._transaction.access

    @property
    def logins(self) -> Logins:
        """The collection of the transaction."""
        return self._transaction.logins

    @property
    def answers(self) -> Answers:
        """The collection of the transaction."""
        return self._transaction.answers

    @property
    def turns(self) -> Turns:
        """The collection of the transaction."""
        return self._transaction.turns

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
    ) -> None:
        """Append an event, and with it the jobs of the handlers that listen for it.

        The events of a transaction are written together, at its end or when somebody asks for `events`; the jobs at its
        end.
        """
        self._said.append(
            NewEvent(
                type=kind if isinstance(kind, str) else kind.TYPE,
                actor=actor,
                task_id=task_id,
                repository_id=repository_id,
                assignment_id=assignment_id,
                delivery=delivery,
                payload=payload,
            )
        )

    def record_many(
        self,
        kind: type[Event],
        items: Sequence[Mapping[str, Any]],
        *,
        actor: Actor,
        delivery: str | None = None,
    ) -> None:
        """Append many events of one type: each item has `task_id`, `repository_id` and `payload`."""
        self._said += [NewEvent(type=kind.TYPE, actor=actor, delivery=delivery, **item) for item in items]

    def tell(self) -> Sequence[int]:
        """Write the events that were recorded; their ids. The jobs of the handlers that listen for them come last."""
        said, self._said = self._said, []
        if not said:
            return []
        ids = self._transaction.events.add(said, self.now)
        for index, new in enumerate(said):
            for handler in self._plugins.handlers_for(new.type):
                if handler.when is not None and not handler.when(new.stored(0, self.now)):
                    continue
                if handler.coalesce is None:
                    self._made.append(partial(self._job_of, handler, ids, index, subject=_subject(handler.name, new)))
                elif (shared := handler.coalesce(new.stored(0, self.now))) is not None:
                    key = f"{handler.name}:{shared}"
                    self._shared.setdefault(key, partial(self._job_of, handler, ids, index, unique_key=key))
        return ids

    def _job_of(
        self, handler: EventHandler, ids: Sequence[int], index: int, *, subject: str | None = None,
        unique_key: str | None = None,
    ) -> NewJob:  # fmt: skip
        """Made late: until somebody asks for the ids, the store need not give them."""
        return NewJob(
            kind=handler.name,
            lane=handler.lane,
            event_id=ids[index],
            subject=subject,
            unique_key=unique_key,
            run_at=self.now + handler.delay,
            max_attempts=handler.max_attempts,
            priority=handler.priority,
        )

    def settle(self) -> None:
        """Write what is to be written last: the events, and the jobs that transactions share.

        Who writes a unique key makes others with the same key wait for the commit, so nothing that could make it wait
        for them may follow; and all write their keys in one order.
        """
        self.tell()
        held = self.jobs.hold(sorted(self._shared)) if self._shared else set()
        if jobs := [made() for made in self._made]:
            self._added.append((jobs, self.jobs.add_many(jobs, self.now)))
        for key, made in sorted(self._shared.items()):
            if key not in held:
                self.enqueue(made())
        self._made.clear()
        self._shared.clear()

    def enqueue_shared(self, job: NewJob) -> None:
        """Write a job with a unique key when the transaction ends, unless one with that key waits already."""
        self._shared.setdefault(job.unique_key or "", lambda: job)

    def enqueue(self, job: NewJob) -> int | None:
        """Write a job; None when one with its unique key waits already."""
        job_id = self.jobs.add(job, self.now)
        self._added.append(([job], [job_id]))
        return job_id

    def due(self) -> list[Ring]:
        """What workers are to be told once the transaction is committed."""
        return self.rings + [
            Ring(job.lane, job_id)
            for jobs, ids in self._added
            for job, job_id in zip(jobs, ids, strict=True)
            if job_id is not None and (job.run_at is None or job.run_at <= self.now)
        ]


def _subject(handler: str, event: NewEvent) -> str | None:
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
        self._claim_times = ClaimTimes()

    def write(self, action: Callable[[Work], T]) -> T:
        """Run `action` in a transaction that may write; it may be run again, so it must not act outside of it."""
        for attempt in range(1, TRIES + 1):
            try:
                with self.store.writing() as transaction:
                    work = Work(transaction, self.clock.now(), self.plugins, self._claim_times)
                    result = action(work)
                    if (beside := besides.get()) is not None:
                        beside(work)
                    work.settle()
                if due := work.due():
                    self.wakeup.ring(due)
                return result
            except Contention:
                if attempt == TRIES:
                    raise
                time.sleep(random.uniform(0.002, 0.02) * attempt)  # noqa: S311 - a wait, not a secret
        raise AssertionError("unreachable")

    @contextmanager
    def read(self) -> Iterator[Work]:
        """A transaction that only reads."""
        with self.store.reading() as transaction:
            yield Work(transaction, self.clock.now(), self.plugins, self._claim_times)

    def glance(self) -> Work:
        """Reads, each of which sees the state of its own moment: cheaper, where one look is enough."""
        return Work(self.store.glance(), self.clock.now(), self.plugins, self._claim_times)


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
    if isinstance(wanted, str) and not (wanted.isascii() and wanted.isdigit() and len(wanted) <= 19):
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
