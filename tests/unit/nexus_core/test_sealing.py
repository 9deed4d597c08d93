"""The bytes that are hashed: the same for the same values, others for others, and some for whatever stands there."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone

import pytest

from nexus_core.domain.sealing import GENESIS, next_hash
from nexus_core.storage.canonical import COLUMNS, canonical, record_of

AT = datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=UTC)


def row(payload="{}", **values):
    """A row of an event, by column."""
    given = {"id": 1, "xid": 0, "type": "task.moved", "created_at": AT, "payload": payload, **values}
    return tuple(given.get(name) for name in COLUMNS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}'),
        ('{"a": -0.0}', '{"a": 0}'),
        ('{"a": 1.0}', '{"a": 1}'),
        ('{"a": 1e300}', '{"a": 1' + "0" * 300 + "}"),
        ('{"a": 1e400}', '{"a": 1' + "0" * 400 + "}"),
        ('{"a": 1e-7}', '{"a": 0.0000001}'),
        ('{"a": 1.5e-400}', '{"a": 0.' + "0" * 399 + "15}"),
        ('{"a": "\\u00e9\\/"}', '{"a": "é/"}'),
        ('{"a": [1, {"y": 0, "x": 1}]}', '{"a": [1.0, {"x": 1, "y": 0}]}'),
    ],
)
def test_one_value_has_one_spelling(one, other):
    """However a database writes it: PostgreSQL's jsonb sorts keys and spells numbers out."""
    assert canonical(row(one)) == canonical(row(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1}', '{"a": "1"}'),
        ('{"a": 0.1}', '{"a": 0.10000000000000000001}'),
        ('{"a": 9007199254740993}', '{"a": 9007199254740992}'),
        ('{"a": 9007199254740993.5}', '{"a": 9007199254740992.5}'),
        ('{"a": 1e400}', '{"a": 1e401}'),
        ('{"a": 1e400}', '{"a": -1e400}'),
        ('{"a": 1.5e-400}', '{"a": 1.5e-401}'),
        ('{"a": NaN}', '{"a": Infinity}'),
        ('{"a": null}', "{}"),
        ('{"a": 1', '{"a": 2'),
        ('{"a": "\\ud800"}', '{"a": "\\ud801"}'),
        ("[" * 50_000 + "]" * 50_000, "[" * 50_001 + "]" * 50_001),
        ('{"a": 1' + "0" * 5000 + "}", '{"a": 2' + "0" * 5000 + "}"),
    ],
)
def test_other_values_have_other_bytes(one, other):
    """Also where a float would not show the difference, and where nothing that Nexus wrote stands."""
    assert canonical(row(one)) != canonical(row(other))


@pytest.mark.parametrize("name", [name for name in COLUMNS if name != "payload"])
def test_every_column_counts(name):
    """No column can be changed unseen, and none can pass for its neighbour."""
    other = AT + timedelta(microseconds=1) if name == "created_at" else 7
    neighbour = COLUMNS[COLUMNS.index(name) - 1]

    assert canonical(row()) != canonical(row(**{name: other}))
    assert canonical(row(**{name: 7, neighbour: 8})) != canonical(row(**{name: 8, neighbour: 7}))


def test_time_is_an_instant():
    """The same one in another zone, or as SQLite keeps it, is the same."""
    elsewhere = AT.astimezone(timezone(timedelta(hours=5)))

    assert canonical(row()) == canonical(row(created_at=elsewhere))
    assert canonical(row()) == canonical(row(created_at="2026-01-31T12:00:00.000005Z"))
    assert canonical(row()) != canonical(row(created_at="yesterday"))
    assert canonical(row(created_at=b"\xff")) != canonical(row(created_at=b"\xfe"))


def test_a_hash_follows_the_one_before():
    """The same event after another one has another hash; the first follows nothing."""
    first = next_hash(GENESIS, record_of(row()))
    said = b'[1,0,"task.moved","2026-01-31T12:00:00.000005Z",' + b",".join([b"null"] * 10) + b"]\n{}"

    assert hashlib.sha256(bytes(32) + said).digest() == first
    assert next_hash(first, record_of(row())) != first
