"""Migrations on PostgreSQL: the core's history, and after each of its steps what only this database has."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from nexus_core.storage.migrate import HISTORY, RECORD, checksum, pending
from nexus_core.storage.statements import for_postgres, migrations

if TYPE_CHECKING:
    from .connection import PatientConnection

LOCK_WAIT = "60s"
"""How long one process waits for another's migration."""

SECONDS = 3600.0
"""How long a single migration may take."""

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('nexus migrations in ' || current_schema(), 0))"


@cache
def history() -> Mapping[str, str]:
    """Every migration by name, in order: `0001_…` of the core, `pg_0001_…` of this plugin, `0002_…`, …"""
    folder = resources.files(__package__).joinpath("migrations")
    own = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".sql")}
    every = {**migrations(), **own}
    return {name: every[name] for name in sorted(every, key=_place)}


def _place(name: str) -> tuple[str, bool]:
    """Where a migration stands in the history: by number, the plugin's own after the core's."""
    return name.removeprefix("pg_").split("_")[0], name.startswith("pg_")


def outstanding(connection: PatientConnection) -> list[tuple[str, str]]:
    """The migrations still to be applied, in order: name and text.

    :raises SchemaTooNew: a newer Nexus changed this schema beyond what we can work with
    """
    row = connection.execute("SELECT to_regclass('schema_migrations') IS NOT NULL AS known").fetchone()
    if not row or not row["known"]:
        return pending({}, history())
    rows = connection.execute("SELECT name, checksum FROM schema_migrations").fetchall()
    return pending({row["name"]: row["checksum"] for row in rows}, history())


def migrate(connection: PatientConnection) -> list[str]:
    """Apply what is outstanding; the names of what this call applied.

    Each migration is a transaction of its own under a lock, so that a crash leaves whole steps behind, and
    several processes that start at once apply each step once.
    """
    connection.patience = SECONDS
    applied: list[str] = []
    while (name := _next(connection)) is not None:
        applied.append(name)
    return applied


def _next(connection: PatientConnection) -> str | None:
    with connection.transaction():
        connection.execute(f"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '{LOCK_WAIT}'")
        connection.execute(_LOCK)
        todo = outstanding(connection)
        if not todo:
            return None
        name, sql = todo[0]
        # Long enough to meet a pause in the traffic, short enough not to hold it up behind us.
        connection.execute("SET LOCAL lock_timeout = '5s'")
        connection.execute(HISTORY)
        connection.execute(for_postgres(sql))
        connection.execute(RECORD.replace("?", "%s"), (name, checksum(sql)))
    return name
