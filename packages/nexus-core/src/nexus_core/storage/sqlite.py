"""The embedded engine: the standard library's sqlite3, one connection a thread."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import Conflict, Duplicate, NexusError, Unavailable
from .migrate import apply_migrations, pending
from .session import Row, SqlSession, expand
from .statements import statements

BUSY_SECONDS = 10.0
"""How long a write waits for another process's write before it gives up."""


class SqliteSession:
    """Named statements on one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def _execute(self, name: str, parameters: Mapping[str, Any]) -> sqlite3.Cursor:
        sql = statements()[name]
        if any(type(value) is tuple for value in parameters.values()):
            sql, parameters = expand(sql, parameters)
        return self._connection.execute(sql, parameters)

    def run(self, name: str, /, **parameters: Any) -> int:
        """Run a statement; the number of rows that it changed."""
        return self._execute(name, parameters).rowcount

    def many(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement for each of many rows."""
        self._connection.executemany(statements()[name], rows)

    def each(self, name: str, rows: Sequence[Mapping[str, Any]]) -> list[Row | None]:
        """Run a statement for each of many rows; the first row of each answer."""
        return [self.one(name, **row) for row in rows]

    def one(self, name: str, /, **parameters: Any) -> Row | None:
        """The first row of the answer, or None."""
        rows = self.all(name, **parameters)
        return rows[0] if rows else None

    def all(self, name: str, /, **parameters: Any) -> list[Row]:
        """All rows of the answer."""
        cursor = self._execute(name, parameters)
        # Fetching to the end matters: an UPDATE … RETURNING takes effect row by row.
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def tuples(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of the answer, without the names of their columns."""
        return self._execute(name, parameters).fetchall()


class SqliteEngine:
    """An SQLite file. WAL lets readers and one writer work side by side; a file lives on one host's local disk."""

    name = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._new_turn()

    def _new_turn(self) -> None:
        """The turn to write among this process's threads; a child process begins with its own."""
        self._turn = threading.Lock()
        self._pid = os.getpid()

    @contextmanager
    def _own_turn(self) -> Iterator[None]:
        # One thread of a process at a time tries for the database's lock: many that look again and again would keep
        # the interpreter from the one that has it.
        if self._pid != os.getpid():
            self._new_turn()
        if not self._turn.acquire(timeout=BUSY_SECONDS):
            raise Unavailable(f"the database {self.path} was written to for {BUSY_SECONDS:.0f} s; try again")
        try:
            yield
        finally:
            self._turn.release()

    def _connection(self) -> sqlite3.Connection:
        # A connection must not cross a fork; the child opens its own.
        if getattr(self._local, "pid", None) != os.getpid():
            self._local.connection = self._connect()
            self._local.pid = os.getpid()
        connection: sqlite3.Connection = self._local.connection
        return connection

    def _connect(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            connection = sqlite3.connect(self.path, isolation_level=None, timeout=0, check_same_thread=False)
            self.path.chmod(0o600)
            _patiently(lambda: connection.execute("PRAGMA journal_mode = WAL"))
            for pragma in ("synchronous = NORMAL", "foreign_keys = ON", "cache_size = -16000"):
                connection.execute(f"PRAGMA {pragma}")
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(f"the database {self.path} cannot be opened: {_say(error)}") from error
        with self._lock:
            self._connections.append(connection)
        return connection

    @contextmanager
    def writing(self) -> Iterator[SqlSession]:
        """A transaction that may write."""
        connection = self._connection()
        with self._own_turn(), _our_errors(self.path):
            # IMMEDIATE, because a read that upgrades to a write fails at once, whatever the time-out.
            _patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
            try:
                yield SqliteSession(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            try:
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[SqlSession]:
        """A transaction that only reads."""
        connection = self._connection()
        with _our_errors(self.path):
            if connection.in_transaction:
                yield SqliteSession(connection)
                return
            connection.execute("BEGIN")
            try:
                yield SqliteSession(connection)
            finally:
                connection.execute("ROLLBACK")

    def migrate(self) -> list[str]:
        """Bring the schema up to date."""
        if not self.pending_migrations():
            return []
        connection = self._connection()
        with _our_errors(self.path):
            _patiently(lambda: connection.execute("BEGIN EXCLUSIVE"))
            try:
                applied = apply_migrations(_script_runner(connection), _applied(connection))
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        return applied

    def pending_migrations(self) -> list[str]:
        """The migrations that `migrate` would apply."""
        return [name for name, _ in pending(_applied(self._connection()))]

    def close(self) -> None:
        """Let go of every connection."""
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
        self._local = threading.local()


def _applied(connection: sqlite3.Connection) -> dict[str, str]:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_migrations'").fetchone()
    return dict(connection.execute("SELECT name, checksum FROM schema_migrations")) if known else {}


def _script_runner(connection: sqlite3.Connection) -> Any:
    def run(sql: str, *parameters: Any) -> None:
        # executescript would commit; each statement goes alone, so that all are one transaction.
        if parameters:
            connection.execute(sql, parameters)
            return
        for statement in split_script(sql):
            connection.execute(statement)

    return run


@cache
def split_script(sql: str) -> tuple[str, ...]:
    """The statements of a script, by SQLite's own idea of where one ends."""
    found: list[str] = []
    part = ""
    for line in sql.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):
            found.append(part.strip())
            part = ""
    return (*found, part.strip()) if part.strip() else tuple(found)


def _patiently(action: Any) -> None:
    """Try again while another process writes.

    SQLite's own busy handler starves processes; short random sleeps are fair.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            action()
            return
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in (
                sqlite3.SQLITE_BUSY,
                sqlite3.SQLITE_LOCKED,
            ):
                raise
            if time.monotonic() > deadline:
                raise
        time.sleep(random.uniform(0.0001, 0.0004))  # noqa: S311 - a wait, not a secret


def _say(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


@contextmanager
def _our_errors(path: Path) -> Iterator[None]:
    """The one place where the driver's errors become ours."""
    try:
        yield
    except NexusError:
        raise
    except sqlite3.IntegrityError as error:
        kind = Duplicate if "UNIQUE" in str(error) else Conflict
        raise kind(f"the database refuses it: {error}") from error
    except sqlite3.OperationalError as error:
        raise Unavailable(f"the database {path} cannot be used: {error}") from error
    except sqlite3.DatabaseError as error:
        raise Unavailable(f"{path} is not a database that can be used: {error}") from error
