"""Migrations: numbered files, one history for both engines, checksummed.

After the first, each is named `0002_expand_…` when it only adds what older code need not know, or `0003_contract_…`
when it takes something away. Older code works on a schema that was expanded, and refuses one that was contracted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping

from ..errors import NexusError, SchemaTooNew
from .statements import migrations

HISTORY = "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, checksum text NOT NULL)"
_EXPANDING = re.compile(r"(pg_)?\d{4}_expand_\w+\.sql", re.ASCII)
RECORD = "INSERT INTO schema_migrations (name, checksum) VALUES (?, ?)"


def checksum(sql: str) -> str:
    """What a migration is recognised by."""
    return hashlib.sha256(sql.encode()).hexdigest()


def expands(name: str) -> bool:
    """Whether a migration of this name leaves a schema that code which does not know it can work with."""
    return _EXPANDING.fullmatch(name) is not None


def pending(applied: Mapping[str, str], known: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    """The migrations still to be applied, in order.

    :raises SchemaTooNew: the history holds one that this version does not know and cannot work with
    """
    known = migrations() if known is None else known
    if newer := sorted(name for name in applied if name not in known and not expands(name)):
        raise SchemaTooNew(
            f"the data was changed by a newer version of Nexus (it has {newer[-1]}). "
            "Install that version or a later one; nothing was changed"
        )
    for name, digest in applied.items():
        if name in known and digest != checksum(known[name]):
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
