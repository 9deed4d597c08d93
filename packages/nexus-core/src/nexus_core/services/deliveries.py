"""Deliveries: verified, stored once with their job, handled later."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from ..clock import to_text
from ..domain.access import LOCAL, Actor, plugin_actor, system_actor
from ..domain.deliveries import Delivery, DeliveryState, Reply, VerifiedDelivery
from ..domain.events import DeliveryDuplicated, DeliveryRefused, DeliveryReplayed, DeliverySpooled
from ..domain.jobs import Done, Job, NewJob, Outcome
from ..errors import Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from ..plugins.records import DeliverySource
from ..ports.spool import Spooled, SpoolState
from .changes import ChangeService
from .intake import Intake
from .refusals import Refusals
from .work import UnitOfWork, Work, require_seen

if TYPE_CHECKING:
    from ..plugins.context import Context

DELIVERY_JOB = "core.delivery"


@attrs.frozen(kw_only=True)
class Received:
    """What became of a webhook at the door."""

    delivery_id: int | None  #: None = it waits in the spool, and has none yet
    duplicate: bool = False
    spooled: bool = False  #: the store is away; it is stored when that is back
    reply: Reply | None = None


class DeliveryService:
    """Webhooks from the door to the facts."""

    def __init__(self, unit: UnitOfWork, changes: ChangeService, refusals: Refusals, intake: Intake) -> None:
        self._unit = unit
        self._changes = changes
        self._refusals = refusals
        self._intake = intake

    def receive(
        self,
        source: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        address: str = "",
        request_id: str | None = None,
    ) -> Received:
        """Verify a webhook, store it once with the job that will handle it, answer it.

        When the store does not take it within seconds, it is spooled, and stored later.

        :raises Unauthenticated: the signature is wrong; the refusal is recorded
        :raises Invalid: the body makes no sense
        :raises NotFound: no plugin receives from this source
        :raises Unavailable: it can neither be stored nor spooled
        """
        record = self._source(source)
        own = self._unit.context(self._unit.plugins.owner(record))
        lower = {name.lower(): value for name, value in headers.items()}
        with self._intake.patience() as may_try:
            try:
                verified = record.verify(body, lower, own)
            except (Unauthenticated, Forbidden, Invalid) as error:
                actor = attrs.evolve(system_actor(), address=address or None, request_id=request_id)
                self._refusals.note(DeliveryRefused, actor=actor, address=address, source=source, reason=error.message)
                error.is_on_record = True
                raise
            actor = attrs.evolve(plugin_actor(verified.source), address=address or None, request_id=request_id)
            received = self._stored(verified, actor) if may_try else None
        if received is None:
            return self._kept(record, verified, actor, own)
        reply = record.answer(verified, own) if record.answer else None
        return attrs.evolve(received, reply=reply)

    def _stored(self, verified: VerifiedDelivery, actor: Actor) -> Received | None:
        """What became of a delivery in the store; None when the store does not take it now."""
        try:
            received = self._unit.write(lambda work: self._store(work, verified, actor))
        except Unavailable as error:
            self._intake.failed(error)
            return None
        self._intake.succeeded()
        return received

    def _kept(self, record: DeliverySource, verified: VerifiedDelivery, actor: Actor, own: Context) -> Received:
        """Spool a delivery, unless its source would rather say that it cannot be taken now."""
        if record.away is not None and (reply := record.away(verified, own)) is not None:
            return Received(delivery_id=None, reply=reply)
        self._intake.keep(verified, actor)
        try:
            with self._intake.without_store():
                reply = record.answer(verified, own) if record.answer else None
        except Unavailable:
            reply = None  # that it is kept is answer enough
        return Received(delivery_id=None, spooled=True, reply=reply)

    def drain(self) -> int:
        """Store what was spooled while the store was away; how many. Several processes may do so at once.

        :raises Unavailable: the store is away
        """
        return self._intake.drain(self._take_back, self._look)

    def _look(self) -> None:
        with self._unit.read() as work:
            work.access.meta("health")

    def _take_back(self, spooled: Spooled) -> None:
        verified = spooled.delivery
        actor = attrs.evolve(plugin_actor(verified.source), address=spooled.address, request_id=spooled.request_id)
        self._unit.write(lambda work: self._store(work, verified, actor, spooled))

    def spool(self) -> SpoolState:
        """How many wait in the spool of this host; needs no store."""
        return self._intake.state()

    def _source(self, name: str) -> DeliverySource:
        record = self._unit.plugins.delivery_sources.get(name)
        if record is None:
            raise NotFound(f"no installed plugin receives webhooks from {name}")
        return record

    def _store(self, work: Work, verified: VerifiedDelivery, actor: Actor, spooled: Spooled | None = None) -> Received:
        stored = work.deliveries.add(verified, work.now if spooled is None else spooled.received_at)
        if spooled is not None:
            work.record(
                DeliverySpooled, actor=actor, delivery=f"{verified.source}:{verified.id}", source=verified.source,
                delivery_id=verified.id, received_at=to_text(spooled.received_at),
            )  # fmt: skip
        if stored is None:
            return self._again(work, verified, actor)
        delivery_id, state = stored
        work.record(
            f"{verified.source}.{verified.kind}", actor=actor,
            delivery=f"{verified.source}:{verified.id}", state=str(state),
        )  # fmt: skip
        if state is DeliveryState.RECEIVED:
            self._enqueue(work, delivery_id, verified.subject)
        return Received(delivery_id=delivery_id, duplicate=state is DeliveryState.REPLAY)

    def _again(self, work: Work, verified: VerifiedDelivery, actor: Actor) -> Received:
        """The sender's id is known: nothing happens, unless its handling had failed."""
        known = work.deliveries.find(verified.source, verified.id)
        assert known is not None  # noqa: S101 - it was in the way, so it is there
        failed = known.state is DeliveryState.FAILED
        work.record(
            DeliveryDuplicated, actor=actor, delivery=f"{known.source}:{known.delivery_id}", source=known.source,
            delivery_id=known.delivery_id, again=failed,
        )  # fmt: skip
        if failed:
            work.deliveries.settle(known.id, DeliveryState.RECEIVED, None, work.now)
            self._enqueue(work, known.id, known.subject)
        return Received(delivery_id=known.id, duplicate=True)

    def _enqueue(self, work: Work, delivery_id: int, subject: str | None) -> None:
        work.enqueue(
            NewJob(
                kind=DELIVERY_JOB,
                payload={"delivery_id": delivery_id},
                subject=subject and f"delivery:{subject}",
                unique_key=f"delivery:{delivery_id}",
            )
        )

    def handle(self, job: Job, ctx: Context) -> Outcome:
        """Translate a stored delivery into facts and take them in; the handler of its job."""
        with self._unit.read() as work:
            delivery = work.deliveries.get(int(job.payload["delivery_id"]))
        record = self._source(delivery.source)
        name = f"{delivery.source}:{delivery.delivery_id}"
        own = attrs.evolve(ctx, plugin=self._unit.plugins.owner(record), delivery=name)
        try:
            facts = record.translate(delivery, own)
            actor = plugin_actor(delivery.source)
            took = [self._changes.apply(fact, actor=actor, delivery=name) for fact in facts or ()]
        except Invalid as error:
            # Bad input stays bad: it is kept with its reason, and can be replayed by hand.
            self._settle(delivery.id, DeliveryState.FAILED, error.message)
            return Done(error.message)
        except Exception as error:
            self._settle(delivery.id, DeliveryState.FAILED, f"{type(error).__name__}: {error}")
            raise
        self._settle(delivery.id, DeliveryState.DONE if facts is None or any(took) else DeliveryState.IGNORED, None)
        return Done()

    def _settle(self, delivery_id: int, state: DeliveryState, error: str | None) -> None:
        self._unit.write(lambda work: work.deliveries.settle(delivery_id, state, error, work.now))

    def get(self, delivery_id: int, *, actor: Actor = LOCAL) -> Delivery:
        """One, with its body. :raises NotFound:"""
        require_seen_delivery(actor, delivery_id)
        with self._unit.read() as work:
            return work.deliveries.get(delivery_id)

    def find(self, source: str, delivery_id: str) -> Delivery | None:
        """One by its sender's id, with its body; for the plugin of its source."""
        with self._unit.read() as work:
            return work.deliveries.find(source, delivery_id)

    def list(
        self,
        *,
        source: str | None = None,
        state: str | None = None,
        after: int = 0,
        limit: int = 50,
        actor: Actor = LOCAL,
    ) -> builtins.list[Delivery]:
        """The newest first, without bodies; none to a narrowed actor, since a delivery is of no one repository."""
        if actor.repositories is not None:
            return []
        with self._unit.read() as work:
            return work.deliveries.list(source=source, state=state, after=after, limit=limit)

    def replay(self, delivery_id: int, *, actor: Actor = LOCAL) -> Delivery:
        """Handle a stored webhook again."""
        require_seen_delivery(actor, delivery_id)

        def action(work: Work) -> Delivery:
            delivery = work.deliveries.get(delivery_id)
            work.deliveries.settle(delivery.id, DeliveryState.RECEIVED, None, work.now)
            self._enqueue(work, delivery.id, delivery.subject)
            work.record(
                DeliveryReplayed, actor=actor, delivery=f"{delivery.source}:{delivery.delivery_id}",
                source=delivery.source, delivery_id=delivery.delivery_id,
            )  # fmt: skip
            return work.deliveries.get(delivery_id)

        return self._unit.write(action)


def require_seen_delivery(actor: Actor, delivery_id: int) -> None:
    """Deliveries do not exist for who is narrowed to repositories. :raises NotFound:"""
    require_seen(actor, None, f"delivery {delivery_id}")
