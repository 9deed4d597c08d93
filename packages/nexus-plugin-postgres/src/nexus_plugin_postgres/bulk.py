"""Many rows at once: what a statement would insert, sent as one stream, which is a fifth of the work."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from .connection import PatientConnection

MANY = 100
"""From so many rows on it is worth it."""

_INSERT = re.compile(r"\s*INSERT INTO (\w+)\s*\(([^()]*)\)\s*VALUES\s*\(([^()]*)\)\s*(?:RETURNING id)?\s*")
_VALUE = re.compile(r":(\w+)|'([^']*)'")
_IDS = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) AS id FROM generate_series(1, %s)"


class Stream(NamedTuple):
    """A statement `INSERT INTO table (…) VALUES (…)` as a stream of rows."""

    table: str
    columns: tuple[str, ...]
    values: tuple[str, ...]  #: the names of the parameters
    constants: Mapping[str, str]  #: those that stand in the statement itself


@lru_cache(maxsize=64)
def stream_of(sql: str) -> Stream | None:
    """The stream for a statement that does nothing but insert its parameters; None for any other."""
    found = _INSERT.fullmatch(sql)
    values = [_VALUE.fullmatch(value.strip()) for value in found[3].split(",")] if found else [None]
    if found is None or not all(values):
        return None
    columns = tuple(column.strip() for column in found[2].split(","))
    names = tuple(value[1] or f"={value[2]}" for value in values if value)
    return Stream(found[1], columns, names, {name: name[1:] for name in names if name.startswith("=")})


def send(
    connection: PatientConnection, stream: Stream, rows: Sequence[Mapping[str, Any]], *, with_ids: bool = False
) -> list[int]:
    """Insert rows; `with_ids` gives each an id of the table's sequence, and answers them in order."""
    ids: list[int] = []
    columns = stream.columns
    if with_ids:
        ids = [row["id"] for row in connection.execute(_IDS, (stream.table, len(rows))).fetchall()]
        columns = ("id", *columns)
    with connection.cursor() as cursor, cursor.copy(f"COPY {stream.table} ({', '.join(columns)}) FROM STDIN") as copy:
        for number, row in enumerate(rows):
            given = {**stream.constants, **row}
            values = [given[name] for name in stream.values]
            copy.write_row([ids[number], *values] if ids else values)
    return ids
