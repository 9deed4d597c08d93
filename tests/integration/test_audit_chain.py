"""The audit's chain on both engines: what was altered by SQL is found, and sealing holds nobody up."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import attrs
import pytest

from engines import at_once, execute, open_hub, rows
from nexus_core.domain.access import LOCAL
from nexus_core.errors import Forbidden, NotFound
from nexus_core.services import audit
from nexus_core.testing import FrozenClock

TRIGGERS = {
    "sqlite": ("DROP TRIGGER events_are_never_{}", "DROP TRIGGER event_seals_are_never_{}"),
    "postgresql": (
        "ALTER TABLE events DISABLE TRIGGER USER",
        "ALTER TABLE event_seals DISABLE TRIGGER USER",
    ),
}
EVENT = (
    "INSERT INTO events (id, type, payload, created_at, actor_kind, actor_name, xid)"
    " VALUES ({}, 'task.created', '{{}}', '2026-01-31T12:00:00.000000Z', 'user', 'mallory', {})"
)


def tamper(url, *statements):
    """Change the tables as somebody may who owns them, after switching off what refuses it."""
    openings = TRIGGERS[url.split(":")[0]]
    for opening in openings:
        for word in ("changed", "deleted") if "{}" in opening else ("",):
            execute(url, opening.format(word))
    execute(url, *statements)


@contextmanager
def sealed_hub(url):
    """A hub with some events, all sealed."""
    with open_hub(url) as nexus:
        for number in range(12):
            nexus.tasks.create(f"Task {number}")
        seal_all(nexus, url)
        yield nexus


def seal_all(nexus, url):
    """Seal until every row has its seal: strangers' open transactions may hold the feed back for a moment."""
    for _ in range(250):
        nexus.audit.seal()
        if rows(url, "SELECT 1 FROM events WHERE id NOT IN (SELECT event_id FROM event_seals) LIMIT 1") == []:
            return nexus.audit.verify()
        threading.Event().wait(0.02)
    raise AssertionError("the events are not sealed")


def test_what_was_written_is_found_right(database_url):
    """Every event has its seal, in the order of the feed, and the parts of a walk join."""
    with sealed_hub(database_url) as nexus:
        whole = nexus.audit.verify()
        first = nexus.audit.verify(limit=5)
        rest = nexus.audit.verify(after=5)
        seals = rows(database_url, "SELECT event_id, place FROM event_seals ORDER BY place")
        feed = [event.id for event in nexus.events.list(limit=200)]

    assert (None, 0, len(feed)) == (whole.fault, whole.unsealed, whole.place)
    assert (5, False, first.hash, whole.hash) == (first.place, first.is_last, rest.after_hash, rest.hash)
    assert (feed, list(range(1, len(feed) + 1))) == ([s["event_id"] for s in seals], [s["place"] for s in seals])


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE events SET actor_name = 'mallory' WHERE id = 7", "altered"),
        ('UPDATE events SET payload = \'{"to": "done"}\' WHERE id = 7', "altered"),
        ("UPDATE events SET created_at = '2020-01-01T00:00:00.000000Z' WHERE id = 7", "altered"),
        ("UPDATE events SET address = '10.0.0.1', key_id = 3 WHERE id = 7", "altered"),
        ("UPDATE events SET task_id = NULL WHERE id = 7", "altered"),
        ("DELETE FROM events WHERE id = 7", "missing"),
        ("UPDATE event_seals SET event_id = 7000 WHERE event_id = 7", "missing"),
        ("DELETE FROM event_seals WHERE event_id = 7", "seal"),
        ("UPDATE event_seals SET xid = xid + 1 WHERE event_id = 7", "seal"),
        (EVENT.format(-1, 0), "inserted"),
    ],
)
def test_what_was_altered_is_found(database_url, statement, kind):
    """The walk ends at the first row that is not as it was sealed, and names it."""
    with sealed_hub(database_url) as nexus:
        place = next(
            s["place"] for s in rows(database_url, "SELECT place, event_id FROM event_seals") if s["event_id"] == 7
        )
        tamper(database_url, statement)
        found = nexus.audit.verify()

    assert kind == found.fault.kind
    if kind == "inserted":
        assert -1 == found.fault.event_id
    else:
        assert (place, place - 1) == (found.fault.place, found.place)


