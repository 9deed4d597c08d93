"""A connection that does not wait for ever for a server that fell silent."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic
from typing import Any

from psycopg import Connection, Error, OperationalError, generators
from psycopg.abc import RV, PQGen
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.rows import DictRow, dict_row
from psycopg.types.numeric import FloatLoader

from nexus_core.ports.patience import left

from .errors import ours
from .statement import Statements

PATIENCE = 9.0
"""Seconds: a little more than the server's own `statement_timeout`, which a silent network keeps from us."""

CHECK_PATIENCE = 1.5
"""Seconds that a connection from the pool has to show that it is alive."""


class Silent(OperationalError):
    """The server accepts what it is sent and answers nothing."""


class PatientConnection(Connection[DictRow]):
    """A connection whose waits end, and which is lost then.

    Server settings cannot do this, for what they have to say does not arrive either.
    """

    patience = PATIENCE  #: seconds
    heard = 0.0  #: when it last answered a glance, by the monotonic clock
    _statements: Statements | None = None

    def wait(self, gen: PQGen[RV], *args: Any, **kwargs: Any) -> RV:
        """Wait for the server, `patience` seconds at most, and no longer than the caller has time."""
        try:
            return super().wait(_bounded(gen, left(self.patience)), *args, **kwargs)
        except Silent:
            self.pgconn.finish()
            raise

    def command(self, words: bytes) -> None:
        """Run words that have no parameters and answer nothing, such as BEGIN and COMMIT.

        A cursor's `execute` does it too, at the price of a statement that has both, and each transaction has two.
        """
        self.pgconn.send_query(words)
        for result in self.wait(generators.execute(self.pgconn)):
            if result.status == ExecStatus.FATAL_ERROR:
                raise error_from_result(result)

    @property
    def statements(self) -> Statements:
        """Those of this connection, which keeps them prepared."""
        if self._statements is None:
            self._statements = Statements(self.pgconn, self.wait, Transformer(self))
        return self._statements


def _bounded(gen: PQGen[RV], seconds: float) -> PQGen[RV]:
    end = monotonic() + seconds
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready and monotonic() > end:
                raise Silent(f"it gave no answer for {seconds:g} s")
            wanted = gen.send(ready)
    except StopIteration as stop:
        result: RV = stop.value
        return result


class NumberLoader(FloatLoader):
    """Reads `numeric`, which sums are, as a whole number where it is one."""

    def load(self, data: Any) -> Any:
        """The number."""
        number = super().load(data)
        return int(number) if number.is_integer() else number


def configure(connection: PatientConnection) -> None:
    """Set up a new connection."""
    connection.adapters.register_loader("numeric", NumberLoader)
    connection.prepare_threshold = 2
    with suppress(Error):  # a server that was built without it goes on as before
        # A webhook's body of 25 KB costs PostgreSQL's own compression more than all else that is done with it.
        connection.execute("SET default_toast_compression = 'lz4'")


def begin(connection: PatientConnection, statement: bytes) -> None:
    """Begin a transaction on a connection from the pool, which may have been lost meanwhile.

    :raises OperationalError: it was; nothing happened
    """
    connection.patience = CHECK_PATIENCE
    try:
        connection.command(statement)
    finally:
        del connection.patience  # back to the class's


def connect(conninfo: str, label: str) -> PatientConnection:
    """Open a connection outside the pool, which says at once, and why, when the database cannot be reached.

    :raises Unavailable: it cannot
    """
    try:
        connection = PatientConnection.connect(conninfo, autocommit=True, row_factory=dict_row)
    except Error as error:
        raise ours(error, label) from None
    configure(connection)
    return connection
