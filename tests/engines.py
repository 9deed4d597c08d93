"""Both engines for a test, threads and processes that start at once, and the tables as they are."""

from __future__ import annotations

import re
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from nexus_core.nexus import Nexus
from nexus_core.testing import nexus_for_test

T = TypeVar("T")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of each engine in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'nexus.db'}"
    return str(request.getfixturevalue("postgres_url"))


@contextmanager
def open_hub(url: str, *plugins: Any, **more: Any) -> Iterator[Nexus]:
    """A hub on this database, with the plugin that it needs."""
    from nexus_plugin_postgres import hooks

    with nexus_for_test(hooks, *plugins, database_url=url, **more) as hub:
        yield hub


@pytest.fixture
def hub(database_url: str) -> Iterator[Nexus]:
    """A hub on each engine in turn."""
    with open_hub(database_url) as opened:
        yield opened


def at_once(actions: Sequence[Callable[[], T]]) -> list[T]:
    """Run each action in a thread of its own, all from the same instant; what they answered, in their order."""
    gate = threading.Barrier(len(actions))

    def run(action: Callable[[], T]) -> T:
        gate.wait(30)
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return [future.result() for future in [pool.submit(run, action) for action in actions]]


def outcome(action: Callable[[], Any]) -> Callable[[], Any]:
    """The action with what it raised as its answer."""

    def caught() -> Any:
        try:
            return action()
        except Exception as error:
            return error

    return caught


@contextmanager
def another_database(url: str) -> Iterator[str]:
    """The URL of an empty database of the same engine, beside the one of a test."""
    if url.startswith("sqlite:"):
        yield url.replace("nexus.db", "another.db")
        return
    import psycopg

    name = f"another_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        try:
            yield re.sub(r"search_path%3D\w+", f"search_path%3D{name}", url)
        finally:
            connection.execute(f"DROP SCHEMA {name} CASCADE")


def execute(url: str, *statements: str) -> None:
    """Change the database itself, past everything that Nexus has written."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            for sql in statements:
                connection.execute(sql)
        return
    import psycopg

    with psycopg.connect(url) as connection:
        for sql in statements:
            connection.execute(sql)


def rows(url: str, sql: str) -> list[dict[str, Any]]:
    """The answer of the database itself, past everything that Nexus has written."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    import psycopg
    from psycopg.rows import dict_row

    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(sql).fetchall()
