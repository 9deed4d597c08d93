"""The one place where the driver's errors become ours."""

from __future__ import annotations

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout

from nexus_core.errors import Conflict, Contention, Duplicate, Invalid, NexusError, Unavailable


def ours(error: psycopg.Error, label: str) -> NexusError:
    """What an error of the driver means for the caller. The message is one line and names no password.

    Contention means that the same transaction may well succeed when it is done again.
    """
    said = _first_line(error)
    match error:
        case psycopg.errors.UniqueViolation():
            return Duplicate(f"the database refuses it: {said}", constraint=error.diag.constraint_name)
        case psycopg.IntegrityError():
            return Conflict(f"the database refuses it: {said}", constraint=error.diag.constraint_name)
        case psycopg.DataError():
            return Invalid(f"the database cannot hold this: {said}")
        case psycopg.errors.SerializationFailure() | psycopg.errors.DeadlockDetected():
            return Contention(f"another change came in between; try again ({said})")
        case psycopg.errors.LockNotAvailable():
            return Contention("another change of the same is taking long; try again")
        case psycopg.errors.ReadOnlySqlTransaction():
            return Unavailable(f"the database at {label} takes no changes at the moment: {said}")
        case psycopg.errors.QueryCanceled():
            return Unavailable(f"the database at {label} took too long for a statement")
        case PoolTimeout() | PoolClosed():
            return Unavailable(
                f"the database at {label} cannot be reached, or all connections to it are in use: {said}"
            )
        case psycopg.errors.UndefinedTable() | psycopg.errors.UndefinedColumn():
            return Unavailable(f"the database at {label} is not set up, run `nexus migrate`: {said}")
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return Unavailable(f"the database at {label} cannot be reached: {said}")
        case _:
            return NexusError(f"the database refuses it: {said}")


def _first_line(error: psycopg.Error) -> str:
    """The gist of what the driver said; libpq writes a paragraph for a host that cannot be reached."""
    text = error.diag.message_primary or str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0].removeprefix("connection failed: ") if lines else type(error).__name__
