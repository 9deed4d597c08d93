"""The contract of a store."""

from __future__ import annotations

from .access import AccessContract
from .assignments import AssignmentsContract
from .deliveries_events import DeliveriesContract, EventsContract
from .graph import GraphContract
from .jobs import JobsContract
from .readiness import ReadinessContract
from .repositories import ChangesContract, RepositoriesContract
from .tasks import TasksContract
from .transactions import TransactionsContract


class StoreContract(
    TransactionsContract,
    RepositoriesContract,
    ChangesContract,
    TasksContract,
    ReadinessContract,
    GraphContract,
    AssignmentsContract,
    EventsContract,
    JobsContract,
    DeliveriesContract,
    AccessContract,
):
    """What every store must hold. A subclass gives a fixture `store`: open, migrated, empty, its own for each test."""
