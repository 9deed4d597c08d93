"""The engine: the core's named statements on PostgreSQL, through each process's own pool."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import resources
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row, tuple_row
from psycopg_pool import ConnectionPool

from nexus_core.errors import NexusError
from nexus_core.storage.session import Row, SqlSession, expand
from nexus_core.storage.statements import for_postgres, parse, pyformat, statements

from . import migrate as migrations
from .connection import PatientConnection, check, configure, connect
from .errors import ours
from .target import Target

POOL_SECONDS = 8.0
"""How long a caller waits for a connection: long enough to sit out a restart of the database."""

WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


@cache
def rendered() -> Mapping[str, str]:
    """Every statement in PostgreSQL's words, by name; parameters still as `:name`."""
    text = resources.files(__package__).joinpath("sql", "overrides.sql").read_text("utf-8")
    return {name: for_postgres(sql) for name, sql in {**statements(), **parse(text)}.items()}


@cache
def _plain(name: str) -> str:
    return pyformat(rendered()[name])


def _filled(name: str, parameters: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """A statement as psycopg takes it, with its lists spread, and what goes in."""
    if any(type(value) is tuple for value in parameters.values()):
        sql, parameters = expand(rendered()[name], parameters)
        return pyformat(sql), parameters
    return _plain(name), parameters


class PostgresSession:
    """Named statements on one connection, within the transaction that it is in."""

    def __init__(self, connection: PatientConnection) -> None:
        self._connection = connection

    def _execute(self, name: str, parameters: Mapping[str, Any]) -> psycopg.Cursor[dict[str, Any]]:
        return self._connection.execute(*_filled(name, parameters))

    def run(self, name: str, /, **parameters: Any) -> int:
        """Run a statement; the number of rows that it changed."""
        return self._execute(name, parameters).rowcount

    def many(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement for each of many rows."""
        with self._connection.cursor() as cursor:
            cursor.executemany(_plain(name), rows)

    def each(self, name: str, rows: Sequence[Mapping[str, Any]]) -> list[Row | None]:
        """Run a statement for each of many rows, without waiting for each; the first row of each answer."""
        found: list[Row | None] = []
        with self._connection.cursor() as cursor:
            cursor.executemany(_plain(name), rows, returning=True)
            while rows and (not found or cursor.nextset()):
                found.append(cursor.fetchone())
        return found

    def one(self, name: str, /, **parameters: Any) -> Row | None:
        """The first row of the answer, or None."""
        return self._execute(name, parameters).fetchone()

    def all(self, name: str, /, **parameters: Any) -> list[Row]:
        """All rows of the answer."""
        return [*self._execute(name, parameters).fetchall()]

    def tuples(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of the answer, without the names of their columns."""
        with self._connection.cursor(row_factory=tuple_row) as cursor:
            return cursor.execute(*_filled(name, parameters)).fetchall()


class PostgresEngine:
    """A PostgreSQL database."""

    name = "postgresql"

    def __init__(self, url: str) -> None:
        self.target = Target.from_url(url)
        self._local = threading.local()
        self._begin_anew()
        weak = weakref.WeakMethod(self._begin_anew)
        os.register_at_fork(after_in_child=lambda: (method := weak()) and method())
        # What the driver logs of failed attempts, callers get as Unavailable.
        logging.getLogger("psycopg").setLevel(logging.ERROR)

    def _begin_anew(self) -> None:
        """Start without a pool. After a fork the parent's is kept but not used."""
        self._inherited = getattr(self, "_pool", None)
        self._pool: ConnectionPool[PatientConnection] | None = None
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._local.session = None

    def _opened(self) -> ConnectionPool[PatientConnection]:
        with self._lock:
            if self._pool is None:
                # The pool would try for seconds on end and then not say why it failed.
                connect(self.target.conninfo, self.target.label).close()
                self._pool = self._new_pool()
            assert self._pid == os.getpid(), "a pool must not cross a fork"  # noqa: S101 - a bug, not an input
            return self._pool

    def _new_pool(self) -> ConnectionPool[PatientConnection]:
        return ConnectionPool(
            self.target.conninfo,
            connection_class=PatientConnection,
            kwargs={"autocommit": True, "row_factory": dict_row},
            min_size=self.target.pool_min_size,
            max_size=self.target.pool_max_size,
            timeout=POOL_SECONDS,
            max_lifetime=30 * 60,
            max_idle=5 * 60,
            reconnect_timeout=POOL_SECONDS,
            num_workers=2,
            configure=configure,
            check=check,
            open=True,
        )

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[SqlSession]:
        # The pool commits or rolls back what is open when the connection is handed back.
        with self._our_errors(), self._opened().connection() as connection:
            connection.execute(begin)
            self._local.session = PostgresSession(connection)
            try:
                yield self._local.session
            finally:
                self._local.session = None
            if connection.info.transaction_status == TransactionStatus.INERROR:
                # PostgreSQL would roll back and call it a commit.
                raise NexusError("a statement failed, so that the transaction cannot be committed")

    @contextmanager
    def writing(self) -> Iterator[SqlSession]:
        """A transaction that may write."""
        if getattr(self._local, "session", None) is not None:
            raise NexusError("a transaction was begun within a transaction")
        with self._transaction(WRITING) as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[SqlSession]:
        """A transaction that only reads, and sees one state; within another of the thread, a part of it."""
        current = getattr(self._local, "session", None)
        if current is not None:
            yield current
            return
        with self._transaction(READING) as session:
            yield session

    def migrate(self) -> list[str]:
        """Bring the schema up to date; the migrations applied. Safe when several start at once."""
        with self._our_errors(), connect(self.target.conninfo, self.target.label) as connection:
            return migrations.migrate(connection)

    def pending_migrations(self) -> list[str]:
        """The migrations that `migrate` would apply."""
        with self._our_errors(), connect(self.target.conninfo, self.target.label) as connection:
            return [name for name, _ in migrations.outstanding(connection)]

    def ping(self) -> None:
        """Ask the database for an answer.

        :raises Unavailable: there was none
        """
        with self._our_errors(), self._opened().connection() as connection:
            connection.execute("SELECT 1")

    def close(self) -> None:
        """Let go of every connection."""
        with self._lock:
            if self._pool is not None:
                self._pool.close(timeout=2)
                self._pool = None

    @contextmanager
    def _our_errors(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise ours(error, self.target.label) from error
