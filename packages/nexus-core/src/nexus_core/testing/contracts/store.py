"""The contract of a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ...ports.storage import Store
from .access import AccessContract
from .answers import AnswersContract
from .assignments import AssignmentsContract
from .audit import AuditContract
from .charts import ChartsContract
from .deliveries_events import DeliveriesContract, EventsContract
from .graph import GraphContract
from .jobs import JobsContract
from .logins import LoginsContract
from .readiness import ReadinessContract
from .repositories import ChangesContract, RepositoriesContract
from .scores import ScoresContract
from .shown import ShownContract
from .tasks import TasksContract
from .transactions import TransactionsContract
from .turns import TurnsContract


class StoreContract(
    TransactionsContract,
    RepositoriesContract,
    ChangesContract,
    TasksContract,
    ShownContract,
    ScoresContract,
    ReadinessContract,
    ChartsContract,
    GraphContract,
    AssignmentsContract,
    EventsContract,
    JobsContract,
    DeliveriesContract,
    AccessContract,
    LoginsContract,
    AnswersContract,
    AuditContract,
    TurnsContract,
):
    """What every store must hold. A subclass says how to open an empty one, or gives the fixture `store` itself."""

    def open_store(self, folder: Path) -> Store:
        """An empty store, another one for each folder. The folder is the test's own, for what is kept in files."""
        raise NotImplementedError("say how to open your store")

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        """The store of a test: open, migrated, empty."""
        with closing(self.open_store(tmp_path)) as store:
            store.migrate()
            yield store
