"""What the tests of the core share: a hub on a temporary file, a clock that stands still, and tasks by the handful."""

from datetime import UTC, datetime

import pytest

from nexus_core.domain.tasks import Priority, Status, Task
from nexus_core.testing import FrozenClock, nexus_for_test

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def make_task():
    """Makes tasks that differ from a plain one in the fields that are named."""

    def make(task_id=1, **fields):
        plain = {
            "title": f"Task {task_id}", "status": Status.PENDING, "priority": Priority.MEDIUM, "version": 1,
            "created_at": AT, "updated_at": AT,
        }  # fmt: skip
        return Task(id=task_id, **{**plain, **fields})

    return make


@pytest.fixture
def clock():
    """A clock that stands at noon of the last of January."""
    return FrozenClock(AT)


@pytest.fixture
def nexus(clock):
    """A hub with no plugins, at that time."""
    with nexus_for_test(clock=clock) as hub:
        yield hub


@pytest.fixture
def types_of(nexus):
    """The types of the events after one, oldest first."""

    def types(after=0, task=None):
        return [event.type for event in nexus.events.list(after, task=task, limit=200)]

    return types
