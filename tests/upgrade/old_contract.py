"""Run by the previous revision's pytest: its own store contract, on the schema that this revision's migrations make.

`NEXUS_TEST_SCHEMA` names a file with the migrations as each engine takes them: name, text, checksum.
"""

import json
import os
import shutil
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from nexus_core.storage.sqlite import SqliteEngine
from nexus_core.storage.store import SqlStore
from nexus_core.testing.contracts import StoreContract
from nexus_plugin_postgres.hooks import open_store

SCHEMA = json.loads(Path(os.environ["NEXUS_TEST_SCHEMA"]).read_text("utf-8"))
HISTORY = "CREATE TABLE schema_migrations (name text PRIMARY KEY, checksum text NOT NULL)"


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """An SQLite file with this schema."""
    file = tmp_path_factory.mktemp("made") / "nexus.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(HISTORY)
        for name, text, checksum in SCHEMA["sqlite"]:
            connection.executescript(f"BEGIN; {text} COMMIT;")
            connection.execute("INSERT INTO schema_migrations VALUES (?, ?)", (name, checksum))
        connection.commit()
    return file


class TestSqlite(StoreContract):
    """The previous revision on SQLite."""

    @pytest.fixture
    def store(self, tmp_path, made):
        shutil.copy(made, tmp_path / "nexus.db")
        with closing(SqlStore(SqliteEngine(tmp_path / "nexus.db"))) as store:
            store.migrate()
            yield store


class TestPostgres(StoreContract):
    """The previous revision on PostgreSQL."""

    @pytest.fixture
    def store(self):
        import psycopg

        url, name = os.environ["NEXUS_TEST_POSTGRES_URL"], f"crossed_{uuid.uuid4().hex[:12]}"
        own = f"{url}{'&' if '?' in url else '?'}options={quote(f'-csearch_path={name}', safe='')}"
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(f"CREATE SCHEMA {name}")
            with psycopg.connect(own) as connection:
                connection.execute(HISTORY)
                for migration, text, checksum in SCHEMA["postgresql"]:
                    connection.execute(text)
                    connection.execute("INSERT INTO schema_migrations VALUES (%s, %s)", (migration, checksum))
            with closing(open_store(own)) as store:
                store.migrate()
                yield store
            admin.execute(f"DROP SCHEMA {name} CASCADE")
