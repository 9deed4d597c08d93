"""Migrations: numbered files, one history for both engines, checksummed; a newer schema is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from ..errors import NexusError, SchemaTooNew
from .statements import migrations

HISTORY = "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, checksum text NOT NULL)"
RECORD = "INSERT INTO schema_migrations (name, checksum) VALUES (?, ?)"


def checksum(sql: str) -> str:
    """What a migration is recognised by."""
    return hashlib.sha256(sql.encode()).hexdigest()


def pending(applied: Mapping[str, str], known: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """The migrations still to be applied, in order.

    :raises SchemaTooNew: the history holds one that this version does not know
    """
    known = migrations() if known is None else known
    if newer := sorted(set(applied) - set(known)):
        raise SchemaTooNew(
            f"the data was written by a newer version of Nexus (it has {newer[-1]}). "
            "Install that version or a later one; nothing was changed"
        )
    for name, digest in applied.items():
        if digest != checksum(known[name]):
            raise NexusError(
                f"the migration {name} is not the one that this database was made with; nothing was changed"
            )
    return [(name, sql) for name, sql in known.items() if name not in applied]


def apply_migrations(run: Callable[..., None], applied: Mapping[str, str]) -> list[str]:
    """Apply what is pending within the caller's transaction; the names."""
    run(HISTORY)
    done = []
    for name, sql in pending(applied):
        run(sql)
        run(RECORD, name, checksum(sql))
        done.append(name)
    return done
