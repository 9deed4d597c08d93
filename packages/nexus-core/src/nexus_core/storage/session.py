"""The inner seam between the repositories and an engine. Used by exactly two engines; it may change without notice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any, Protocol

from ..clock import Clock
from ..errors import NexusError
from .statements import chosen, conditions

Row = Mapping[str, Any]

_AT_ONCE = 50
"""How many rows one statement inserts at most: more gain nothing, and each number is a statement to prepare."""


class SqlSession(Protocol):
    """Runs named statements of `storage/sql/*.sql` within one transaction.

    Parameters are text, numbers, booleans, None, bytes, or tuples (which expand within `IN (:name)`); times travel as
    UTC ISO text, JSON as text.
    """

    def run(self, name: str, /, **parameters: Any) -> int:
        """Run a statement; the number of rows that it changed."""
        ...

    def later(self, name: str, refusal: NexusError | None = None, /, **parameters: Any) -> None:
        """Run a statement of which nobody needs to hear, unless it fails: it may be sent with what follows.

        It takes effect before the next statement and before the commit; a failure of it leaves either of them. With a
        `refusal`, changing nothing is a failure, and that is raised.
        """
        ...

    def many(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement for each of many rows."""
        ...

    def insert(self, name: str, rows: Sequence[Mapping[str, Any]]) -> Sequence[int]:
        """Insert rows with a statement `INSERT … VALUES (…) RETURNING id` that skips none; their ids, in order.

        The rows may be sent with what follows, as with `later`; who looks at the ids has them sent.
        """
        ...

    def one(self, name: str, /, **parameters: Any) -> Row | None:
        """The first row of the answer, or None."""
        ...

    def all(self, name: str, /, **parameters: Any) -> list[Row]:
        """All rows of the answer."""
        ...

    def tuples(self, name: str, /, **parameters: Any) -> list[tuple[Any, ...]]:
        """All rows of the answer, without the names of their columns: for answers of many small rows."""
        ...


class SqlEngine(Protocol):
    """A database that takes the common subset of SQL."""

    name: str  #: `sqlite` or `postgresql`

    @property
    def clock(self) -> Clock | None:
        """The database's own clock, where several hosts may use the database."""
        ...

    def writing(self) -> AbstractContextManager[SqlSession]:
        """A transaction that may write: committed on leaving, rolled back when an exception leaves it.

        A driver's errors leave it as ours: Duplicate, Conflict, Unavailable.
        """
        ...

    def reading(self) -> AbstractContextManager[SqlSession]:
        """A transaction that only reads, and sees one state of the data."""
        ...

    def glance(self) -> SqlSession:
        """Reads without a transaction around them: each statement sees the state of its own moment.

        For statements that any of their values may be planned for alike; within a transaction of the thread, that
        transaction. The same object for all threads otherwise.
        """
        ...

    def migrate(self) -> list[str]:
        """Bring the schema up to date; the names of the migrations applied. Safe when several start at once.

        :raises SchemaTooNew: a newer Nexus changed this schema beyond what we can work with
        """
        ...

    def pending_migrations(self) -> list[str]:
        """The migrations that `migrate` would apply.

        :raises SchemaTooNew: a newer Nexus changed this schema beyond what we can work with
        """
        ...

    def close(self) -> None:
        """Let go of every connection."""
        ...


def expand(sql: str, parameters: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Choose the parts whose parameters are given, and spread tuples over as many parameters.

    `IN (:ids)` with two ids becomes `IN (:ids_0, :ids_1)`; with none, NULL, which no value equals.
    """
    if names := conditions(sql):
        sql = chosen(sql, frozenset(name for name in names if parameters[name] is not None))
    spread = [name for name in _lists(sql) if type(parameters[name]) is tuple]
    if not spread:
        return sql, parameters
    flat = dict(parameters)
    for name in spread:
        values = flat.pop(name)
        sql = _spread(sql, name, len(values))
        flat.update((f"{name}_{index}", value) for index, value in enumerate(values))
    return sql, flat


_LIST = re.compile(r"IN \(:([a-z_]+)\)")


@lru_cache(maxsize=1024)
def _lists(sql: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_LIST.findall(sql)))


@lru_cache(maxsize=2048)
def _spread(sql: str, name: str, size: int) -> str:
    return sql.replace(f"(:{name})", "(" + (", ".join(f":{name}_{index}" for index in range(size)) or "NULL") + ")")


_VALUES = re.compile(r"VALUES\s*\(([^()]*)\)")
_PARAMETER = re.compile(r":([a-z_][a-z0-9_]*)")


def insertions(sql: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Statements with their parameters that insert many rows: `VALUES (:a)` for two becomes `VALUES (:a_0), (:a_1)`."""
    for part in chunks(rows, _AT_ONCE):
        if len(part) == 1:
            yield sql, part[0]
        else:
            yield (
                _repeated(sql, len(part)),
                {f"{name}_{index}": value for index, row in enumerate(part) for name, value in row.items()},
            )


@lru_cache(maxsize=512)
def _repeated(sql: str, times: int) -> str:
    def numbered(values: str, index: int) -> str:
        return _PARAMETER.sub(lambda match: f":{match[1]}_{index}", values)

    return _VALUES.sub(
        lambda match: "VALUES " + ", ".join(f"({numbered(match[1], index)})" for index in range(times)), sql
    )


def chunks(items: Sequence[Any], size: int = 500) -> Iterator[tuple[Any, ...]]:
    """The items in tuples of at most `size`."""
    for start in range(0, len(items), size):
        yield tuple(items[start : start + size])
