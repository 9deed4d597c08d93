# ruff: noqa: S101, SIM300 - a suite of tests: asserts, expected value first
"""The chain over the events, the alerts that were raised, and when jobs failed."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from ...domain.access import Actor, ActorKind, system_actor
from ...domain.alerts import Raised
from ...domain.events import NewEvent
from ...domain.sealing import GENESIS, Record, Seal, next_hash
from ...errors import Conflict
from ...ports.storage import Store
from .aids import EARLIER, LATER, NOW, at_once

KEY = Actor(kind=ActorKind.KEY, name="lead", id=3, key_id=3, address="203.0.113.9", request_id="r-1")


class AuditContract:
    """Seals, alerts, failures."""

    def test_event_says_by_which_key_and_from_where(self, store: Store) -> None:
        """The key, the address and the request of the actor are kept."""
        with store.writing() as tx:
            [event_id] = tx.events.add([NewEvent(type="key.made", actor=KEY)], NOW)
        with store.reading() as tx:
            found = tx.events.get(event_id)

        assert (3, "203.0.113.9", "r-1") == (found.key_id, found.address, found.request_id)

    def test_latest_events_of_a_type(self, store: Store) -> None:
        """The newest first, of exactly this type."""
        with store.writing() as tx:
            ids = tx.events.add([NewEvent(type=kind, actor=KEY) for kind in ("a.b", "a.bc", "a.b", "a.b")], NOW)
            latest = [event.id for event in tx.events.latest("a.b", 2)]

        assert [ids[3], ids[2]] == latest

    def test_chain_grows(self, store: Store) -> None:
        """What is not sealed comes in the order of the feed, whole, and once."""
        records = _unsealed(store, 5)
        seals = _seals(records[:3], None)
        with store.writing() as tx:
            assert tx.audit.head() is None
            tx.audit.add_seals(seals)
        with store.reading() as tx:
            head = tx.audit.head()
            links = tx.audit.links(1, 5)
            waiting = tx.audit.waiting(head, 10)

            assert (seals[2], seals[0], None) == (head, tx.audit.seal_at(1), tx.audit.seal_at(9))
            assert records[3:] == tx.audit.unsealed(head, 10)
            assert (2, NOW) == waiting
            assert [(seals[1], records[1]), (seals[2], records[2])] == [(one.seal, one.record) for one in links]
            assert (0, None) == tx.audit.waiting(_seals(records, None)[-1], 10)
            assert 1 == tx.audit.waiting(head, 1)[0]

    def test_content_of_a_record_is_its_whole_row(self, store: Store) -> None:
        """Two events that differ in anything have other bytes; reading one again gives the same."""
        records = _unsealed(store, 2)
        with store.reading() as tx:
            assert records == tx.audit.unsealed(None, 10)
        assert 2 == len({record.content for record in records})
        assert all(b'"n.' in record.content for record in records)

    def test_one_of_many_goes_on_with_the_chain(self, store: Store) -> None:
        """Of eight that seal the same at once one does; the others are told that somebody did."""
        seals = _seals(_unsealed(store, 3), None)

        def seal() -> bool:
            try:
                with store.writing() as tx:
                    tx.audit.add_seals(seals)
            except Conflict:
                return False
            return True

        assert 1 == sum(at_once([seal] * 8))
        with store.reading() as tx:
            assert seals[-1] == tx.audit.head()

    def test_seals_are_never_replaced(self, store: Store) -> None:
        """Neither by one at the same place, nor by one of the same event."""
        seals = _seals(_unsealed(store, 2), None)
        with store.writing() as tx:
            tx.audit.add_seals(seals)
        for other in (
            Seal(place=1, event_id=10**6, xid=0, hash=bytes(32)),
            Seal(place=9, event_id=seals[0].event_id, xid=0, hash=bytes(32)),
        ):
            with pytest.raises(Conflict), store.writing() as tx:
                tx.audit.add_seals([other])
        with store.reading() as tx:
            assert seals == [link.seal for link in tx.audit.links(0, 9)]

    def test_event_without_a_seal_among_sealed_ones(self, store: Store) -> None:
        """Is found between two places of the feed, and the last one is not counted as missing one."""
        records = _unsealed(store, 4)
        whole = _seals(records, None)
        with store.writing() as tx:
            tx.audit.add_seals([whole[0], whole[1], whole[3]])
            assert records[2].event_id == tx.audit.unsealed_between(whole[0], whole[3])
            assert tx.audit.unsealed_between(None, whole[1]) is None
            assert tx.audit.unsealed_between(whole[2], whole[3]) is None

    def test_failures_are_counted(self, store: Store) -> None:
        """By kind, since a time; what is old can be cleared away."""
        with store.writing() as tx:
            for kind, at in (("a", EARLIER), ("a", NOW), ("a", LATER), ("b", NOW)):
                tx.audit.note_failure(kind, at)
            assert {"a": 2, "b": 1} == tx.audit.failures(EARLIER)
            tx.audit.forget_failures(NOW)
            assert {"a": 2, "b": 1} == tx.audit.failures(EARLIER - timedelta(days=1))

    def test_alert_is_taken_by_one(self, store: Store) -> None:
        """Of eight at once one may raise it; nobody before the quiet is over; each source has its own."""
        quiet = timedelta(minutes=5)

        def take(at: timedelta = timedelta()) -> bool:
            with store.writing() as tx:
                return tx.audit.take_alert("rule", "source", NOW + at, NOW + at - quiet)

        assert 1 == sum(at_once([take] * 8))
        assert (False, True) == (take(quiet - timedelta(seconds=1)), take(quiet))
        with store.writing() as tx:
            assert tx.audit.take_alert("rule", "other", NOW, NOW - quiet)
            assert [
                Raised("rule", "other", NOW, is_open=True), Raised("rule", "source", NOW + quiet, is_open=True)
            ] == tx.audit.alerts()  # fmt: skip

    def test_alert_is_closed_once(self, store: Store) -> None:
        """And is open again when it is raised again."""
        with store.writing() as tx:
            assert not tx.audit.close_alert("rule", "source")
            tx.audit.take_alert("rule", "source", NOW, EARLIER)
            assert (True, False) == (tx.audit.close_alert("rule", "source"), tx.audit.close_alert("rule", "source"))
            tx.audit.take_alert("rule", "source", LATER, NOW)
            assert [True] == [one.is_open for one in tx.audit.alerts()]


def _unsealed(store: Store, number: int) -> list[Record]:
    """So many events that are not sealed, once the feed shows them all."""
    with store.writing() as tx:
        tx.events.add([NewEvent(type=f"n.{n}", actor=system_actor()) for n in range(number)], NOW)
    for _ in range(250):
        with store.reading() as tx:
            found = tx.audit.unsealed(None, number + 1)
        if len(found) == number:
            break
        threading.Event().wait(0.02)
    return found


def _seals(records: list[Record], head: Seal | None) -> list[Seal]:
    place, previous, seals = (head.place, head.hash, []) if head else (0, GENESIS, [])
    for place_of, record in enumerate(records, place + 1):
        previous = next_hash(previous, record)
        seals.append(Seal(place=place_of, event_id=record.event_id, xid=record.xid, hash=previous))
    return seals
