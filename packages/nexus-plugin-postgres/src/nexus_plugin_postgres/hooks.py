"""The records of this plugin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from nexus_core.errors import NexusError
from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.records import HealthCheck, StoreFactory

if TYPE_CHECKING:
    from nexus_core.plugins.context import Context
    from nexus_core.ports.storage import Store

SCHEMES = ("postgresql", "postgres")


def open_store(url: str) -> Store:
    """The store in the PostgreSQL database of this URL. Nothing is connected before it is used."""
    from nexus_core.storage.store import SqlStore

    from .engine import PostgresEngine

    return SqlStore(PostgresEngine(url))


def reachable(ctx: Context) -> str | None:
    """What is wrong with the database, or None; also None where another database is in use."""
    url = ctx.nexus.config.database_url
    if url.split(":", 1)[0] not in SCHEMES:
        return None
    from .engine import PostgresEngine

    engine = PostgresEngine(url)
    try:
        pending = engine.pending_migrations()
    except NexusError as error:
        return error.message
    return f"migrations are outstanding, run `nexus migrate`: {', '.join(pending)}" if pending else None


@hookimpl
def nexus_stores() -> Iterable[StoreFactory]:
    """The store at scale."""
    yield StoreFactory(schemes=SCHEMES, open=open_store)


@hookimpl
def nexus_health_checks() -> Iterable[HealthCheck]:
    """Whether the database answers and its schema is up to date."""
    yield HealthCheck(
        name="postgres.reachable", check=reachable, summary="PostgreSQL answers and its schema is up to date"
    )
