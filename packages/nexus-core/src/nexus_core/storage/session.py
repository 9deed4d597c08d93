"""The inner seam between the repositories and an engine. Used by exactly two engines; it may change without notice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any, Protocol

Row = Mapping[str, Any]


class SqlSession(Protocol):
    """Runs named statements of `storage/sql/*.sql` within one transaction.

    Parameters are text, numbers, booleans, None, bytes, or tuples (which expand within `IN (:name)`); times travel as
    UTC ISO text, JSON as text.
    """

    def run(self, name: str, /, **parameters: Any) -> int:
        """Run a statement; the number of rows that it changed."""
        ...

    def many(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement for each of many rows."""
        ...

    def each(self, name: str, rows: Sequence[Mapping[str, Any]]) -> list[Row | None]:
        """Run a statement for each of many rows; the first row of each answer."""
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

    def writing(self) -> AbstractContextManager[SqlSession]:
        """A transaction that may write: committed on leaving, rolled back when an exception leaves it.

        A driver's errors leave it as ours: Duplicate, Conflict, Unavailable.
        """
        ...

    def reading(self) -> AbstractContextManager[SqlSession]:
        """A transaction that only reads, and sees one state of the data."""
        ...

    def migrate(self) -> list[str]:
        """Bring the schema up to date; the names of the migrations applied. Safe when several start at once.

        :raises SchemaTooNew: a newer Nexus wrote this schema
        """
        ...

    def pending_migrations(self) -> list[str]:
        """The migrations that `migrate` would apply.

        :raises SchemaTooNew: a newer Nexus wrote this schema
        """
        ...

    def close(self) -> None:
        """Let go of every connection."""
        ...


def expand(sql: str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Spread tuples over as many parameters: `IN (:ids)` with two ids becomes `IN (:ids_0, :ids_1)`.

    An empty tuple becomes NULL, which no value equals.
    """
    flat: dict[str, Any] = {}
    sizes: list[tuple[str, int]] = []
    for name, value in parameters.items():
        if type(value) is tuple:
            sizes.append((name, len(value)))
            for index, item in enumerate(value):
                flat[f"{name}_{index}"] = item
        else:
            flat[name] = value
    return _spread(sql, tuple(sizes)), flat


@lru_cache(maxsize=2048)
def _spread(sql: str, sizes: tuple[tuple[str, int], ...]) -> str:
    for name, size in sizes:
        sql = sql.replace(f"(:{name})", "(" + (", ".join(f":{name}_{index}" for index in range(size)) or "NULL") + ")")
    return sql


def chunks(items: Sequence[Any], size: int = 500) -> Iterator[tuple[Any, ...]]:
    """The items in tuples of at most `size`."""
    for start in range(0, len(items), size):
        yield tuple(items[start : start + size])
