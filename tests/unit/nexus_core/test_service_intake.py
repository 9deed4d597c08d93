"""Webhooks that the store does not take: spooled, answered, stored later, once; or refused with a word."""

import json
import sqlite3
import time
from contextlib import contextmanager

import pytest

from nexus_core.clock import to_text
from nexus_core.domain.deliveries import Reply, VerifiedDelivery
from nexus_core.errors import Unauthenticated, Unavailable
from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.records import DeliverySource
from nexus_core.services import intake
from nexus_core.testing import nexus_for_test


class Forge:
    """A host whose signature is the word `sesame`; it would not have a `command` wait."""

    NEXUS_NAME = "forge"

    def verify(self, body, headers, ctx):
        if headers.get("x-signature") != "sesame":
            raise Unauthenticated("the signature is wrong")
        return VerifiedDelivery(
            source="forge", id=headers["x-id"], kind=json.loads(body)["kind"], body=body,
            fingerprint=headers.get("x-print"),
        )  # fmt: skip

    @hookimpl
    def nexus_delivery_sources(self):
        """At /webhooks/forge."""
        yield DeliverySource(
            name="forge", verify=self.verify, translate=lambda delivery, ctx: (),
            answer=lambda delivery, ctx: Reply(body="pong") if delivery.kind == "ping" else None,
            away=lambda delivery, ctx: Reply(body="not now") if delivery.kind == "command" else None,
        )  # fmt: skip


@pytest.fixture
def nexus(clock, monkeypatch):
    monkeypatch.setattr(intake, "SECONDS", 0.3)
    monkeypatch.setattr(intake, "DRAIN_SECONDS", 0.3)
    with nexus_for_test(Forge(), clock=clock) as hub:
        yield hub


@contextmanager
def away(nexus):
    """Nobody can write: another program holds the database for itself."""
    other = sqlite3.connect(nexus.store.engine.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


def send(nexus, delivery_id="d1", kind="push", signature="sesame", **headers):
    return nexus.deliveries.receive(
        "forge", json.dumps({"kind": kind}).encode(),
        {"X-Signature": signature, "X-Id": delivery_id, **headers}, address="192.0.2.1", request_id="r7",
    )  # fmt: skip


def states(nexus):
    return sorted((delivery.delivery_id, str(delivery.state)) for delivery in nexus.deliveries.list())


def of_type(nexus, kind):
    return [event for event in nexus.events.list(limit=200) if event.type == kind]


def test_what_cannot_be_stored_is_spooled_and_stored_later(nexus, clock):
    """The sender has its 2xx; later the delivery is there, as of when it came, with its job and its audit."""
    with away(nexus):
        received = send(nexus)
        waiting = nexus.deliveries.spool()
    came = clock.now()
    clock.advance(minutes=5)
    number = nexus.deliveries.drain()
    nexus.jobs.drain()
    (delivery,) = nexus.deliveries.list()
    (event,) = of_type(nexus, "delivery.spooled")

    assert (received.delivery_id, received.spooled, received.reply) == (None, True, None)
    assert (waiting.number, waiting.oldest) == (1, came)
    assert (number, nexus.deliveries.spool().number) == (1, 0)
    assert (delivery.created_at, str(delivery.state)) == (came, "ignored")
    assert event.payload["received_at"] == to_text(came)
    assert (event.delivery, event.address, event.request_id) == ("forge:d1", "192.0.2.1", "r7")
    assert event.created_at == clock.now()


def test_signatures_are_checked_while_the_store_is_away(nexus):
    """What is not its sender's is refused then too, and nothing of it is kept; the refusal is on record afterwards."""
    with away(nexus):
        with pytest.raises(Unauthenticated):
            send(nexus, signature="open")
        waiting = nexus.deliveries.spool().number
    nexus.refusals.flush()

    assert waiting == 0
    assert len(of_type(nexus, "delivery.refused")) == 1


def test_one_that_is_spooled_twice_has_one_effect(nexus):
    """Sent again while the first one waits, stored before, or the same content under another id: one job."""
    send(nexus, "d0")
    with away(nexus):
        for delivery_id in ("d0", "d1", "d1"):
            send(nexus, delivery_id, **{"X-Print": "same"} if delivery_id == "d1" else {})
        send(nexus, "d2", **{"X-Print": "same"})
    nexus.deliveries.drain()

    assert states(nexus) == [("d0", "received"), ("d1", "received"), ("d2", "replay")]
    assert len(nexus.jobs.list(kind="core.delivery")) == 2
    assert len(of_type(nexus, "delivery.duplicated")) == 2
    assert len(of_type(nexus, "delivery.spooled")) == 4


def test_its_source_may_rather_say_that_it_is_away(nexus):
    """A command that nobody waits for later is answered, and not kept."""
    with away(nexus):
        received = send(nexus, kind="command")

    assert received.reply == Reply(body="not now")
    assert (received.delivery_id, received.spooled) == (None, False)
    assert nexus.deliveries.spool().number == 0


def test_the_answer_of_its_source_is_given_all_the_same(nexus):
    """Where it can be given without the store."""
    with away(nexus):
        received = send(nexus, kind="ping")

    assert (received.spooled, received.reply) == (True, Reply(body="pong"))


def test_only_the_first_waits_for_a_store_that_is_away(nexus):
    """The others are spooled at once, until it is time to see whether the store is back."""
    with away(nexus):
        send(nexus, "d1")
        begun = time.monotonic()
        for number in range(20):
            send(nexus, f"e{number}")
        seconds = time.monotonic() - begun

    assert nexus.deliveries.spool().number == 21
    assert seconds < 0.3


def test_when_it_is_back_deliveries_are_stored_at_once_again(nexus):
    """To have stored one is proof enough."""
    with away(nexus):
        send(nexus, "d1")
    nexus.deliveries.drain()
    received = send(nexus, "d2")

    assert received.delivery_id is not None
    assert not received.spooled


def test_without_a_process_that_drains_a_delivery_finds_out_that_the_store_is_back(nexus, monkeypatch):
    """A second after the failure one of them tries."""
    monkeypatch.setattr(intake, "AWAY_SECONDS", 0.1)
    with away(nexus):
        send(nexus, "d1")
    time.sleep(0.15)

    assert not send(nexus, "d2").spooled


def test_while_it_is_away_the_spool_goes_on_waiting(nexus):
    """To drain it then says so, and loses nothing."""
    with away(nexus):
        send(nexus)
        with pytest.raises(Unavailable):
            nexus.deliveries.drain()

    assert nexus.deliveries.spool().number == 1


def test_the_doctor_says_what_waits(nexus):
    """And what somebody must look at."""

    def finding():
        return next(one for one in nexus.health.check() if one.name == "spool")

    before = finding()
    with away(nexus):
        send(nexus)
    during = finding()
    folder = nexus.config.data_dir / "spool"
    (folder / "notes.txt").write_text("mine")
    nexus.deliveries.drain()
    after = finding()

    assert (before.ok, before.message) == (True, "no webhook waits")
    assert not during.ok
    assert during.message.startswith("1 webhooks wait for the database, the first since 20")
    assert not after.ok
    assert "1 files could not be stored and lie in spool/aside" in after.message
