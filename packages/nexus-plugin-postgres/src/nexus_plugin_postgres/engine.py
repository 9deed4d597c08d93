"""The engine: the core's named statements on PostgreSQL, through each process's own pool."""

from __future__ import annotations

import logging
import os
import re
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache, lru_cache, partial
from importlib import resources
from time import monotonic
from typing import Any, overload

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row, tuple_row
from psycopg_pool import ConnectionPool

from nexus_core.errors import NexusError, Unavailable
from nexus_core.ports.patience import left
from nexus_core.storage.session import Row, SqlSession, expand, insertions
from nexus_core.storage.statements import chosen, conditions, for_postgres, fragments, parse, pyformat, worded

from . import bulk
from . import migrate as migrations
from .clock import DatabaseClock
from .connection import PatientConnection, begin, configure, connect
from .errors import ours
from .front import ReadyFront
from .glance import FRESH, Glance
from .statement import Answer, Waiting
from .target import Target

POOL_SECONDS = 8.0
"""How long a caller waits for a connection: long enough to sit out a restart of the database."""

_PLANNED = b"SET LOCAL plan_cache_mode = auto"
"""Within a transaction the database weighs for each statement whether one plan suits all values; see glance.py."""
WRITING = (b"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", _PLANNED)
_TAKING = ("take_any", "take_ready")
_LIST = re.compile(r"IN \(:([a-z_]+)\)")
READING = (b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", _PLANNED)


@cache
def rendered() -> Mapping[str, str]:
    """Every statement in PostgreSQL's words, by name; parameters still as `:name`."""
    text = resources.files(__package__).joinpath("sql", "overrides.sql").read_text("utf-8")
    return {name: for_postgres(sql) for name, sql in {**worded(fragments(text)), **parse(text)}.items()}


@cache
def _plain(name: str) -> str:
    return pyformat(rendered()[name])


@lru_cache(maxsize=512)
def _with_arrays(sql: str) -> str:
    """A statement whose lists are one parameter each: the same text, and the same plan, however long they are."""
    return pyformat(_LIST.sub(r"= ANY(:\1)", sql))


class PostgresSession:
    """Named statements in one transaction, on one connection of the pool."""

    def __init__(
        self, connection: PatientConnection, another: Callable[[PatientConnection], PatientConnection]
    ) -> None:
        """In a transaction whose BEGIN was answered, or waits to be sent; `another` begins it on a new connection."""
        self.connection = connection
        self._another = another
        self._is_open = not connection.statements.waiting  #: at the server, as far as we know
        self.is_held = True  #: the connection is for us to give back
        self.took = False  #: a task was taken from the head of the ready ones

    def _execute(self, name: str, parameters: Mapping[str, Any]) -> Answer:
        if name in _TAKING:
            self.took = True
        statements = self.connection.statements
        if not statements.waiting:
            return statements.run(*expand(rendered()[name], parameters))
        asked = statements.later(*expand(rendered()[name], parameters))
        self.settle()
        assert asked.answer is not None  # noqa: S101 - it settled
        return asked.answer

    def settle(self) -> None:
        """Send what waits.

        A connection that was lost before anything was done on it, such as when the database was restarted, is given up
        for another.
        """
        try:
            self.connection.statements.settle()
        except psycopg.OperationalError:
            if self._is_open or not self.connection.closed:
                raise
            lost = self.connection.statements.waiting
            self.is_held = False
            self.connection = self._another(self.connection)
            self.is_held = True
            self.connection.statements.waiting = [asked for asked in lost if asked.key is not None]
            self.connection.statements.settle()
        finally:
            self._is_open = self._is_open or not self.connection.closed

    def run(self, name: str, /, **parameters: Any) -> int:
        """Run a statement; the number of rows that it changed."""
        return self._execute(name, parameters).changed

    def later(self, name: str, refusal: NexusError | None = None, /, **parameters: Any) -> None:
        """Run a statement that is sent with the next one, or with the commit."""
        self.connection.statements.later(*expand(rendered()[name], parameters), refusal)

    def many(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement for each of many rows."""
        self.settle()
        if len(rows) >= bulk.MANY and (stream := bulk.stream_of(rendered()[name])):
            bulk.send(self.connection, stream, rows)
            return
        with self.connection.cursor() as cursor:
            cursor.executemany(_plain(name), rows)

    def insert(self, name: str, rows: Sequence[Mapping[str, Any]]) -> Sequence[int]:
        """Insert rows; their ids, in order, which are asked for when somebody looks at them."""
        if len(rows) >= bulk.MANY and (stream := bulk.stream_of(rendered()[name])):
            self.settle()
            return bulk.send(self.connection, stream, rows, with_ids=True)
        statements = self.connection.statements
        return Ids(self, [statements.later(*one) for one in insertions(rendered()[name], rows)], len(rows))

    def one(self, name: str, /, **parameters: Any) -> Row | None:
        """The first row of the answer, or None."""
        return self._execute(name, parameters).first()

    def all(self, name: str, /, **parameters: Any) -> list[Row]:
        """All rows of the answer."""
        return self._execute(name, parameters).rows()

    def tuples(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of the answer, without the names of their columns."""
        sql = rendered()[name]
        if names := conditions(sql):
            sql = chosen(sql, frozenset(name for name in names if parameters[name] is not None))
        flat = {key: list(value) if type(value) is tuple else value for key, value in parameters.items()}
        self.settle()
        with self.connection.cursor(row_factory=tuple_row) as cursor:
            return cursor.execute(_with_arrays(sql), flat).fetchall()

    def time(self) -> datetime:
        """The time at the database."""
        self.settle()
        row = self.connection.execute("SELECT clock_timestamp() AS now").fetchone()
        assert row is not None  # noqa: S101 - it has one row
        found: datetime = row["now"]
        return found

    def commit(self) -> None:
        """End the transaction. What waits to be sent goes with the COMMIT, unless it decides whether there is one."""
        statements = self.connection.statements
        if not self._is_open and all(asked.key is None for asked in statements.waiting):
            statements.waiting.clear()  # nothing was done
            return
        if any(asked.refusal is not None for asked in statements.waiting):
            self.settle()
        if self._is_open and self.connection.pgconn.transaction_status == TransactionStatus.INERROR:
            self.undo()
            # PostgreSQL would roll back and call it a commit.
            raise NexusError("a statement failed, so that the transaction cannot be committed")
        if not statements.waiting:
            self.connection.command(b"COMMIT")
        else:
            self._is_open = True  # from here on: what fails is ours to take back, and not the pool's
            statements.command_later(b"COMMIT")
            statements.settle()
        self.connection.heard = monotonic()

    def undo(self) -> None:
        """Take all back."""
        self.connection.statements.waiting.clear()
        if self._is_open:
            with suppress(psycopg.Error):
                self.connection.command(b"ROLLBACK")


class Ids(Sequence[int]):
    """The ids of rows that are inserted, known once somebody looks, or the transaction ends."""

    def __init__(self, session: PostgresSession, asked: Sequence[Waiting], number: int) -> None:
        self._session = session
        self._asked = asked
        self._number = number
        self._known: list[int] | None = None

    def _found(self) -> list[int]:
        # Not a `cached_property`: up to Python 3.11 all threads share its lock, and one that waits for the database
        # would keep it from the one that the database waits for.
        if self._known is None:
            self._known = self._asked_for()
        return self._known

    def _asked_for(self) -> list[int]:
        if any(one.answer is None for one in self._asked):
            self._session.settle()
        found: list[int] = []
        for one in self._asked:
            assert one.answer is not None  # noqa: S101 - it settled
            # RETURNING promises no order, but ids are given in the order of the rows.
            found += sorted(row[0] for row in one.answer.tuples())
        return found

    def __len__(self) -> int:
        return self._number

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: int | slice) -> int | list[int]:
        return self._found()[index]


class PostgresEngine:
    """A PostgreSQL database."""

    name = "postgresql"

    def __init__(self, url: str) -> None:
        self.target = Target.from_url(url)
        self._front = ReadyFront()
        self.clock = DatabaseClock(self.time)
        self._local = threading.local()
        self._glance = Glance(self._opened, rendered(), self.target.label)
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
        if not self._lock.acquire(timeout=left(POOL_SECONDS)):
            raise Unavailable(f"the database at {self.target.label} cannot be reached: others wait for it as well")
        try:
            if self._pool is None:
                # The pool would try for seconds on end and then not say why it failed.
                connect(self.target.conninfo, self.target.label).close()
                self._pool = self._new_pool()
            assert self._pid == os.getpid(), "a pool must not cross a fork"  # noqa: S101 - a bug, not an input
            return self._pool
        finally:
            self._lock.release()

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
            open=True,
        )

    @contextmanager
    def _transaction(self, words: Sequence[bytes]) -> Iterator[SqlSession]:
        with self._our_errors():
            pool, end = self._opened(), monotonic() + left(POOL_SECONDS)
            connection = pool.getconn(max(0.1, end - monotonic()))
            if monotonic() - connection.heard <= FRESH:
                for one in words:
                    connection.statements.command_later(one)
            else:
                connection = self._begun(pool, end, words, connection)
            session = PostgresSession(connection, partial(self._instead, pool, end, words))
            self._local.session = session
            try:
                yield session
                self._local.session = None
                session.commit()
            except BaseException:
                self._local.session = None
                session.undo()
                raise
            else:
                if session.took:
                    self._front.claimed(session.connection)
            finally:
                if session.is_held:
                    pool.putconn(session.connection)

    def _instead(
        self, pool: ConnectionPool[PatientConnection], end: float, words: Sequence[bytes], lost: PatientConnection
    ) -> PatientConnection:
        pool.putconn(lost)
        return self._begun(pool, end, words, pool.getconn(max(0.1, end - monotonic())))

    def _begun(
        self, pool: ConnectionPool[PatientConnection], end: float, words: Sequence[bytes],
        connection: PatientConnection,
    ) -> PatientConnection:  # fmt: skip
        """A connection of the pool with a transaction begun.

        Connections that were lost meanwhile, such as when the database was restarted, show at the BEGIN, before which
        nothing happened: another one is taken then. To ask each for an answer before would cost a round trip.
        """
        while True:
            try:
                begin(connection, b"; ".join(words))
                return connection
            except BaseException as error:
                pool.putconn(connection)
                lost = isinstance(error, psycopg.OperationalError) and connection.closed
                if not lost or monotonic() > end:
                    raise
            connection = pool.getconn(max(0.1, end - monotonic()))

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

    def glance(self) -> SqlSession:
        """Reads that need no transaction; within one of the thread, that one."""
        current: SqlSession | None = getattr(self._local, "session", None)
        return current or self._glance

    def time(self) -> datetime:
        """The time at the database, asked within the transaction of the thread if it is in one."""
        with self.reading() as session:
            assert isinstance(session, PostgresSession)  # noqa: S101 - we make no others
            return session.time()

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
        with self._our_errors():
            pool, end = self._opened(), monotonic() + left(POOL_SECONDS)
            connection = self._begun(pool, end, READING, pool.getconn(max(0.1, end - monotonic())))
            try:
                connection.command(b"ROLLBACK")
            finally:
                pool.putconn(connection)

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
