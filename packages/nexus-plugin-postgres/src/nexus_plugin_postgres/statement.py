"""Statements with parameters, prepared on the server: the driver's own parts without its cursor.

A cursor works out anew at each `execute` what only depends on the text of a statement: where its parameters stand, what
its columns are called. For the small statements that Nexus consists of, this costs as much as the database takes. Here
it is kept with the text. What the driver knows of results (which Python value a column becomes) is the driver's.

Statements whose answer nobody waits for are sent with the next one that somebody waits for, all at once (libpq's
pipeline mode): a round trip wakes two processes, which for small statements costs more than they do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
from psycopg import DataError, OperationalError, generators
from psycopg.abc import PQGen, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Ready, Wait

from nexus_core.errors import NexusError
from nexus_core.storage.session import Row
from nexus_core.storage.statements import numbered

KEPT = 300
"""How many statements a connection keeps prepared."""

_FAILED, _SKIPPED = ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED
_UNKNOWN, _BOOL, _BYTES, _WHOLE, _NUMERIC, _FLOAT = 0, 16, 17, 20, 1700, 701  # pg_type.oid; unknown is worked out
_BIGINT = 2**63

Rows = list[tuple[Any, ...]]
Waiter = Callable[[Any], Any]


@attrs.define
class _Known:
    """A statement that was seen before, for parameters of certain types."""

    name: bytes
    is_prepared: bool = False
    columns: tuple[str, ...] | None = None  #: of its answer, once there was one


@attrs.define(eq=False)
class Waiting:
    """A statement that waits to be sent, or was."""

    words: bytes
    values: Sequence[bytes | None] = ()
    types: tuple[int, ...] = ()
    key: tuple[str, tuple[int, ...]] | None = None  #: of those that are kept prepared
    refusal: NexusError | None = None  #: raised when it changes nothing
    answer: Answer | None = None


class Statements:
    """The statements of one connection."""

    def __init__(self, pgconn: PGconn, wait: Waiter, transformer: Transformer) -> None:
        self._pgconn = pgconn
        self._wait = wait  #: for the server, as long as the connection's patience lasts
        self._reader = Reader(transformer)
        self._known: dict[tuple[str, tuple[int, ...]], _Known] = {}
        self._number = 0
        self.waiting: list[Waiting] = []

    def run(self, sql: str, parameters: Mapping[str, Any]) -> Answer:
        """Run a statement whose parameters are written `:name`, after those that wait.

        :raises psycopg.Error: the database refuses it, or is not there
        """
        if self.waiting:
            asked = self.later(sql, parameters)
            self.settle()
            assert asked.answer is not None  # noqa: S101 - it settled
            return asked.answer
        words, names = numbered(sql)
        values, types = _dumped([parameters[name] for name in names])
        known = self._known.get((sql, types)) or self._new((sql, types))
        if not known.is_prepared and known.columns is not None:
            self._prepare(known, words, types)
        self._send(known, words, values, types)
        return self._answer(known, self._result())

    def later(self, sql: str, parameters: Mapping[str, Any], refusal: NexusError | None = None) -> Waiting:
        """Have a statement run before the next one that is waited for."""
        words, names = numbered(sql)
        values, types = _dumped([parameters[name] for name in names])
        asked = Waiting(words, values, types, (sql, types), refusal)
        self.waiting.append(asked)
        return asked

    def command_later(self, words: bytes) -> None:
        """Have words that answer nothing, such as BEGIN, run before the next statement that is waited for."""
        self.waiting.append(Waiting(words))

    def settle(self) -> None:
        """Send what waits, all at once, and take the answers. What failed left the rest undone.

        :raises psycopg.Error: the database refuses one, or is not there; when the connection is lost, all wait again
        :raises NexusError: one changed nothing that had to
        """
        sent, self.waiting = self.waiting, []
        if not sent:
            return
        try:
            results = self._exchanged(sent)
        except BaseException:
            self.waiting = sent
            self._pgconn.finish()  # with answers on the way it is of no use to anybody
            raise
        error: Exception | None = None
        for asked, (known, prepared, result) in zip(sent, results, strict=True):
            if known is not None and prepared is not None:
                known.is_prepared = prepared.status not in (_FAILED, _SKIPPED)
            failed = next((one for one in (prepared, result) if one is not None and one.status == _FAILED), None)
            if failed is not None:
                error = error or error_from_result(failed)
            elif result.status != _SKIPPED:
                asked.answer = self._answer(known, result)
                if asked.refusal is not None and not asked.answer.changed:
                    error = error or asked.refusal
        if error is not None:
            raise error

    def _exchanged(self, sent: Sequence[Waiting]) -> list[tuple[_Known | None, PGresult | None, PGresult]]:
        """Each statement's place among the known, the answer to its preparation if it was prepared, and its answer."""
        pgconn = self._pgconn
        knowns = [None if asked.key is None else self._known.get(asked.key) or self._new(asked.key) for asked in sent]
        pgconn.enter_pipeline_mode()
        prepares: list[bool] = []
        for asked, known in zip(sent, knowns, strict=True):
            prepares.append(known is not None and not known.is_prepared and known.columns is not None)
            if known is not None and prepares[-1]:
                pgconn.send_prepare(known.name, asked.words, asked.types)
                known.is_prepared = True
            self._send(known, asked.words, asked.values, asked.types)
        pgconn.pipeline_sync()
        found = iter(self._wait(_collected(pgconn, len(sent) + sum(prepares) + 1)))
        paired = [
            (known, next(found) if prepared else None, next(found))
            for known, prepared in zip(knowns, prepares, strict=True)
        ]
        pgconn.exit_pipeline_mode()
        return paired

    def _send(self, known: _Known | None, words: bytes, values: Sequence[bytes | None], types: tuple[int, ...]) -> None:
        formats = [1 if oid == _BYTES else 0 for oid in types] if _BYTES in types else None
        if known is not None and known.is_prepared:
            self._pgconn.send_query_prepared(known.name, values, formats)
        else:
            self._pgconn.send_query_params(words, values, types, formats)

    def _answer(self, known: _Known | None, result: PGresult) -> Answer:
        if known is None:
            return Answer(result, (), self._reader)
        if known.columns is None:
            known.columns = tuple((result.fname(index) or b"").decode() for index in range(result.nfields))
        return Answer(result, known.columns, self._reader)

    def _new(self, key: tuple[str, tuple[int, ...]]) -> _Known:
        if len(self._known) >= KEPT:
            old = self._known.pop(next(iter(self._known)))
            if old.is_prepared:
                self._pgconn.send_query(b"DEALLOCATE " + old.name)
                self._result()
                old.is_prepared = False
        self._number += 1
        known = self._known[key] = _Known(b"nexus_%d" % self._number)
        return known

    def _prepare(self, known: _Known, words: bytes, types: Sequence[int]) -> None:
        """A statement that comes a second time is prepared: most that come once never come again."""
        self._pgconn.send_prepare(known.name, words, types)
        self._result()
        known.is_prepared = True

    def _result(self) -> PGresult:
        result: PGresult = self._wait(generators.execute(self._pgconn))[-1]
        if result.status == _FAILED:
            raise error_from_result(result)
        return result


