"""What the cases of the contracts share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from ...domain.agents import Assignment, AssignmentStatus
from ...domain.repositories import Repository
from ...domain.tasks import NewTask, Task
from ...ports.storage import Store

T = TypeVar("T")

NOW = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
EARLIER = NOW - timedelta(hours=1)


def make_repository(store: Store, name: str = "acme/api", external_id: str | None = None) -> Repository:
    """A stored repository."""
    with store.writing() as tx:
        return tx.repositories.add(name, "", default_branch="main", external_id=external_id, now=NOW)


def make_task(store: Store, title: str = "A task", **fields: Any) -> Task:
    """A stored task."""
    with store.writing() as tx:
        return tx.tasks.add(NewTask(title=title, **fields), NOW)


def make_tasks(store: Store, number: int, **fields: Any) -> list[int]:
    """The ids of several stored tasks."""
    with store.writing() as tx:
        return [tx.tasks.add(NewTask(title=f"Task {index}", **fields), NOW).id for index in range(number)]


def make_assignment(store: Store, task_id: int, agent: str = "claude", fence: int = 1) -> Assignment:
    """A stored, live assignment."""
    with store.writing() as tx:
        return tx.assignments.add(new_assignment(task_id, agent, fence))


def new_assignment(task_id: int, agent: str = "claude", fence: int = 1) -> Assignment:
    """An assignment that is to be stored."""
    return Assignment(
        id=0, task_id=task_id, agent=agent, status=AssignmentStatus.ASSIGNED, fence=fence, lease_until=LATER,
        assigned_at=NOW, reason="the only one free",
    )  # fmt: skip


def at_once(actions: Sequence[Callable[[], T]], seconds: float = 30.0) -> list[T]:
    """Run actions in threads that begin together; their results. What one raises is raised here."""
    barrier = threading.Barrier(len(actions))
    results: list[T] = []
    errors: list[BaseException] = []

    def run(action: Callable[[], T]) -> None:
        barrier.wait(seconds)
        try:
            results.append(action())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(action,), daemon=True) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    if errors:
        raise errors[0]
    return results
