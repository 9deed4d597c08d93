"""The store on a schema that a newer Nexus of the same release line has expanded: everything works as before."""

from contextlib import closing

import pytest

from engines import execute, open_hub, rows
from nexus_core.storage.sqlite import SqliteEngine
from nexus_core.storage.store import SqlStore
from nexus_core.testing.contracts import StoreContract
from nexus_plugin_postgres.hooks import open_store

NEW = (
    "ALTER TABLE {table} ADD COLUMN from_the_future text",
    "ALTER TABLE {table} ADD COLUMN counted_in_future integer NOT NULL DEFAULT 7",
    "CREATE INDEX {table}_of_the_future ON {table} (from_the_future)",
)
TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()",
}


def expand(url):
    """Give every table columns and an index that this version knows nothing of."""
    tables = [row["name"] for row in rows(url, TABLES[url.split(":")[0]])]
    assert len(tables) > 10
    execute(url, *(sql.format(table=table) for table in tables if table != "schema_migrations" for sql in NEW))


class TestExpandedSqliteStore(StoreContract):
    """SQLite, with more in each table than we know."""

    @pytest.fixture
    def store(self, tmp_path):
        with closing(SqlStore(SqliteEngine(tmp_path / "nexus.db"))) as store:
            store.migrate()
            expand(f"sqlite:///{tmp_path / 'nexus.db'}")
            yield store


@pytest.mark.services
class TestExpandedPostgresStore(StoreContract):
    """PostgreSQL, with more in each table than we know."""

    @pytest.fixture
    def store(self, postgres_url):
        with closing(open_store(postgres_url)) as store:
            store.migrate()
            expand(postgres_url)
            yield store


def work(nexus):
    """Something of everything."""
    file = b'{"tasks": [{"id": 1, "title": "One"}]}'
    repository = nexus.repositories.list()[0] if nexus.repositories.list() else nexus.repositories.add("acme/api")
    nexus.tasks.import_file(file, repository.name)
    task = nexus.tasks.create("A task", repository=repository.name)
    held = nexus.assignments.claim(agent="ada", task_id=task.id)
    nexus.assignments.add_activity(held.id, held.fence, "elicitation", "This or that?", choices=["this", "that"])
    nexus.inbox.list()
    nexus.assignments.complete(held.id, held.fence)
    nexus.tasks.move(task.id, "done")
    nexus.jobs.drain()
    nexus.keys.authenticate(nexus.keys.create("key", role="viewer").secret)
    nexus.users.list()
    nexus.deliveries.list()
    return len(nexus.events.list(limit=200)), len(nexus.jobs.list()), nexus.assignments.get(held.id).status


def test_a_hub_that_runs_while_the_schema_is_expanded(database_url):
    """What its connections have prepared goes on to work; PostgreSQL would refuse a plan with other columns."""
    with open_hub(database_url) as nexus:
        for _ in range(4):
            before = work(nexus)
        expand(database_url)
        after = work(nexus)

    assert after[0] > before[0] and "completed" == after[2]
