"""Reads without a transaction around them: one statement, one round trip, one plan for all values.

A BEGIN and a ROLLBACK around a single SELECT cost more than it does, and so does planning it anew each time; sessions
therefore keep one plan a statement (`plan_cache_mode`), which transactions, whose statements are of all sorts, undo.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row, tuple_row
from psycopg_pool import ConnectionPool

from nexus_core.errors import NexusError
from nexus_core.storage.session import Row, expand
from nexus_core.storage.statements import pyformat

from .connection import PatientConnection, begin

T = TypeVar("T")
FRESH = 1.0
"""Seconds within which a connection that answered is taken to be alive."""
SECONDS = 8.0
"""How long a caller waits for a connection."""


class Glance:
    """Named statements that only read, each on a connection of the pool for as long as it takes."""

    def __init__(self, pool: ConnectionPool[PatientConnection], rendered: Mapping[str, str]) -> None:
        self._pool = pool
        self._rendered = rendered

    def one(self, name: str, /, **parameters: Any) -> Row | None:
        """The first row of the answer, or None."""
        rows = self.all(name, **parameters)
        return rows[0] if rows else None

    def all(self, name: str, /, **parameters: Any) -> list[Row]:
        """All rows of the answer."""
        return self._ask(name, parameters, dict_row)

    def tuples(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of the answer, without the names of their columns."""
        return self._ask(name, parameters, tuple_row)

    def run(self, name: str, /, **parameters: Any) -> int:
        """Nothing is changed at a glance. :raises NexusError: always"""
        raise NexusError(f"{name} needs a transaction")

    def many(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Nothing is changed at a glance. :raises NexusError: always"""
        self.run(name)

    def insert(self, name: str, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Nothing is changed at a glance. :raises NexusError: always"""
        return [self.run(name)]

    def _ask(self, name: str, parameters: Mapping[str, Any], shape: Any) -> list[Any]:
        sql, flat = expand(self._rendered[name], parameters)
        text = pyformat(sql)

        def ask(connection: PatientConnection) -> list[Any]:
            with connection.cursor(row_factory=shape) as cursor:
                return cursor.execute(text, flat).fetchall()

        return self._on_a_connection(ask)

    def _on_a_connection(self, ask: Callable[[PatientConnection], T]) -> T:
        """Ask; once more on another connection where one turns out to have been lost: nothing was changed."""
        end = monotonic() + SECONDS
        while True:
            connection = self._pool.getconn(max(0.1, end - monotonic()))
            try:
                if monotonic() - connection.heard > FRESH:
                    begin(connection, "SELECT 1")
                answer = ask(connection)
                connection.heard = monotonic()
                return answer
            except psycopg.OperationalError:
                if not connection.closed or monotonic() > end:
                    raise
            finally:
                self._pool.putconn(connection)
