"""The events are append-only in the database itself: whoever uses the application's own role cannot change one."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest

from engines import execute, open_hub, rows

ATTEMPTS = (
    "UPDATE events SET actor_name = 'somebody else'",
    "UPDATE events SET payload = '{}' WHERE id = 1",
    "DELETE FROM events",
    "DELETE FROM events WHERE id = 1",
    "UPDATE event_seals SET hash = event_seals.hash",
    "DELETE FROM event_seals",
)
OF_ENGINE = {
    "sqlite": (
        "INSERT OR REPLACE INTO events (id, type, payload, created_at, actor_kind, actor_name)"
        " VALUES (1, 'task.created', '{}', '2026-01-31T12:00:00.000000Z', 'user', 'me')",
        "UPDATE OR REPLACE events SET id = 1 WHERE id = 2",
        "INSERT OR REPLACE INTO event_seals (place, event_id, xid, hash) VALUES (1, 9, 0, x'00')",
        "INSERT OR REPLACE INTO event_seals (place, event_id, xid, hash) VALUES (9, 1, 0, x'00')",
    ),
    "postgresql": (
        "TRUNCATE events",
        "TRUNCATE events, event_seals",
        "SET session_replication_role = replica; DELETE FROM events",
        "INSERT INTO events (id, type, payload, created_at, actor_kind, actor_name)"
        " VALUES (1, 'task.created', '{}', now(), 'user', 'me')"
        " ON CONFLICT (id) DO UPDATE SET actor_name = excluded.actor_name",
        "MERGE INTO events USING (SELECT 1 AS id) other ON events.id = other.id WHEN MATCHED THEN DELETE",
    ),
}


def test_no_statement_changes_an_event(database_url):
    """UPDATE, DELETE, TRUNCATE and what replaces are refused, and what was written stays as it was."""
    with open_hub(database_url) as nexus:
        nexus.tasks.create("One")
        nexus.tasks.create("Two")
        nexus.audit.seal()
    before = rows(database_url, "SELECT * FROM events ORDER BY id"), rows(database_url, "SELECT * FROM event_seals")
    refused = []
    for statement in ATTEMPTS + OF_ENGINE[database_url.split(":")[0]]:
        with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError)) as error:
            execute(database_url, statement)
        refused.append("append-only" in str(error.value))

    assert all(refused)
    assert before == (
        rows(database_url, "SELECT * FROM events ORDER BY id"), rows(database_url, "SELECT * FROM event_seals")
    )  # fmt: skip
    assert len(before[0]) == len(before[1]) >= 2
