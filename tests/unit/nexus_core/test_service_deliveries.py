"""Webhooks: verified, stored once, handled later; replayed, redelivered, refused."""

import json

import pytest

from nexus_core.domain.changes import ChangeMerged, ChangeRef
from nexus_core.domain.deliveries import Reply, VerifiedDelivery
from nexus_core.errors import Invalid, NotFound, Unauthenticated
from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.records import DeliverySource
from nexus_core.testing import nexus_for_test


class Forge:
    """A code host whose signature is the word `sesame` in a header."""

    NEXUS_NAME = "forge"

    def __init__(self):
        self.broken, self.handled = None, []

    def verify(self, body, headers, ctx):
        if headers.get("x-signature") != "sesame":
            raise Unauthenticated("the signature is wrong")
        try:
            said = json.loads(body)
        except ValueError:
            raise Invalid("the body is not JSON") from None
        return VerifiedDelivery(
            source="forge", id=headers["x-id"], kind=said["kind"], body=body, fingerprint=headers.get("x-print"),
            subject=said.get("subject"), matters=said["kind"] != "star",
        )  # fmt: skip

    def translate(self, delivery, ctx):
        self.handled.append((delivery.delivery_id, ctx.delivery))
        if self.broken:
            raise self.broken
        if delivery.kind == "merged":
            ref = ChangeRef(source="forge", repository="acme/api", number=1, title="NX-1: do it")
            yield ChangeMerged(change=ref)

    @hookimpl
    def nexus_delivery_sources(self):
        """At /webhooks/forge."""
        yield DeliverySource(
            name="forge", verify=self.verify, translate=self.translate,
            answer=lambda delivery, ctx: Reply(body="pong") if delivery.kind == "ping" else None,
        )  # fmt: skip


@pytest.fixture
def forge():
    return Forge()


@pytest.fixture
def nexus(clock, forge):
    with nexus_for_test(forge, clock=clock) as hub:
        hub.repositories.add("acme/api")
        hub.tasks.create("Do it", repository="acme/api")
        yield hub


def send(nexus, delivery_id="d1", kind="merged", signature="sesame", **headers):
    return nexus.deliveries.receive(
        "forge", json.dumps({"kind": kind}).encode(),
        {"X-Signature": signature, "X-Id": delivery_id, **headers}, address="192.0.2.1",
    )  # fmt: skip


def states(nexus):
    return [(delivery.delivery_id, str(delivery.state)) for delivery in nexus.deliveries.list()]


def test_a_webhook_is_stored_and_handled_later(nexus):
    """At the door nothing is done but to check and to keep; the job does the rest, and names its origin."""
    received = send(nexus)
    before = (nexus.tasks.get(1).status, states(nexus))
    nexus.jobs.drain()
    [event] = nexus.events.list(type="forge.merged")

    assert not received.duplicate
    assert ("pending", [("d1", "received")]) == before
    assert ("done", [("d1", "done")]) == (nexus.tasks.get(1).status, states(nexus))
    assert "forge:d1" == event.delivery == nexus.events.list(type="task.moved")[0].delivery


def test_the_same_delivery_twice_changes_nothing(nexus, forge):
    """Whether the first one was handled by then or not."""
    send(nexus)
    second = send(nexus)
    nexus.jobs.drain()
    third = send(nexus)
    nexus.jobs.drain()

    assert (True, True) == (second.duplicate, third.duplicate)
    assert 1 == len(forge.handled) == len(nexus.events.list(type="forge.merged"))


def test_a_replay_under_another_id_is_kept_and_not_handled(nexus, forge):
    """A copy of a signed request has the same fingerprint, whatever its id says."""
    send(nexus, "d1", **{"X-Print": "p"})
    copied = send(nexus, "d2", **{"X-Print": "p"})
    nexus.jobs.drain()

    assert copied.duplicate
    assert [("d1", "forge:d1")] == forge.handled
    assert [("d2", "replay"), ("d1", "done")] == states(nexus)


def test_a_wrong_signature_is_refused_and_recorded(nexus):
    """With the address; nothing is stored."""
    with pytest.raises(Unauthenticated):
        send(nexus, signature="abracadabra")
    [refused] = nexus.events.list(type="delivery.refused")

    assert {"source": "forge", "reason": "the signature is wrong", "address": "192.0.2.1"} == refused.payload
    assert [] == states(nexus)


