"""The store: everything that Nexus remembers, in the domain's words.

A service opens a transaction, uses the collections on it, and leaves it: committed when nothing was raised. One SQL
implementation serves two engines (`nexus_core.storage`); a plugin may implement these protocols for something else, and
run `nexus_core.testing.contracts.StoreContract` to see whether it holds.
"""

from __future__ import annotations

import builtins
from contextlib import AbstractContextManager
from typing import Protocol

from ..clock import Clock
from .answers import Answers
from .audit import Audit
from .changes import Changes, Issues
from .charts import Charts
from .collections import Access, Assignments, Deliveries, Events, Jobs, Repositories, Tasks
from .graph import TaskGraph
from .logins import Logins
from .scores import Scores
from .turns import Turns


class Transaction(Protocol):
    """One transaction, with the collections."""

    @property
    def tasks(self) -> Tasks:
        """Tasks and the dependencies between them."""
        ...

    @property
    def graph(self) -> TaskGraph:
        """Walks along the dependencies, and the counts that follow from them."""
        ...

    @property
    def scores(self) -> Scores:
        """Where the complexity of each task comes from."""
        ...

    @property
    def charts(self) -> Charts:
        """Outlines of tasks, and mends of task files."""
        ...

    @property
    def repositories(self) -> Repositories:
        """Repositories."""
        ...

    @property
    def changes(self) -> Changes:
        """Changes on code hosts."""
        ...

    @property
    def issues(self) -> Issues:
        """Issues of code hosts."""
        ...

    @property
    def assignments(self) -> Assignments:
        """Assignments and their activities."""
        ...

    @property
    def events(self) -> Events:
        """All that happened."""
        ...

    @property
    def jobs(self) -> Jobs:
        """Background work."""
        ...

    @property
    def deliveries(self) -> Deliveries:
        """Webhooks as they came."""
        ...

    @property
    def audit(self) -> Audit:
        """The chain over the events, the alerts that were raised, and when jobs failed."""
        ...

    @property
    def access(self) -> Access:
        """Keys, people, and what the hub remembers of itself."""
        ...

    @property
    def logins(self) -> Logins:
        """Logins under way, sessions, and who people are at their providers."""
        ...

    @property
    def answers(self) -> Answers:
        """Requests that may be repeated."""
        ...

    @property
    def turns(self) -> Turns:
        """Whose turn it is to call a service outside."""
        ...


class Store(Protocol):
    """Everything that Nexus remembers."""

    name: str

    @property
    def clock(self) -> Clock | None:
        """The clock by which all who use the store count leases; None where they are on one host and share its own."""
        ...

    def writing(self) -> AbstractContextManager[Transaction]:
        """A transaction that may write: committed on leaving, rolled back when an exception leaves it.

        :raises Contention: others write the same; the whole transaction may be tried again
        :raises Unavailable: the database cannot be reached
        """
        ...

    def reading(self) -> AbstractContextManager[Transaction]:
        """A transaction that only reads."""
        ...

    def glance(self) -> Transaction:
        """Reads, each of which sees the state of its own moment: for answers that one look at the data gives.

        Nothing is begun and nothing must be ended; within a transaction of the thread, it is that one.
        """
        ...

    def migrate(self) -> builtins.list[str]:
        """Bring the schema up to date; safe when several start at once. :raises SchemaTooNew:"""
        ...

    def pending_migrations(self) -> builtins.list[str]:
        """What `migrate` would do."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
