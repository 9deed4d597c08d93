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
from typing import Any, NamedTuple

from ..errors import Conflict, Duplicate, NexusError, Unavailable
from ..ports.patience import left
from .checkpoints import Checkpoints
from .migrate import apply_migrations, pending
from .session import Row, SqlSession, expand, insertions
from .statements import for_sqlite, statements
from .turn import Turn

BUSY_SECONDS = 10.0
"""How long a write waits for another process's write before it gives up."""

TURN_SECONDS = 2.0
"""How long it waits for its turn: whoever has it, or is next, may have been stopped without holding SQLite's lock."""


class SqliteSession:
    """Named statements on one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def _execute(self, name: str, parameters: Mapping[str, Any]) -> sqlite3.Cursor:
        return self._connection.execute(*expand(statements()[name], parameters))

    def run(self, name: str, /, **parameters: Any) -> int:
        """Run a statement; the number of rows that it changed."""
        return self._execute(name, parameters).rowcount

    def later(self, name: str, refusal: NexusError | None = None, /, **parameters: Any) -> None:
        """Run a statement of which nobody needs to hear, at once: nothing is far away here."""
        if not self._execute(name, parameters).rowcount and refusal is not None:
            raise refusal

    def many(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement for each of many rows."""
        self._connection.executemany(statements()[name], rows)

    def insert(self, name: str, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Insert rows; their ids, in order."""
        found: list[int] = []
        for sql, parameters in insertions(statements()[name], rows):
            # RETURNING promises no order, but ids are given in the order of the rows.
            found += sorted(row[0] for row in self._connection.execute(sql, parameters).fetchall())
        return found

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


class SqliteGlance(SqliteSession):
    """Named statements that only read, on the connection of whichever thread asks."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    def _execute(self, name: str, parameters: Mapping[str, Any]) -> sqlite3.Cursor:
        return self._engine.connection().execute(*expand(statements()[name], parameters))

    def all(self, name: str, /, **parameters: Any) -> list[Row]:
        """All rows of the answer."""
        with _our_errors(self._engine.path):
            return super().all(name, **parameters)

    def tuples(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of the answer, without the names of their columns."""
        with _our_errors(self._engine.path):
            return super().tuples(name, **parameters)


class _Open(NamedTuple):
    """An open connection, and whose it is."""

    connection: sqlite3.Connection
    thread: threading.Thread
    pid: int

    @property
    def is_over(self) -> bool:
        """Whether its thread has ended. A child process, where all but one have, leaves alone what it inherited."""
        return not self.thread.is_alive() and self.pid == os.getpid()


class SqliteEngine:
    """An SQLite file. WAL lets readers and one writer work side by side; a file lives on one host's local disk."""

    name = "sqlite"
    clock = None  #: whoever uses the file is on one host, and shares its clock

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._connections: list[_Open] = []
        self._lock = threading.Lock()
        self._glance = SqliteGlance(self)
        self._begin_anew()

    def _begin_anew(self) -> None:
        """The turn to write, and what follows writes; a child process begins with its own."""
        self._turn = Turn(self.path)
        self._checkpoints = Checkpoints(self.path)
        self._pid = os.getpid()

    def connection(self) -> sqlite3.Connection:
        """The thread's connection."""
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
            for pragma in (
                "synchronous = NORMAL",
                "foreign_keys = ON",
                "cache_size = -16000",
                "wal_autocheckpoint = 0",
            ):
                connection.execute(f"PRAGMA {pragma}")
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(f"the database {self.path} cannot be opened: {_say(error)}") from error
        with self._lock:
            over = [one for one in self._connections if one.is_over]
            self._connections = [one for one in self._connections if not one.is_over]
            self._connections.append(_Open(connection, threading.current_thread(), os.getpid()))
        for one in over:
            one.connection.close()
        return connection

    @contextmanager
    def writing(self) -> Iterator[SqlSession]:
        """A transaction that may write."""
        connection = self.connection()
        with self._in_turn():
            try:
                # IMMEDIATE, because a read that upgrades to a write fails at once, whatever the time-out.
                _patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
                yield SqliteSession(connection)
                connection.execute("COMMIT")
                self._checkpoints.committed()
            except BaseException as error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise _ours(error, self.path) from error
                raise

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        if self._pid != os.getpid():
            self._begin_anew()
        turn = self._turn
        try:
            came = turn.take(left(TURN_SECONDS))
        except OSError as error:
            raise Unavailable(f"the files beside {self.path} cannot be locked: {_say(error)}") from error
        try:
            yield
        finally:
            if came:
                turn.leave()

    @contextmanager
    def reading(self) -> Iterator[SqlSession]:
        """A transaction that only reads."""
        connection = self.connection()
        with _our_errors(self.path):
            if connection.in_transaction:
                yield SqliteSession(connection)
                return
            connection.execute("BEGIN")
            try:
                yield SqliteSession(connection)
            finally:
                connection.execute("ROLLBACK")

    def glance(self) -> SqlSession:
        """Reads without a transaction around them: SQLite makes one of each."""
        return self._glance

    def migrate(self) -> list[str]:
        """Bring the schema up to date."""
        if not self.pending_migrations():
            return []
        connection = self.connection()
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
        return [name for name, _ in pending(_applied(self.connection()))]

    def close(self) -> None:
        """Let go of every connection."""
        self._checkpoints.close()
        with self._lock:
            for one in self._connections:
                one.connection.close()
            self._connections.clear()
        self._turn.close()
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
        for statement in split_script(for_sqlite(sql)):
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
    """Try again while somebody writes who did not wait for the turn, such as another program."""
    deadline = time.monotonic() + left(BUSY_SECONDS)
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
    try:
        yield
    except sqlite3.Error as error:
        raise _ours(error, path) from error


def _ours(error: sqlite3.Error, path: Path) -> NexusError:
    """The one place where the driver's errors become ours."""
    match error:
        case sqlite3.IntegrityError():
            kind = Duplicate if "UNIQUE" in str(error) else Conflict
            return kind(f"the database refuses it: {error}")
        case sqlite3.OperationalError():
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                return Unavailable(f"the database {path} was written to for {BUSY_SECONDS:.0f} s; try again")
            return Unavailable(f"the database {path} cannot be used: {error}")
        case sqlite3.DatabaseError():
            return Unavailable(f"{path} is not a database that can be used: {error}")
        case _:
            return NexusError(f"the database cannot be used so: {error}")
