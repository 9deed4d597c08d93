"""Statements with parameters, prepared on the server: the driver's own parts without its cursor.

A cursor works out anew at each `execute` what only depends on the text of a statement: where its parameters stand, what
its columns are called. For the small statements that Nexus consists of, this costs as much as the database takes. Here
it is kept with the text. What the driver knows of results (which Python value a column becomes) is the driver's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
from psycopg import DataError, generators
from psycopg.abc import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from nexus_core.storage.session import Row
from nexus_core.storage.statements import numbered

KEPT = 300
"""How many statements a connection keeps prepared."""

_FAILED = ExecStatus.FATAL_ERROR
_UNKNOWN, _BOOL, _BYTES, _WHOLE, _NUMERIC, _FLOAT = 0, 16, 17, 20, 1700, 701  # pg_type.oid; unknown is worked out
_BIGINT = 2**63

Rows = list[tuple[Any, ...]]
Wait = Callable[[Any], Any]


@attrs.define
class _Known:
    """A statement that was seen before, for parameters of certain types."""

    name: bytes
    is_prepared: bool = False
    columns: tuple[str, ...] | None = None  #: of its answer, once there was one


class Statements:
    """The statements of one connection."""

    def __init__(self, pgconn: PGconn, wait: Wait, transformer: Transformer) -> None:
        self._pgconn = pgconn
        self._wait = wait  #: for the server, as long as the connection's patience lasts
        self._transformer = transformer
        self._known: dict[tuple[str, tuple[int, ...]], _Known] = {}
        self._number = 0

    def run(self, sql: str, parameters: Mapping[str, Any]) -> Answer:
        """Run a statement whose parameters are written `:name`.

        :raises psycopg.Error: the database refuses it, or is not there
        """
        words, names = numbered(sql)
        values, types = _dumped([parameters[name] for name in names])
        known = self._known.get((sql, types)) or self._new((sql, types))
        formats = [1 if oid == _BYTES else 0 for oid in types] if _BYTES in types else None
        if not known.is_prepared and known.columns is not None:
            self._prepare(known, words, types)
        if known.is_prepared:
            self._pgconn.send_query_prepared(known.name, values, formats)
        else:
            self._pgconn.send_query_params(words, values, types, formats)
        result = self._result()
        if known.columns is None:
            known.columns = tuple((result.fname(index) or b"").decode() for index in range(result.nfields))
        return Answer(result, known.columns, self._transformer)

    def _new(self, key: tuple[str, tuple[int, ...]]) -> _Known:
        if len(self._known) >= KEPT:
            old = self._known.pop(next(iter(self._known)))
            if old.is_prepared:
                self._pgconn.send_query(b"DEALLOCATE " + old.name)
                self._result()
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


@attrs.frozen
class Answer:
    """What the database answered."""

    _result: PGresult
    columns: tuple[str, ...]
    _transformer: Transformer

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
        if not number:
            return []
        self._transformer.set_pgresult(self._result)
        rows: Rows = self._transformer.load_rows(0, number, tuple)
        return rows


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