def test_a_chain_that_was_written_anew_lacks_the_head_that_was_noted(database_url):
    """Who may do everything can make a chain that is right in itself; a head that was kept elsewhere shows it."""
    with sealed_hub(database_url) as nexus:
        noted = nexus.audit.verify().hash
        seen = nexus.audit.verify(head=noted).saw_head
        tamper(database_url, "UPDATE events SET actor_name = 'mallory' WHERE id = 7", "DELETE FROM event_seals")
        again = seal_all(nexus, database_url)
        found = nexus.audit.verify(head=noted)

    assert (True, None, False) == (seen, again.fault, found.saw_head)
    assert noted != found.hash


def test_an_event_that_is_not_sealed_yet_is_counted(database_url):
    """How many there are and since when tells whether sealing goes on."""
    with sealed_hub(database_url) as nexus:
        before = nexus.audit.verify()
        nexus.tasks.create("One more")
        for _ in range(250):
            found = nexus.audit.verify()
            if found.unsealed:
                break
            threading.Event().wait(0.02)
        [event] = nexus.events.list(after=0, newest=True, limit=1)

    assert before.hash == found.hash
    assert found.unsealed >= 1 and found.unsealed_since <= event.created_at


def test_nobody_seals_twice_and_nobody_waits(database_url, monkeypatch):
    """While eight write and four seal in small batches, the chain comes out whole, in the order of the feed."""
    monkeypatch.setattr(audit, "BATCH", 7)
    stop = threading.Event()
    with open_hub(database_url) as nexus:

        def write():
            for number in range(15):
                nexus.tasks.create(f"Task {number}")
            return 0

        def seal():
            sealed = 0
            while not stop.is_set():
                sealed += nexus.audit.seal(seconds=0.05)
            return sealed

        with ThreadPoolExecutor(4) as pool:
            sealers = [pool.submit(seal) for _ in range(4)]
            at_once([write] * 8)
            stop.set()
            sealed = sum(sealer.result() for sealer in sealers)
        found = seal_all(nexus, database_url)
        seals = rows(database_url, "SELECT event_id, xid FROM event_seals ORDER BY place")

    assert found.fault is None and 0 < sealed <= found.place
    assert sorted((s["xid"], s["event_id"]) for s in seals) == [(s["xid"], s["event_id"]) for s in seals]
    assert len(seals) == rows(database_url, "SELECT count(*) AS number FROM events")[0]["number"] >= 120


def test_the_schedule_seals(database_url):
    """A worker's sweep starts it, and it leaves nothing unsealed."""
    with open_hub(database_url) as nexus:
        nexus.tasks.create("One")
        for _ in range(250):
            nexus.jobs.enqueue("core.seal_audit", {})
            nexus.jobs.drain()
            if nexus.audit.verify().unsealed == 0:
                break
        nexus.jobs.sweep()
        kinds = {job.kind for job in nexus.jobs.list(limit=200)}
        found = nexus.audit.verify()

    assert found.place >= 1
    assert {"core.seal_audit", "core.look_out"} <= kinds


@pytest.mark.services
def test_both_engines_give_the_same_bytes(tmp_path, request):
    """The same event is hashed alike, with whatever numbers and letters, but for its transaction's id."""
    payload = {
        "é\u2028": "\ud7ff🙂", "z": 1, "a": [1.0, -0.0, 1e300, 1e-300, 0.1, 12345678901234567890, 1.5e16, 5e-324],
        "b": {"nested": {"y": None, "x": True}}, "": "", "big": 2**63, "n": -7.25e-10,
    }  # fmt: skip
    found = []
    clock = FrozenClock()
    for url in (f"sqlite:///{tmp_path / 'nexus.db'}", request.getfixturevalue("postgres_url")):
        with open_hub(url, clock=clock) as nexus:
            nexus.events.record("probe.made", payload=payload, task_id=3, delivery="github:é")
            with nexus.store.reading() as tx:
                while not (unsealed := tx.audit.unsealed(None, 10)):
                    threading.Event().wait(0.02)
        found.append(unsealed[0].content.replace(b"[1,%d," % unsealed[0].xid, b"[1,0,", 1))

    assert found[0] == found[1]


def test_who_sees_some_repositories_only_may_not_walk_the_chain(hub):
    """It is of all repositories."""
    with pytest.raises(Forbidden):
        hub.audit.verify(actor=attrs.evolve(LOCAL, repositories=frozenset({1})))
    with pytest.raises(NotFound):
        hub.audit.verify(after=99)
