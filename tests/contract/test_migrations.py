"""Migrations expand, or say that they contract: older code of a release line works on a newer schema."""

from __future__ import annotations

import re

import pytest

from expanding import breaches, dropped
from nexus_core.storage.migrate import expands
from nexus_plugin_postgres.migrate import history

FIRST = ("0001_initial.sql", "pg_0001_feed.sql")
LATER = [name for name in history() if name not in FIRST]


def test_a_migration_says_what_it_does():
    """`0002_expand_…` or `0003_contract_…`: older code decides by the name whether it can work with the schema."""
    assert [] == [name for name in LATER if not re.fullmatch(r"(pg_)?\d{4}_(expand|contract)_\w+\.sql", name)]


def test_an_index_that_is_dropped_was_not_unique():
    """Older code may say ON CONFLICT with it."""
    everything = "\n".join(history().values()).lower()
    gone = [index for name in LATER for index in dropped(history()[name])]

    assert gone
    assert [] == [index for index in gone if f"create index {index} on" not in everything]


def test_an_expanding_migration_only_adds():
    """What does more is to be named `…_contract_…`, and waits for the next release line."""
    found = {name: breaches(history()[name]) for name in LATER if expands(name)}

    assert {} == {name: said for name, said in found.items() if said}


def test_the_history_begins_as_it_began():
    """Names decide: the first ones are neither."""
    assert list(FIRST) == [name for name in history() if name in FIRST]
    assert not any(expands(name) for name in FIRST)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE notes (id integer PRIMARY KEY, task_id bigint NOT NULL UNIQUE);",
        "CREATE TABLE notes (id integer PRIMARY KEY); CREATE UNIQUE INDEX notes_id ON notes (id);",
        "CREATE TABLE notes (id integer PRIMARY KEY); INSERT INTO notes (id) SELECT id FROM tasks;",
        "-- One more; it's short.\nALTER TABLE tasks ADD COLUMN note text;",
        "ALTER TABLE tasks\n  ADD COLUMN weight integer NOT NULL DEFAULT 1 CHECK (weight > 0);",
        "ALTER TABLE tasks ADD COLUMN note text; UPDATE tasks SET note = 'old, but = good' WHERE note IS NULL;",
        "CREATE INDEX tasks_title ON tasks (title);",
        "/*pg: DROP INDEX tasks_title; */",
        "ALTER TABLE jobs SET (autovacuum_vacuum_scale_factor = 0.02);",
        "/*pg: ALTER TABLE tasks SET (fillfactor = 80); */",
        "CREATE TRIGGER kept BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'no; never'); END;",
        "/*sqlite: CREATE TRIGGER kept BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'no'); END; */",
        "CREATE TRIGGER kept BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id) "
        "BEGIN SELECT RAISE(ABORT, 'no'); END;",
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$; "
        "CREATE TRIGGER kept BEFORE UPDATE OR DELETE OR TRUNCATE ON events FOR EACH STATEMENT "
        "EXECUTE FUNCTION refuse(); ALTER TABLE events ENABLE ALWAYS TRIGGER kept;",
        "CREATE TABLE notes (id integer PRIMARY KEY); CREATE TRIGGER kept BEFORE INSERT ON notes BEGIN SELECT 1; END;",
    ],
)
def test_what_adds_is_let_through(sql):
    """New tables and what is in them, columns that may be left out, indexes, settings of storage."""
    assert [] == breaches(sql)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DROP TABLE users;", "it does more than add"),
        ("ALTER TABLE tasks DROP COLUMN title;", "it does more than add"),
        ("ALTER TABLE tasks RENAME COLUMN title TO name;", "it does more than add"),
        ("ALTER TABLE tasks ALTER COLUMN details SET NOT NULL;", "it does more than add"),
        ("ALTER TABLE tasks ALTER COLUMN version TYPE text;", "it does more than add"),
        ("ALTER TABLE tasks ADD CONSTRAINT few CHECK (version < 9);", "it does more than add"),
        ("ALTER TABLE tasks ALTER COLUMN version SET DEFAULT 2;", "it changes a default"),
        ("ALTER TABLE tasks ADD COLUMN note text NOT NULL;", "older code writes no value for it"),
        ("ALTER TABLE tasks ADD COLUMN note text DEFAULT 'x' UNIQUE;", "older code writes one value for all"),
        ("CREATE UNIQUE INDEX tasks_title ON tasks (title);", "a unique index refuses what older code may write"),
        ("UPDATE tasks SET title = 'x', note = 'y';", "it changes note, title"),
        ("INSERT INTO users (username) VALUES ('x');", "it adds rows that older code did not write"),
        ("DELETE FROM events;", "it does more than add"),
        (
            "CREATE TRIGGER t BEFORE UPDATE ON tasks BEGIN SELECT RAISE(ABORT, 'no'); END;",
            "a trigger acts on what older code writes",
        ),
        (
            "CREATE TRIGGER t BEFORE INSERT ON events WHEN NEW.id > 1 BEGIN SELECT RAISE(ABORT, 'no'); END;",
            "a trigger acts on what older code writes",
        ),
        ("ALTER TABLE tasks ENABLE ALWAYS TRIGGER t;", "it does more than add"),
        ("-- it's gone\nDROP TABLE users; -- isn't it\n", "it does more than add"),
    ],
)
def test_what_does_more_is_found(sql, said):
    """Whatever could make older code fail, or see what it did not expect."""
    [breach] = breaches(sql)

    assert breach.endswith(f": {said}")