def test_a_body_that_makes_no_sense_is_refused(nexus):
    """It was signed, so it is no attack: nothing is recorded."""
    with pytest.raises(Invalid, match="not JSON"):
        nexus.deliveries.receive("forge", b"{", {"x-signature": "sesame"})

    assert [] == states(nexus)


def test_an_unknown_source_is_not_found(nexus):
    """No plugin receives from it."""
    with pytest.raises(NotFound, match="from gitlab"):
        nexus.deliveries.receive("gitlab", b"", {})


def test_what_concerns_nothing_here_is_ignored(nexus):
    """Kept, with that state."""
    send(nexus, kind="starred")
    nexus.jobs.drain()

    assert [("d1", "ignored")] == states(nexus)


def test_what_cannot_matter_is_put_on_record_without_a_job(nexus, forge):
    """A person may have it looked at all the same, such as after an upgrade that understands it."""
    send(nexus, kind="star")
    before = (states(nexus), nexus.jobs.list(kind="core.delivery"), len(nexus.events.list(type="forge.star")))
    nexus.deliveries.replay(nexus.deliveries.list()[0].id)
    nexus.jobs.drain()

    assert ([("d1", "ignored")], [], 1) == before
    assert [("d1", "forge:d1")] == forge.handled


def test_a_source_may_answer_at_once(nexus):
    """Such as to a slash command."""
    assert "pong" == send(nexus, kind="ping").reply.body
    assert send(nexus, "d2").reply is None


def test_bad_input_fails_for_good_and_can_be_replayed(nexus, forge):
    """It is not tried again by itself: it would stay bad. A person replays it when the reason is gone."""
    forge.broken = Invalid("there is no such branch")
    send(nexus)
    nexus.jobs.drain()
    [failed] = nexus.deliveries.list()
    forge.broken = None
    nexus.deliveries.replay(failed.id)
    nexus.jobs.drain()

    assert ("failed", "there is no such branch") == (failed.state, failed.error)
    assert ([("d1", "done")], "done") == (states(nexus), nexus.tasks.get(1).status)
    assert ["d1"] == [event.payload["delivery_id"] for event in nexus.events.list(type="delivery.replayed")]


def test_a_passing_fault_is_tried_again(nexus, forge, clock):
    """By the job, after a wait."""
    forge.broken = RuntimeError("the host is down")
    send(nexus)
    nexus.jobs.drain()
    failed = states(nexus)
    forge.broken = None
    clock.advance(minutes=1)
    nexus.jobs.drain()

    assert ([("d1", "failed")], [("d1", "done")]) == (failed, states(nexus))


def test_a_failed_delivery_that_is_sent_again_is_handled_again(nexus, forge):
    """The sender's own button for it works."""
    forge.broken = Invalid("no")
    send(nexus)
    nexus.jobs.drain()
    forge.broken = None
    send(nexus)
    nexus.jobs.drain()

    assert [("d1", "done")] == states(nexus)


def test_deliveries_of_one_subject_are_handled_in_order(nexus, forge, clock):
    """A later one waits while an earlier one waits to be tried again; other subjects go on."""
    for delivery_id, subject in (("d1", "pr-1"), ("d2", "pr-1"), ("d3", "pr-2")):
        nexus.deliveries.receive(
            "forge", json.dumps({"kind": "edited", "subject": subject}).encode(),
            {"x-signature": "sesame", "x-id": delivery_id},
        )  # fmt: skip
    forge.broken = RuntimeError("down")
    nexus.jobs.drain()
    forge.broken = None
    clock.advance(minutes=1)
    nexus.jobs.drain()

    order = [name for name, _ in forge.handled]

    assert ["d1", "d3"] == order[:2]
    assert ["d1", "d1", "d2"] == [name for name in order if name != "d3"]


def test_lists_show_the_newest_first(nexus):
    """Without their bodies, which one look-up has."""
    for number in range(3):
        send(nexus, f"d{number}", kind="starred")
    listed = nexus.deliveries.list(limit=2)

    assert ["d2", "d1"] == [delivery.delivery_id for delivery in listed]
    assert (b"", b'{"kind": "starred"}') == (listed[0].body, nexus.deliveries.get(listed[0].id).body)
