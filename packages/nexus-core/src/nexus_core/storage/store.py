"""The store over an SQL engine: the ports, written once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .access import SqlAccess
from .assignments import SqlAssignments
from .deliveries import SqlDeliveries
from .events import SqlEvents
from .jobs import SqlJobs
from .repositories import SqlChanges, SqlRepositories
from .session import SqlEngine, SqlSession
from .tasks import SqlTasks


class SqlTransaction:
    """One transaction, with the collections."""

    def __init__(self, session: SqlSession) -> None:
        self.tasks = SqlTasks(session)
        self.repositories = SqlRepositories(session)
        self.changes = SqlChanges(session)
        self.assignments = SqlAssignments(session)
        self.events = SqlEvents(session)
        self.jobs = SqlJobs(session)
        self.deliveries = SqlDeliveries(session)
        self.access = SqlAccess(session)


class SqlStore:
    """The store over an engine that takes the common subset of SQL."""

    def __init__(self, engine: SqlEngine) -> None:
        self.engine = engine
        self.name = engine.name

    @contextmanager
    def writing(self) -> Iterator[SqlTransaction]:
        """A transaction that may write."""
        with self.engine.writing() as session:
            yield SqlTransaction(session)

    @contextmanager
    def reading(self) -> Iterator[SqlTransaction]:
        """A transaction that only reads."""
        with self.engine.reading() as session:
            yield SqlTransaction(session)

    def migrate(self) -> list[str]:
        """Bring the schema up to date; the migrations applied."""
        return self.engine.migrate()

    def pending_migrations(self) -> list[str]:
        """What `migrate` would apply."""
        return self.engine.pending_migrations()

    def close(self) -> None:
        """Let go of connections."""
        self.engine.close()
