"""Refusals on record: whoever refused, all of them counted, few of them written."""

from __future__ import annotations

import threading

from falcon import testing

from nexus_core.domain.access import system_actor
from nexus_core.domain.events import AccessRefused
from nexus_core.errors import Unavailable
from nexus_core.services import refusals
from nexus_core.services.refusals import ALONE, ALONE_EACH, GROUPS, Refusals
from nexus_http.app import create_app


def on_record(nexus, kind="access.refused"):
    """The events, and how many refusals they stand for."""
    found = nexus.events.list(type=kind, limit=200, newest=True)
    return found, sum(event.payload.get("times", 1) for event in found)


def test_a_flood_is_counted_to_the_last(anonymous, nexus):
    """70 refusals of one address are a few events that say 70."""
    for _ in range(70):
        anonymous.get("/tasks")
    nexus.refusals.flush()
    found, times = on_record(nexus)

    assert (ALONE_EACH + 1, 70) == (len(found), times)
    assert (50, "127.0.0.1", "unauthenticated") == tuple(
        found[-1].payload[name] for name in ("times", "address", "code")
    )


def test_one_address_does_not_drown_another(nexus):
    """Each has its own share of the minute, and its own count beyond."""
    for number in range(200):
        note(nexus.refusals, address="10.0.0.1" if number % 4 else f"10.0.1.{number}")
    nexus.refusals.flush()
    found, times = on_record(nexus)
    by_address = {}
    for event in found:
        address = event.payload["address"]
        by_address[address] = by_address.get(address, 0) + event.payload.get("times", 1)

    assert (200, 150, 51) == (times, by_address["10.0.0.1"], len(by_address))
    assert ALONE <= len(found) <= ALONE + 51


def note(log, address="10.0.0.1", **more):
    """A refusal."""
    log.note(AccessRefused, actor=system_actor("http"), address=address, code="unauthenticated", **more)


def test_counting_is_bounded(nexus):
    """A flood from everywhere fills neither the memory nor the table, and no refusal is lost."""
    log = Refusals(nexus._unit, monotonic=lambda: 0.0)
    for number in range(ALONE + GROUPS + 300):
        note(log, address=f"10.{number // 250}.{number % 250}.1")
    log.close()
    with nexus.store.reading() as tx:
        found = tx.events.latest("access.refused", 5000)

    assert ALONE + GROUPS + 1 == len(found)
    assert ALONE + GROUPS + 300 == sum(event.payload.get("times", 1) for event in found)


def test_what_is_counted_is_written_by_itself(nexus, monkeypatch):
    """Also when nobody is refused any more: a timer does it."""
    monkeypatch.setattr(refusals, "TOGETHER_SECONDS", 0.05)
    for _ in range(ALONE_EACH + 5):
        note(nexus.refusals)
    for _ in range(200):
        found, times = on_record(nexus)
        if times == ALONE_EACH + 5:
            break
        threading.Event().wait(0.02)

    assert (ALONE_EACH + 5, 5) == (times, found[-1].payload["times"])


def test_what_cannot_be_written_is_counted(nexus, monkeypatch):
    """While the store is away; it is written when the store is back."""
    log = Refusals(nexus._unit)
    with monkeypatch.context() as away:
        away.setattr(type(nexus.store), "writing", raising)
        for _ in range(3):
            note(log)
    before = on_record(nexus)[1]
    log.close()

    assert (0, 3) == (before, on_record(nexus)[1])


def raising(store):
    """A store that is away."""
    raise Unavailable("the database cannot be reached")


def test_a_new_minute_begins_anew(nexus):
    """The bound is one of each minute."""
    now = [0.0]
    log = Refusals(nexus._unit, monotonic=lambda: now[0])
    for minute in range(3):
        now[0] = 60.0 * minute
        for _ in range(ALONE_EACH):
            note(log)

    assert 3 * ALONE_EACH == len(on_record(nexus)[0])


def test_what_a_service_refuses_is_on_record_too(api, nexus):
    """Not the scope of the route alone: who gives what they lack is refused inside."""
    made = api.post("/keys", {"name": "half", "scopes": ["keys:write", "keys:read"]}).json
    answer = api.post("/keys", {"name": "x", "role": "admin"}, headers={"Authorization": f"Bearer {made['key']}"})
    found, _ = on_record(nexus)

    assert (403, 1, "forbidden", "half") == (
        answer.status_code, len(found), found[0].payload["code"], found[0].actor_name
    )  # fmt: skip


def test_a_key_in_the_address_is_on_record_without_the_key(api, nexus):
    """Whoever reads the audit learns of it, and not the key."""
    api.get(f"/tasks?token={api.key}")
    found, _ = on_record(nexus)

    assert ["key_in_address"] == [event.payload["code"] for event in found]
    assert api.key not in str(found)


def test_a_refused_webhook_is_one_event(anonymous, nexus):
    """It is refused as a webhook, not once more as a call."""
    answer = anonymous.post("/webhooks/probe", {"x": 1})

    assert 401 == answer.status_code
    assert (1, 0) == (on_record(nexus, "delivery.refused")[1], on_record(nexus)[1])
    assert "127.0.0.1" == on_record(nexus, "delivery.refused")[0][0].address


def test_a_refusal_costs_no_thread_of_its_own(nexus):
    """Only when there is something to count is a timer set, one at a time."""
    before = _timers()
    client = testing.TestClient(create_app(nexus))
    for _ in range(ALONE_EACH):
        client.simulate_get("/api/v1/tasks")
    few = _timers()
    for _ in range(ALONE_EACH):
        client.simulate_get("/api/v1/tasks")

    assert (before, before + 1) == (few, _timers())


def _timers():
    """How many threads only wait for a moment."""
    return sum(isinstance(thread, threading.Timer) for thread in threading.enumerate())


def test_the_hub_writes_what_was_counted_when_it_closes(tmp_path):
    """Nothing that was counted is lost with the process's end."""
    from nexus_core.testing import nexus_for_test

    url = f"sqlite:///{tmp_path / 'nexus.db'}"
    with nexus_for_test(database_url=url) as nexus:
        for _ in range(ALONE_EACH + 7):
            note(nexus.refusals)
    with nexus_for_test(database_url=url) as nexus:
        assert ALONE_EACH + 7 == on_record(nexus)[1]
