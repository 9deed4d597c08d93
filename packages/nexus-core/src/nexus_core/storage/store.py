"""The store over an SQL engine: the ports, written once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from .session import SqlEngine, SqlSession

if TYPE_CHECKING:
    from ..clock import Clock
    from .access import SqlAccess
    from .answers import SqlAnswers
    from .assignments import SqlAssignments
    from .audit import SqlAudit
    from .changes import SqlChanges
    from .charts import SqlCharts
    from .deliveries import SqlDeliveries
    from .events import SqlEvents
    from .graph import SqlTaskGraph
    from .issues import SqlIssues
    from .jobs import SqlJobs
    from .logins import SqlLogins
    from .repositories import SqlRepositories
    from .scores import SqlScores
    from .tasks import SqlTasks
    from .turns import SqlTurns


class SqlTransaction:
    """One transaction, with the collections, each made when it is first used."""

    def __init__(self, session: SqlSession) -> None:
        self.session = session

    @cached_property
    def tasks(self) -> SqlTasks:
        """Tasks and the dependencies between them."""
        from .tasks import SqlTasks

        return SqlTasks(self.session)

    @cached_property
    def graph(self) -> SqlTaskGraph:
        """Walks along the dependencies, and the counts that follow from them."""
        from .graph import SqlTaskGraph

        return SqlTaskGraph(self.session)

    @cached_property
    def scores(self) -> SqlScores:
        """Where the complexity of each task comes from."""
        from .scores import SqlScores

        return SqlScores(self.session)

    @cached_property
    def charts(self) -> SqlCharts:
        """Outlines of tasks, and mends of task files."""
        from .charts import SqlCharts

        return SqlCharts(self.session)

    @cached_property
    def repositories(self) -> SqlRepositories:
        """Repositories."""
        from .repositories import SqlRepositories

        return SqlRepositories(self.session)

    @cached_property
    def changes(self) -> SqlChanges:
        """Changes on code hosts."""
        from .changes import SqlChanges

        return SqlChanges(self.session)

    @cached_property
    def issues(self) -> SqlIssues:
        """Issues of code hosts."""
        from .issues import SqlIssues

        return SqlIssues(self.session)

    @cached_property
    def assignments(self) -> SqlAssignments:
        """Assignments and their activities."""
        from .assignments import SqlAssignments

        return SqlAssignments(self.session)

    @cached_property
    def events(self) -> SqlEvents:
        """All that happened."""
        from .events import SqlEvents

        return SqlEvents(self.session)

    @cached_property
    def jobs(self) -> SqlJobs:
        """Background work."""
        from .jobs import SqlJobs

        return SqlJobs(self.session)

    @cached_property
    def deliveries(self) -> SqlDeliveries:
        """Webhooks as they came."""
        from .deliveries import SqlDeliveries

        return SqlDeliveries(self.session)

    @cached_property
    def audit(self) -> SqlAudit:
        """The chain over the events, the alerts that were raised, and when jobs failed."""
        from .audit import SqlAudit

        return SqlAudit(self.session)

    @cached_property
    def access(self) -> SqlAccess:
        """Keys, people, and what the hub remembers of itself."""
        from .access import SqlAccess

        return SqlAccess(self.session)

    @cached_property
    def logins(self) -> SqlLogins:
        """Logins under way, sessions, and who people are at their providers."""
        from .logins import SqlLogins

        return SqlLogins(self.session)

    @cached_property
    def answers(self) -> SqlAnswers:
        """Requests that may be repeated."""
        from .answers import SqlAnswers

        return SqlAnswers(self.session)

    @cached_property
    def turns(self) -> SqlTurns:
        """Whose turn it is to call a service outside."""
        from .turns import SqlTurns

        return SqlTurns(self.session)


class SqlStore:
    """The store over an engine that takes the common subset of SQL."""

    def __init__(self, engine: SqlEngine) -> None:
        self.engine = engine
        self.name = engine.name
        self._glance: SqlTransaction | None = None

    @property
    def clock(self) -> Clock | None:
        """The database's own clock, where several hosts may use the database."""
        return self.engine.clock

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

    def glance(self) -> SqlTransaction:
        """Reads, each of which sees the state of its own moment."""
        session, known = self.engine.glance(), self._glance
        if known is None or known.session is not session:
            known = self._glance = SqlTransaction(session)
        return known

    def migrate(self) -> list[str]:
        """Bring the schema up to date; the migrations applied."""
        return self.engine.migrate()

    def pending_migrations(self) -> list[str]:
        """What `migrate` would apply."""
        return self.engine.pending_migrations()

    def close(self) -> None:
        """Let go of connections."""
        self.engine.close()
