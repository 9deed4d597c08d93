"""The audit's chain: events are sealed after they were written, and the chain is walked to find what was altered."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial

import attrs

from ..domain.access import LOCAL, Actor
from ..domain.sealing import GENESIS, Record, Seal, next_hash
from ..errors import Conflict, Forbidden, NotFound
from ..ports.audit import Link
from .work import UnitOfWork, Work

BATCH = 1000
"""Events that are sealed in one transaction."""

PAGE = 2000
"""Links that are held in memory at once while the chain is walked."""

SECONDS = 20.0
"""How long one run seals, when there is much to seal; the next run goes on."""

_COUNTED = 10_000

log = logging.getLogger("nexus.audit")


@attrs.frozen(kw_only=True)
class Fault:
    """The first thing in the chain that is not as it was sealed."""

    kind: str  #: altered, missing, inserted, or seal (the chain itself was changed)
    place: int
    event_id: int | None
    message: str


@attrs.frozen(kw_only=True)
class Verification:
    """What came of walking a part of the chain."""

    after: int  #: the place before the first that was looked at
    after_hash: bytes
    place: int  #: the last that was found right
    hash: bytes
    sealed: int  #: the last place of the whole chain
    fault: Fault | None = None
    unsealed: int | None = None  #: at the end of the chain: newer events that are not sealed yet (counted to 10,000)
    unsealed_since: datetime | None = None
    saw_head: bool = False  #: the hash that was asked for is in this part

    @property
    def is_last(self) -> bool:
        """Whether nothing is left to look at."""
        return self.fault is not None or self.place >= self.sealed


class AuditService:
    """Seals events, and finds the altered one."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    def seal(self, *, seconds: float = SECONDS) -> int:
        """Seal what is not sealed yet, batch by batch; how many events. Safe when several do.

        Writers are not held up: what they wrote is read and hashed outside of any transaction that writes.
        """
        end, sealed = time.monotonic() + seconds, 0
        while seals := self._next():
            try:
                self._unit.write(partial(_add, seals))
            except Conflict:
                return sealed  # another process went on with the chain meanwhile
            sealed += len(seals)
            # In the log, the head is out of reach of whoever can write to the database.
            log.info("audit sealed to place %s, head %s", seals[-1].place, seals[-1].hash.hex())
            if len(seals) < BATCH or time.monotonic() > end:
                break
        return sealed

    def _next(self) -> list[Seal]:
        with self._unit.read() as work:
            head = work.audit.head()
            found = work.audit.unsealed(head, BATCH)
        return _sealed(head, found)

    def verify(
        self, *, after: int = 0, limit: int = 10_000, head: bytes | None = None, actor: Actor = LOCAL
    ) -> Verification:
        """Walk the chain after a place, `limit` events at most, to the first that is not as it was sealed.

        :raises NotFound: the chain has no such place
        :raises Forbidden: the actor sees some repositories only
        """
        if actor.repositories is not None:
            raise Forbidden("the audit is of all repositories, and this key sees some only")
        with self._unit.read() as work:
            last = work.audit.head()
            start = work.audit.seal_at(after) if after else None
        if after and start is None:
            raise NotFound(f"the chain has no place {after}")
        walk = _Walk(start, head)
        while walk.fault is None and walk.place - after < limit:
            with self._unit.read() as work:
                links = work.audit.links(walk.place, min(PAGE, limit - (walk.place - after)))
                walk.take(work, links)
            if not links:
                walk.end(last)
                break
        return self._told(walk, start, last)

    def _told(self, walk: _Walk, start: Seal | None, last: Seal | None) -> Verification:
        place = max(last.place if last else 0, walk.place)
        found = Verification(
            after=start.place if start else 0, after_hash=start.hash if start else GENESIS, place=walk.place,
            hash=walk.hash, sealed=place, fault=walk.fault, saw_head=walk.saw_head,
        )  # fmt: skip
        if walk.fault is None and walk.place >= place:
            with self._unit.read() as work:
                number, since = work.audit.waiting(walk.seal, _COUNTED)
            found = attrs.evolve(found, unsealed=number, unsealed_since=since)
        return found


def _add(seals: Sequence[Seal], work: Work) -> None:
    work.audit.add_seals(seals)


def _sealed(head: Seal | None, found: Sequence[Record]) -> list[Seal]:
    place, previous = (head.place, head.hash) if head else (0, GENESIS)
    seals = []
    for place_of, record in enumerate(found, place + 1):
        previous = next_hash(previous, record)
        seals.append(Seal(place=place_of, event_id=record.event_id, xid=record.xid, hash=previous))
    return seals


class _Walk:
    """Goes along the chain until something is not as it was sealed."""

    def __init__(self, start: Seal | None, wanted: bytes | None) -> None:
        self.seal = start
        self.place = start.place if start else 0
        self.hash = start.hash if start else GENESIS
        self.fault: Fault | None = None
        self._wanted = wanted
        self.saw_head = wanted is not None and wanted == self.hash

    def take(self, work: Work, links: Sequence[Link]) -> None:
        """Look at the links that follow."""
        start = self.seal
        for link in links:
            if (fault := self._fault(link)) is not None:
                self.fault = fault
                break
            self.seal, self.place, self.hash = link.seal, link.seal.place, link.seal.hash
            self.saw_head = self.saw_head or self.hash == self._wanted
        if links and self.seal is not None and self.seal is not start:
            stranger = work.audit.unsealed_between(start, self.seal)
            if stranger is not None:
                self.fault = Fault(
                    kind="inserted", place=start.place if start else 0, event_id=stranger,
                    message=f"event {stranger} was put in among events that were sealed without it",
                )  # fmt: skip

    def end(self, last: Seal | None) -> None:
        """Nothing follows, though the chain was longer when the walk began."""
        if last is not None and self.place < last.place:
            self.fault = _gone(self.place + 1)

    def _fault(self, link: Link) -> Fault | None:
        seal, record = link.seal, link.record
        if seal.place != self.place + 1:
            return _gone(self.place + 1)
        if record is None:
            kind, said = "missing", f"event {seal.event_id} is gone"
        elif not seal.holds(self.hash, record):
            kind, said = "altered", f"event {seal.event_id} (or its seal) is not as it was when it was sealed"
        elif record.xid != seal.xid:
            kind, said = "seal", f"the seal of event {seal.event_id} was altered"
        else:
            return None
        return Fault(kind=kind, place=seal.place, event_id=seal.event_id, message=said)


def _gone(place: int) -> Fault:
    return Fault(kind="seal", place=place, event_id=None, message=f"the seal at place {place} is gone")
