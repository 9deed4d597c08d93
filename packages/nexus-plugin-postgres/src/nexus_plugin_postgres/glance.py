"""Reads without a transaction around them: one statement, one round trip, one plan for all values.

A BEGIN and a ROLLBACK around a single SELECT cost more than it does, and so does planning it anew each time; sessions
therefore keep one plan a statement (`plan_cache_mode`), which transactions, whose statements are of all sorts, undo.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from nexus_core.errors import NexusError
from nexus_core.ports.patience import left
from nexus_core.storage.session import Row, expand

from .connection import PatientConnection, begin
from .errors import ours
from .statement import Answer

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
        return self._ask(name, parameters).first()

    def all(self, name: str, /, **parameters: Any) -> list[Row]:
        """All rows of the answer."""
        return self._ask(name, parameters).rows()

    def tuples(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of the answer, without the names of their columns."""
        return self._ask(name, parameters).tuples()

    def run(self, name: str, /, **parameters: Any) -> int:
        """Nothing is changed at a glance. :raises NexusError: always"""
        raise NexusError(f"{name} needs a transaction")

    def later(self, name: str, refusal: NexusError | None = None, /, **parameters: Any) -> None:
        """Nothing is changed at a glance. :raises NexusError: always"""
        self.run(name)

    def many(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Nothing is changed at a glance. :raises NexusError: always"""
        self.run(name)

    def insert(self, name: str, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Nothing is changed at a glance. :raises NexusError: always"""
        return [self.run(name)]

    def _ask(self, name: str, parameters: Mapping[str, Any]) -> Answer:
        """What the database answers.

        Where a connection turns out to have been lost, another one is asked: nothing was changed.
        """
        sql, flat = expand(self._rendered[name], parameters)
        pool, end = self._pool(), monotonic() + left(SECONDS)
        while True:
            connection = self._taken(pool, end)
            try:
                return _answer(connection, sql, flat)
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
        begin(connection, b"SELECT 1")
    answer = connection.statements.run(text, parameters)
    connection.heard = monotonic()
    return answer
