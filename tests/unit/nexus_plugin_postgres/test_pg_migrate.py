"""Migrations on PostgreSQL: once, in order, together, and never over a newer schema."""

import multiprocessing

import psycopg
import pytest

from nexus_core.errors import NexusError, SchemaTooNew
from nexus_core.storage.statements import migrations
from nexus_plugin_postgres import migrate
from nexus_plugin_postgres.engine import PostgresEngine

pytestmark = pytest.mark.services


@pytest.fixture
def engine(postgres_url):
    engine = PostgresEngine(postgres_url)
    yield engine
    engine.close()


def test_own_migrations_follow_the_cores_of_their_number():
    """The core's history keeps its order; what only PostgreSQL has follows the step that it belongs to."""
    names = list(migrate.history())

    assert list(migrations()) == [name for name in names if not name.startswith("pg_")]
    assert names.index("0001_initial.sql") < names.index("pg_0001_feed.sql")


def test_applies_each_once(engine):
    """The first call applies all, the next none, and nothing is outstanding then."""
    outstanding = engine.pending_migrations()
    applied = engine.migrate()

    assert outstanding == applied == list(migrate.history())
    assert ([], []) == (engine.migrate(), engine.pending_migrations())


def _migrate(url, results):
    engine = PostgresEngine(url)
    try:
        results.put(engine.migrate())
    except Exception as error:
        results.put([repr(error)])


def test_several_processes_at_once(postgres_url):
    """Eight that start together apply each step once among them, without an error."""
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    processes = [context.Process(target=_migrate, args=(postgres_url, results)) for _ in range(8)]
    [process.start() for process in processes]
    applied = [name for _ in processes for name in results.get(timeout=30)]
    [process.join(10) for process in processes]

    assert sorted(migrate.history()) == sorted(applied)


def test_goes_on_after_a_crash(engine, monkeypatch):
    """A step that fails leaves the steps before it, nothing of itself, and is done the next time."""
    whole = migrate.history()
    broken = {**whole, "9999_last.sql": "CREATE TABLE half (id integer PRIMARY KEY); SELECT 1 / 0;"}
    monkeypatch.setattr(migrate, "history", lambda: broken)
    with pytest.raises(NexusError):
        engine.migrate()

    assert ["9999_last.sql"] == engine.pending_migrations()

    monkeypatch.setattr(migrate, "history", lambda: {**whole, "9999_last.sql": "CREATE TABLE half (id bigint);"})

    assert ["9999_last.sql"] == engine.migrate()


def test_newer_schema_is_refused(engine, postgres_url):
    """A database that a newer Nexus wrote is left alone."""
    engine.migrate()
    with psycopg.connect(postgres_url) as connection:
        connection.execute("INSERT INTO schema_migrations (name, checksum) VALUES ('9999_future.sql', 'x')")

    with pytest.raises(SchemaTooNew, match="9999_future"):
        engine.migrate()


def test_expanded_schema_is_worked_with(engine, postgres_url):
    """What a newer Nexus of the same release line has added, of its core or of this plugin, hinders nobody."""
    engine.migrate()
    with psycopg.connect(postgres_url) as connection:
        for name in ("9998_expand_notes.sql", "pg_9998_expand_notes.sql"):
            connection.execute("INSERT INTO schema_migrations (name, checksum) VALUES (%s, 'x')", (name,))

    assert ([], []) == (engine.pending_migrations(), engine.migrate())


def test_changed_migration_is_refused(engine, postgres_url):
    """A migration that is not the one that was applied is not trusted."""
    engine.migrate()
    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE schema_migrations SET checksum = 'x' WHERE name = '0001_initial.sql'")

    with pytest.raises(NexusError, match="0001_initial"):
        engine.pending_migrations()


def test_ids_are_64_bit(engine, postgres_url):
    """The feed of a busy hub does not run out of numbers."""
    engine.migrate()
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT pg_typeof(id) FROM events RIGHT JOIN (SELECT 1) AS one ON true").fetchone()

    assert "bigint" == row[0]
