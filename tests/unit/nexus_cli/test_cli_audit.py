"""`nexus audit verify`: finds what was altered, embedded and against a server, part by part."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nexus_cli.commands import audit


def alter(*statements):
    """Change the database as its owner may, past what refuses it."""
    path = Path(os.environ["NEXUS_DATA_DIR"]) / "nexus.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in ("events", "event_seals"):
            for word in ("changed", "deleted"):
                connection.execute(f"DROP TRIGGER IF EXISTS {table}_are_never_{word}")
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def sealed(nexus):
    """A hub with some events, written by the command itself; a head that was noted."""
    for number in range(4):
        nexus("task", "add", f"Task {number}")
    return nexus("audit", "verify", "--json").document


def test_what_stands_as_it_was_written_is_found_right(sealed, nexus):
    """With no worker about, the command has sealed what it wrote; it says how much, and the head to note."""
    ran = nexus("audit", "verify")

    assert (0, True, None, 0) == (ran.code, sealed["ok"], sealed["fault"], sealed["unsealed"])
    assert sealed["verified"] >= 4 and 64 == len(sealed["head"])
    assert f"as it was sealed: {sealed['verified']} events" in ran.out and sealed["head"] in ran.out


def test_an_altered_event_is_named(sealed, nexus):
    """Exit code 4, with the event."""
    alter("UPDATE events SET actor_name = 'mallory' WHERE id = 2")
    ran, told = nexus("audit", "verify", "--json"), nexus("audit", "verify")

    assert (4, False, "altered", 2) == (
        ran.code, ran.document["ok"], ran.document["fault"]["kind"], ran.document["fault"]["event_id"]
    )  # fmt: skip
    assert 4 == told.code and "event 2 (or its seal) is not as it was" in told.out


def test_a_database_refuses_before_it_is_found(sealed):
    """The application's own connection cannot alter one."""
    path = Path(os.environ["NEXUS_DATA_DIR"]) / "nexus.db"
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("UPDATE events SET actor_name = 'mallory'")


def test_a_head_that_was_noted_is_looked_for(sealed, nexus):
    """It is still there after more was written; cutting the chain off loses it."""
    nexus("task", "add", "One more")
    still = nexus("audit", "verify", "--head", sealed["head"])
    alter("DELETE FROM event_seals WHERE place > 2", "DELETE FROM events WHERE id > 2")
    cut = nexus("audit", "verify", "--json")
    gone = nexus("audit", "verify", "--head", sealed["head"].upper(), "--json")

    assert (0, 0, 4) == (still.code, cut.code, gone.code)
    assert "head" == gone.document["fault"]["kind"]
    assert "was cut off or written anew" in gone.document["fault"]["message"]


def test_a_head_that_is_none_is_bad_usage(nexus):
    """Before anything is walked."""
    assert 2 == nexus("audit", "verify", "--head", "abc").code


@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_long_chain_is_walked_in_parts(sealed, nexus, monkeypatch, size):
    """They join, the head may stand in any of them, and so may what was altered."""
    monkeypatch.setattr(audit, "PART", size)
    right = nexus("audit", "verify", "--json", "--head", sealed["head"]).document
    alter("UPDATE events SET payload = '{}' WHERE id = (SELECT event_id FROM event_seals WHERE place = 5)")
    wrong = nexus("audit", "verify", "--json").document

    assert (sealed["verified"], sealed["head"], True) == (right["verified"], right["head"], right["ok"])
    assert (4, "altered", 5) == (wrong["verified"], wrong["fault"]["kind"], wrong["fault"]["place"])


def test_an_empty_hub_has_nothing_to_find(nexus):
    """No event, no head, and nothing wrong."""
    ran = nexus("audit", "verify", "--json")

    assert (0, 0, True) == (ran.code, ran.document["verified"], ran.document["ok"])
