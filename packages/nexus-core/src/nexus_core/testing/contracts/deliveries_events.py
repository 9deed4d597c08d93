# ruff: noqa: S101, SIM300 - a suite of tests: asserts, expected value first
"""Webhooks as they came, and the feed of all that happened."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import attrs
import pytest

from ...domain.access import system_actor
from ...domain.deliveries import DeliveryState, VerifiedDelivery
from ...domain.events import Event, NewEvent, TaskMoved
from ...errors import NotFound
from ...ports.queries import Visible
from ...ports.storage import Store
from .aids import LATER, NOW, at_once, make_repository

WEBHOOK = VerifiedDelivery(
    source="github", id="guid-1", kind="pull_request.closed", body=b'\x00\xff{"a": 1}', headers={"x-event": "é"},
    fingerprint="f1", subject="github:acme/api#7",
)  # fmt: skip


class DeliveriesContract:
    """Deliveries."""

    def test_delivery_round_trip(self, store: Store) -> None:
        """The bytes and headers of a delivery are kept as they came; a list leaves them out."""
        delivery_id, state = _take_in(store, WEBHOOK)
        with store.reading() as tx:
            found = tx.deliveries.get(delivery_id)
            (listed,) = tx.deliveries.list(source=None, state=None, after=0, limit=5)

            assert found == tx.deliveries.find("github", "guid-1")
            assert (WEBHOOK.body, WEBHOOK.headers, WEBHOOK.subject, NOW) == (
                found.body, found.headers, found.subject, found.created_at,
            )  # fmt: skip
            assert (delivery_id, "pull_request.closed") == (listed.id, listed.kind)
            assert DeliveryState.RECEIVED is state is found.state

    def test_what_does_not_matter_is_ignored_from_the_start(self, store: Store) -> None:
        """It is handled when it comes, so that it is forgotten in its time; a second one is a replay all the same."""
        star = attrs.evolve(WEBHOOK, matters=False)
        delivery_id, state = _take_in(store, star)
        with store.reading() as tx:
            found = tx.deliveries.get(delivery_id)

        assert (DeliveryState.IGNORED, DeliveryState.IGNORED, NOW) == (state, found.state, found.handled_at)
        assert DeliveryState.REPLAY is _take_in(store, attrs.evolve(star, id="guid-2"))[1]

    def test_delivery_is_stored_once(self, store: Store) -> None:
        """Of eight that store one delivery at once, one does."""

        def add() -> bool:
            with store.writing() as tx:
                return tx.deliveries.add(WEBHOOK, NOW) is not None

        assert 1 == sum(at_once([add] * 8))

    def test_replay_is_known(self, store: Store) -> None:
        """The same content of a source under another id is a replay, unless the first one failed."""
        first, _ = _take_in(store, WEBHOOK)
        assert DeliveryState.REPLAY is _take_in(store, attrs.evolve(WEBHOOK, id="guid-2"))[1]
        assert DeliveryState.RECEIVED is _take_in(store, attrs.evolve(WEBHOOK, id="guid-3", source="slack"))[1]
        with store.writing() as tx:
            tx.deliveries.settle(first, DeliveryState.FAILED, "no luck", LATER)
            tx.deliveries.settle(first + 1, DeliveryState.FAILED, "nor here", LATER)
            found = tx.deliveries.get(first)

        assert DeliveryState.RECEIVED is _take_in(store, attrs.evolve(WEBHOOK, id="guid-4"))[1]
        assert (DeliveryState.FAILED, "no luck", LATER) == (found.state, found.error, found.handled_at)

    def test_one_of_those_at_once_is_no_replay(self, store: Store) -> None:
        """Of eight that bring the same content under ids of their own at once, one is no replay."""
        brought = [attrs.evolve(WEBHOOK, id=f"guid-{number}") for number in range(8)]
        states = [state for _, state in at_once([partial(_take_in, store, one) for one in brought])]

        assert [DeliveryState.RECEIVED, *[DeliveryState.REPLAY] * 7] == sorted(states)

    def test_no_fingerprint_no_replay(self, store: Store) -> None:
        """Where a source gives no fingerprint, the id alone decides."""
        plain = attrs.evolve(WEBHOOK, fingerprint=None)

        assert DeliveryState.RECEIVED is _take_in(store, plain)[1]
        assert DeliveryState.RECEIVED is _take_in(store, attrs.evolve(plain, id="guid-2"))[1]

    def test_deliveries_are_listed_newest_first(self, store: Store) -> None:
        """By source and state, page by page, from the newest."""
        with store.writing() as tx:
            ids = [
                _id_of(tx.deliveries.add(attrs.evolve(WEBHOOK, id=f"g{number}", source=source), NOW))
                for number, source in enumerate(("github", "slack", "github"))
            ]

        def listed(source: str | None = None, after: int | None = 0, limit: int = 9) -> list[int]:
            with store.reading() as tx:
                return [one.id for one in tx.deliveries.list(source=source, state=None, after=after or 0, limit=limit)]

        assert (ids[::-1], [ids[2], ids[0]]) == (listed(), listed("github"))
        assert ([ids[1]], []) == (listed(after=ids[2], limit=1), listed("gitlab"))

    def test_missing_delivery(self, store: Store) -> None:
        """What does not exist is not found."""
        with store.reading() as tx:
            assert tx.deliveries.find("github", "nope") is None
            with pytest.raises(NotFound):
                tx.deliveries.get(2**64)


def _id_of(stored: tuple[int, DeliveryState] | None) -> int:
    assert stored is not None
    return stored[0]


def _take_in(store: Store, delivery: VerifiedDelivery) -> tuple[int, DeliveryState]:
    with store.writing() as tx:
        stored = tx.deliveries.add(delivery, NOW)
    assert stored is not None
    return stored


class EventsContract:
    """Events."""

    def test_event_round_trip(self, store: Store) -> None:
        """An event comes back as its class, with all that it says."""
        with store.writing() as tx:
            new = NewEvent(
                type="task.moved", actor=system_actor("me"), task_id=3, repository_id=4, assignment_id=5,
                delivery="github:guid-1", payload={"from": "review", "to": "done", "é": [1, None]},
            )  # fmt: skip
            made = new.stored(tx.events.add([new], NOW)[0], NOW)

        with store.reading() as tx:
            found = tx.events.get(made.id)
        assert made == found
        assert TaskMoved is type(found)

    def test_many_events_at_once(self, store: Store) -> None:
        """However many are stored together, their ids ascend in the order in which they were said."""
        for number in (0, 1, 2, 49, 50, 51, 120):
            with store.writing() as tx:
                ids = tx.events.add([NewEvent(type=f"n.{n}", actor=system_actor()) for n in range(number)], NOW)
            with store.reading() as tx:
                assert [f"n.{n}" for n in range(number)] == [tx.events.get(event_id).type for event_id in ids]
            assert sorted(ids) == list(ids)

    def test_feed_pages(self, store: Store) -> None:
        """The feed goes on after an event; the newest come oldest first."""
        ids = [_append(store, number) for number in range(5)]
        _wait_for_others(store)

        assert ids == _feed(store)
        assert ids[2:4] == _feed(store, after=ids[1], limit=2)
        assert [] == _feed(store, after=ids[-1])
        assert ids[3:] == _feed(store, newest=True, limit=2)

    def test_feed_filters(self, store: Store) -> None:
        """By type, by a pattern of types, by task, by what may be seen."""
        repository = make_repository(store)
        moved = _append(store, 1, task_id=7)
        webhook = _append(store, 2, kind="github.pull_request.closed", repository_id=repository.id)
        _wait_for_others(store)

        assert ([moved], [webhook]) == (_feed(store, kind="task.moved"), _feed(store, kind="github.*"))
        assert ([moved], []) == (_feed(store, task_id=7), _feed(store, kind="task_moved"))
        assert [webhook] == _feed(store, visible=frozenset({repository.id}))
        assert [webhook] == _feed(store, visible=frozenset({repository.id}), newest=True)

    def test_payload_is_searched(self, store: Store) -> None:
        """Whether an event of a type and task has a word in its payload."""
        _append(store, 1, task_id=7, payload={"key": "a%b:1"})
        with store.reading() as tx:
            found = [
                tx.events.has(kind, task_id, key)
                for kind, task_id, key in (
                    ("task.moved", 7, "a%b:1"), ("task.moved", None, "a%b:1"), ("task.moved", 8, "a%b:1"),
                    ("task.done", 7, "a%b:1"), ("task.moved", 7, "axb:1"),
                )
            ]  # fmt: skip

        assert [True, True, False, False, False] == found

    def test_follower_misses_nothing(self, store: Store) -> None:
        """Whoever follows the feed while sixteen write, some slowly, sees each event once, in one lasting order."""
        done = threading.Event()

        def write(writer: int) -> list[int]:
            for number in range(12):
                with store.writing() as tx:
                    _append_in(tx, writer * 100 + number)
                    if number % 4 == 0:
                        done.wait(0.01)  # a transaction that takes its time: others commit before it
                    _append_in(tx, writer * 100 + number + 50)
            return []

        def follow() -> list[int]:
            seen: list[int] = []
            idle = 0
            while idle < 60 and len(seen) < 16 * 24:
                found = _feed(store, after=seen[-1] if seen else 0, limit=7)
                idle = 0 if found else idle + 1
                done.wait(0.0 if found else 0.05)
                seen += found
            return seen

        actions: list[Callable[[], list[int]]] = [partial(write, number) for number in range(16)]
        seen = [event_id for found in at_once([*actions, follow]) for event_id in found]

        assert 16 * 24 == len(seen) == len(set(seen))
        assert seen == _feed(store, limit=500)

    def test_late_commit_is_not_missed(self, store: Store) -> None:
        """An event whose transaction began first and committed last still comes to who has read past the other."""
        begun, may_commit = threading.Event(), threading.Event()

        def slow() -> None:
            with store.writing() as tx:
                _append_in(tx, 1)
                begun.set()
                may_commit.wait(0.5)  # where writers come one by one, the other one waits for us

        def quick() -> None:
            begun.wait(5)
            _append(store, 2)
            seen.extend(_feed(store))
            may_commit.set()

        seen: list[int] = []
        at_once([slow, quick])
        for _ in range(250):
            seen += _feed(store, after=seen[-1] if seen else 0)
            if len(seen) == 2:
                break
            threading.Event().wait(0.02)

        assert 2 == len(seen) == len(set(seen))

    def test_missing_event(self, store: Store) -> None:
        """What does not exist is not found."""
        with store.reading() as tx, pytest.raises(NotFound):
            tx.events.get(999_999)


def _append_in(
    tx: Any, number: int, kind: str = "task.moved", task_id: int | None = None, repository_id: int | None = None,
    payload: Mapping[str, Any] | None = None,
) -> Event:  # fmt: skip
    new = NewEvent(
        type=kind, actor=system_actor(), task_id=task_id, repository_id=repository_id, payload=payload or {"n": number}
    )
    return new.stored(tx.events.add([new], NOW)[0], NOW)


def _append(store: Store, number: int, **fields: Any) -> int:
    with store.writing() as tx:
        return _append_in(tx, number, **fields).id


def _wait_for_others(store: Store) -> None:
    """Wait until the feed shows all: strangers' open transactions on a shared server may hold it back for a moment."""
    for _ in range(250):
        if len(_feed(store)) == len(_feed(store, newest=True)):
            return
        threading.Event().wait(0.02)


def _feed(
    store: Store, *, after: int = 0, kind: str | None = None, task_id: int | None = None, visible: Visible = None,
    limit: int = 50, newest: bool = False,
) -> list[int]:  # fmt: skip
    with store.reading() as tx:
        found = tx.events.list(after=after, kind=kind, task_id=task_id, visible=visible, limit=limit, newest=newest)
    return [event.id for event in found]
