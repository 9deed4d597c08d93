"""Reads without a transaction around them: one statement, one round trip, one plan for all values.

A BEGIN and a ROLLBACK around a single SELECT cost more than it does, and so does planning it anew each time; sessions
therefore keep one plan a statement (`plan_cache_mode`), which transactions, whose statements are of all sorts, undo.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

import psycopg
from psycopg.rows import tuple_row
from psycopg_pool import ConnectionPool

from nexus_core.errors import NexusError
from nexus_core.ports.patience import left
from nexus_core.storage.session import Row, expand
from nexus_core.storage.statements import pyformat

from .connection import PatientConnection, begin
from .errors import ours

Answer = tuple[list[str], list[tuple[Any, ...]]]
FRESH = 1.0
"""Seconds within which a connection that answered is taken to be alive."""
SECONDS = 8.0
"""How long a caller waits for a connection."""


class Glance:
    """Named statements that only read, each on a connection of the pool for as long as it takes."""

    def __init__(
        self, pool: Callable[[], ConnectionPool[PatientConnection]], rendered: Mapping[str, str], label: str
    ) -> None:
        self._pool = pool
        self._rendered = rendered
        self._label = label

    def one(self, name: str, /, **parameters: Any) -> Row | None:
        """The first row of the answer, or None."""
        rows = self.all(name, **parameters)
        return rows[0] if rows else None

    def all(self, name: str, /, **parameters: Any) -> list[Row]:
        """All rows of the answer."""
        names, rows = self._ask(name, parameters)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def tuples(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of the answer, without the names of their columns."""
        return self._ask(name, parameters)[1]

    def run(self, name: str, /, **parameters: Any) -> int:
        """Nothing is changed at a glance. :raises NexusError: always"""
        raise NexusError(f"{name} needs a transaction")

    def many(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Nothing is changed at a glance. :raises NexusError: always"""
        self.run(name)

    def insert(self, name: str, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Nothing is changed at a glance. :raises NexusError: always"""
        return [self.run(name)]

    def _ask(self, name: str, parameters: Mapping[str, Any]) -> Answer:
        """The names of the columns, and the rows.

        Where a connection turns out to have been lost, another one is asked: nothing was changed.
        """
        sql, flat = expand(self._rendered[name], parameters)
        pool, end = self._pool(), monotonic() + left(SECONDS)
        while True:
            connection = self._taken(pool, end)
            try:
                return _answer(connection, pyformat(sql), flat)
            except psycopg.Error as error:
                if not isinstance(error, psycopg.OperationalError) or not connection.closed or monotonic() > end:
                    raise ours(error, self._label) from error
            finally:
                pool.putconn(connection)

    def _taken(self, pool: ConnectionPool[PatientConnection], end: float) -> PatientConnection:
        try:
            return pool.getconn(max(0.1, end - monotonic()))
        except psycopg.Error as error:
            raise ours(error, self._label) from error


def _answer(connection: PatientConnection, text: str, parameters: Mapping[str, Any]) -> Answer:
    if monotonic() - connection.heard > FRESH:
        begin(connection, "SELECT 1")
    cursor = connection.glancing
    if cursor is None:  # kept with the connection: to make one for each statement costs as much as many a statement
        cursor = connection.glancing = connection.cursor(row_factory=tuple_row)
    rows = cursor.execute(text, parameters).fetchall()
    connection.heard = monotonic()
    return [column.name for column in cursor.description or ()], rows