def _collected(pgconn: PGconn, number: int) -> PQGen[list[PGresult]]:
    """Send what was written, and take so many answers."""
    while pgconn.flush():
        if (yield Wait.RW) & Ready.R:  # it may have to be read from before it takes more
            pgconn.consume_input()
    found: list[PGresult] = []
    while len(found) < number:
        while pgconn.is_busy():
            if (yield Wait.R):
                pgconn.consume_input()
        if (result := pgconn.get_result()) is not None:
            found.append(result)
        elif pgconn.status == ConnStatus.BAD:  # else None stands between the answers
            raise OperationalError(pgconn.get_error_message())
    return found


class Reader:
    """Makes rows of what the database answered on one connection: one answer at a time.

    An answer outlives its turn on the connection, which another thread may have by then.
    """

    def __init__(self, transformer: Transformer) -> None:
        self._transformer = transformer
        self._lock = threading.Lock()

    def read(self, result: PGresult, number: int) -> Rows:
        """The first so many rows."""
        with self._lock:
            self._transformer.set_pgresult(result)
            rows: Rows = self._transformer.load_rows(0, number, tuple)
        return rows


@attrs.frozen
class Answer:
    """What the database answered."""

    _result: PGresult
    columns: tuple[str, ...]
    _reader: Reader

    @property
    def changed(self) -> int:
        """How many rows the statement changed."""
        return self._result.command_tuples or 0

    def first(self) -> Row | None:
        """The first row, or None."""
        rows = self._read(min(1, self._result.ntuples))
        return dict(zip(self.columns, rows[0], strict=True)) if rows else None

    def rows(self) -> list[Row]:
        """All rows."""
        columns = self.columns
        return [dict(zip(columns, row, strict=True)) for row in self.tuples()]

    def tuples(self) -> Rows:
        """All rows, without the names of their columns."""
        return self._read(self._result.ntuples)

    def _read(self, number: int) -> Rows:
        return self._reader.read(self._result, number) if number else []


def _dumped(values: Sequence[Any]) -> tuple[list[bytes | None], tuple[int, ...]]:
    """Parameters as the database reads them, and of what types they are."""
    dumped: list[bytes | None] = []
    types: list[int] = []
    for value in values:
        text, oid = _DUMPERS[type(value)](value)
        dumped.append(text)
        types.append(oid)
    return dumped, tuple(types)


def _text(value: str) -> tuple[bytes, int]:
    encoded = value.encode()
    if b"\0" in encoded:  # the driver would send what stands before it
        raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return encoded, _UNKNOWN


def _whole(value: int) -> tuple[bytes, int]:
    return b"%d" % value, _WHOLE if -_BIGINT <= value < _BIGINT else _NUMERIC


_DUMPERS: Mapping[type, Callable[[Any], tuple[bytes | None, int]]] = {
    type(None): lambda _: (None, _UNKNOWN),
    str: _text,
    int: _whole,
    bool: lambda value: (b"t" if value else b"f", _BOOL),
    float: lambda value: (repr(value).encode(), _FLOAT),
    bytes: lambda value: (value, _BYTES),
}
