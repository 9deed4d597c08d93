"""The canonical bytes of an event's whole row, over which the audit's chain of hashes goes.

They are the same whatever database the row stands in and however it spells a value: times in UTC to the microsecond,
the keys of JSON in order, numbers by their value.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from ..clock import from_text, to_text
from ..domain.sealing import Record

#: The columns of a row in the order in which they are hashed; the payload stands last, as text.
COLUMNS = (
    "id", "xid", "type", "created_at", "actor_kind", "actor_name", "actor_id", "key_id", "address", "request_id",
    "task_id", "repository_id", "assignment_id", "delivery", "payload",
)  # fmt: skip
_CREATED = COLUMNS.index("created_at")
_DIGITS = 4000
"""How long whole numbers are that Python reads and writes as such."""


def record_of(row: Sequence[Any]) -> Record:
    """What is hashed of a row, whose values stand in the order of COLUMNS."""
    return Record(event_id=row[0], xid=row[1], content=canonical(row))


def canonical(row: Sequence[Any]) -> bytes:
    """The bytes of a row. Whatever stands in it has some, also what Nexus would never write.

    >>> canonical((1, 0, "task.ready", "2026-01-31T12:00:00Z", *[None] * 10, '{"b": 1.0, "a": -0.0}'))[-19:]
    b'null]\\n{"a":0,"b":1}'
    """
    said = [*row[:-1]]
    said[_CREATED] = _instant(said[_CREATED])
    try:
        head = _encode(said)
    except (TypeError, ValueError):
        head = repr(said)
    return f"{head}\n{_payload(row[-1])}".encode("utf-8", "surrogatepass")


def _instant(value: Any) -> Any:
    try:
        return to_text(value if isinstance(value, datetime) else from_text(value))
    except (TypeError, ValueError, OverflowError):
        return value  # no time that we wrote: it is hashed as it stands


def _payload(text: Any) -> str:
    try:
        value = _decode(text)
        try:
            return _encode(value)
        except TypeError:
            return _spelled(value)
    except (TypeError, ValueError, RecursionError):
        return f"unreadable: {text!r}"


def _whole(text: str) -> int | Decimal:
    return int(text) if len(text) <= _DIGITS else Decimal(text)


def _number(text: str) -> int | float | Decimal:
    """A number by its value: whole ones as such, however they were written, and others as the float that they are."""
    exact = Decimal(text)
    if exact.adjusted() < _DIGITS and _is_whole(exact):
        return int(exact)
    near = float(text)
    return near if Decimal(repr(near)) == exact else exact


def _is_whole(exact: Decimal) -> bool:
    try:
        return exact == exact.to_integral_value()
    except InvalidOperation:
        return False


def _spelled(value: Any) -> str:
    """JSON with numbers that no float is, such as only somebody who writes SQL can store."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_encode(key)}:{_spelled(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_spelled, value)) + "]"
    if isinstance(value, Decimal):
        sign, digits, exponent = value.as_tuple()
        said = "".join(map(str, digits))
        kept = said.rstrip("0")
        if not isinstance(exponent, int):
            return str(value)
        return f"{'-' if sign else ''}{kept}E{exponent + len(said) - len(kept)}"
    return _encode(value)


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_decode = json.JSONDecoder(parse_int=_whole, parse_float=_number, parse_constant=Decimal).decode
