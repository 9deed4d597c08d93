# ruff: noqa: S101, SIM300 - a suite of tests: asserts, expected value first
"""Readiness as the store keeps it, the order of work, and claims that never meet."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import attrs
import pytest

from ...domain.tasks import Priority, Status
from ...errors import StaleWrite
from ...ports.graph import State
from ...ports.queries import ReadyQuery
from ...ports.storage import Store
from .aids import EARLIER, LATER, NOW, at_once, make_repository, make_task, make_tasks, new_assignment


class ReadinessContract:
    """What is ready, and in what order."""

    @pytest.mark.parametrize(
        ("fields", "counts", "ready"),
        [
            ({}, {}, True),
            ({"not_before": EARLIER}, {}, True),
            ({"not_before": NOW}, {}, True),
            ({"not_before": LATER}, {}, False),
            ({"status": Status.BLOCKED}, {}, False),
            ({"status": Status.DONE}, {}, False),
            ({}, {"open_dependencies": 1}, False),
            ({}, {"open_subtasks": 1}, False),
            ({}, {"blocked_ancestors": 1}, False),
        ],
    )
    def test_conditions(self, store: Store, fields: dict[str, Any], counts: dict[str, int], ready: bool) -> None:
        """Each condition of readiness counts, in every look-up alike."""
        task_id = make_task(store, **fields).id
        with store.writing() as tx:
            (state,) = tx.graph.states([task_id])
            tx.graph.set_counts([State(**{**state._asdict(), **counts})])
        expected = [task_id] if ready else []

        with store.writing() as tx:
            assert expected == [task.id for task in tx.tasks.ready(ReadyQuery(), NOW)]
            assert expected == [row[0] for row in tx.tasks.ready_among([task_id], NOW)]
            assert expected == [task.id for task in tx.tasks.dispatchable(NOW, max_failures=3, limit=5)]
        assert expected == [task_id for task_id in (_would_take(store),) if task_id]

    def test_waking(self, store: Store) -> None:
        """Tasks whose time came after a look and has come now, if nothing else holds them back, the first first."""
        due, early = make_task(store, not_before=NOW), make_task(store, not_before=EARLIER)
        make_task(store)
        make_task(store, not_before=LATER)
        make_task(store, not_before=NOW, status=Status.BLOCKED)

        with store.reading() as tx:
            assert [(early.id, EARLIER), (due.id, NOW)] == tx.tasks.woken(None, NOW)
            assert [(due.id, NOW)] == tx.tasks.woken(EARLIER, NOW)
            assert [] == tx.tasks.woken(NOW, NOW)

    def test_held_is_not_ready(self, store: Store) -> None:
        """A task that somebody holds is not offered again."""
        task = make_task(store)
        with store.writing() as tx:
            tx.tasks.save(attrs.evolve(task, assignment_id=1, agent="claude", fence=1), NOW)

        with store.reading() as tx:
            assert [] == tx.tasks.ready(ReadyQuery(), NOW)
        assert None is _would_take(store)

    def test_order(self, store: Store) -> None:
        """Priority, then impact, then smaller complexity, then lower id."""
        low = make_task(store, priority=Priority.LOW).id
        large, small = make_task(store, complexity_manual=9).id, make_task(store, complexity_auto=2).id
        wanted, twin = make_task(store, complexity_manual=9).id, make_task(store, complexity_auto=2).id
        urgent = make_task(store, priority=Priority.CRITICAL, complexity_manual=10).id
        with store.writing() as tx:
            tx.graph.set_behind({wanted: (3, 1)})

        with store.writing() as tx:
            expected = [urgent, wanted, small, twin, large, low]
            assert expected == [task.id for task in tx.tasks.ready(ReadyQuery(), NOW)]
            assert expected == [row[0] for row in tx.tasks.ready_among(sorted(expected), NOW)]
        assert urgent == _would_take(store)

    def test_narrowed(self, store: Store) -> None:
        """By repository, by complexity, by skills (a task without labels fits all), by what the key may see."""
        repository = make_repository(store)
        plain = make_task(store, complexity_manual=8).id
        python = make_task(store, labels=("python",), repository_id=repository.id, complexity_manual=3).id
        rust = make_task(store, labels=("rust", "c"), complexity_manual=9).id
        cases = [
            (ReadyQuery(repository_id=repository.id), [python]),
            (ReadyQuery(max_complexity=8), [python, plain]),
            (ReadyQuery(skills=frozenset({"python"})), [python, plain]),
            (ReadyQuery(skills=frozenset({"c"})), [plain, rust]),
            (ReadyQuery(visible=frozenset({repository.id})), [python]),
            (ReadyQuery(visible=frozenset()), []),
        ]
        with store.writing() as tx:
            found = [[task.id for task in tx.tasks.ready(query, NOW)] for query, _ in cases]
        taken = [_would_take(store, query) for query, _ in cases]

        assert [wanted for _, wanted in cases] == found
        assert [wanted[0] if wanted else None for _, wanted in cases] == taken

    def test_take_and_hold(self, store: Store) -> None:
        """Who takes the best ready task, or is given one, has it in progress under the next fence and a fresh id."""
        first, second = make_task(store), make_task(store, status=Status.BLOCKED)
        with store.writing() as tx:
            taken = tx.tasks.take(ReadyQuery(), "ada", LATER)
            assert taken is not None
            tx.assignments.add(attrs.evolve(new_assignment(first.id, "ada"), id=taken.assignment_id or 0))
            held = tx.tasks.hold(second, "bob", LATER)
            with pytest.raises(StaleWrite):
                tx.tasks.hold(second, "bob", LATER)

        with store.reading() as tx:
            stored = tx.tasks.many([first.id, second.id])
        for one, agent, task in ((taken, "ada", stored[0]), (held, "bob", stored[1])):
            assert (agent, 1, 2, LATER, Status.IN_PROGRESS) == (
                task.agent, task.fence, task.version, task.updated_at, task.status,
            )  # fmt: skip
            assert (task.id, task.title, task.version, task.fence, task.assignment_id, task.agent) == (
                one.id, one.title, one.version, one.fence, one.assignment_id, one.agent,
            )  # fmt: skip
        assert taken.assignment_id != held.assignment_id

    def test_failures_hold_dispatch_back(self, store: Store) -> None:
        """Automatic assignment skips tasks that failed too often or are to be retried later; a claim need not."""
        often, later = make_task(store), make_task(store)
        with store.writing() as tx:
            tx.tasks.save(attrs.evolve(often, failures=3), NOW)
            tx.tasks.save(attrs.evolve(later, failures=1, retry_at=LATER), NOW)

        with store.writing() as tx:
            assert [] == tx.tasks.dispatchable(NOW, max_failures=3, limit=5)
            assert [later.id] == [task.id for task in tx.tasks.dispatchable(LATER, max_failures=3, limit=5)]
            assert 2 == len(tx.tasks.ready(ReadyQuery(), NOW))

    @pytest.mark.parametrize("place", [{"state": "archived"}, {"state": "deleted"}, {"reachable": False}])
    def test_dispatch_passes_over_repositories_that_take_nothing(self, store: Store, place: dict[str, Any]) -> None:
        """No agent is launched where it could not push; the task is ready all the same."""
        repository = make_repository(store)
        task = make_task(store, repository_id=repository.id)
        with store.writing() as tx:
            assert [task.id] == [one.id for one in tx.tasks.dispatchable(NOW, max_failures=3, limit=5)]
            tx.repositories.save(attrs.evolve(repository, **place))

        with store.writing() as tx:
            assert [] == tx.tasks.dispatchable(NOW, max_failures=3, limit=5)
            assert [task.id] == [one.id for one in tx.tasks.ready(ReadyQuery(), NOW)]

    def test_counts_are_bumped(self, store: Store) -> None:
        """The counts change by a difference, and the new ones are told."""
        a, b = make_tasks(store, 2)
        with store.writing() as tx:
            assert {a: 2, b: 2} == tx.graph.bump_dependencies([b, a, a], 2)
            assert {a: 1} == tx.graph.bump_dependencies([a], -1)
            assert (1, 0) == (tx.tasks.bump_subtasks(a, 1), tx.tasks.bump_subtasks(a, -1))
            tx.graph.bump_ancestors([a, b], 1)
            tx.graph.set_behind({a: (5, 2)})
            tx.graph.add_behind([a, b], impact=2, chain=1)
            found = tx.tasks.get(a)

            assert (1, 0, 1, 7, 3) == (
                found.open_dependencies, found.open_subtasks, found.blocked_ancestors, found.impact, found.chain,
            )  # fmt: skip
            assert 1 == found.version

    def test_task_claims_never_meet(self, store: Store) -> None:
        """Eight threads that take tasks take each of forty once."""
        make_tasks(store, 40)

        def claim() -> list[int]:
            mine: list[int] = []
            while True:
                with store.writing() as tx:
                    task = tx.tasks.take(ReadyQuery(), "claude", NOW)
                    if task is None:
                        return mine
                mine.append(task.id)

        taken = [task_id for mine in at_once([claim] * 8) for task_id in mine]

        assert 40 == len(taken) == len(set(taken))


class _Undo(Exception):
    """Rolls a transaction back."""


def _would_take(store: Store, query: ReadyQuery | None = None) -> int | None:
    """The task that a claim would get now."""
    found = None
    with suppress(_Undo), store.writing() as tx:
        found = tx.tasks.take(query or ReadyQuery(), "claude", NOW)
        raise _Undo
    return found.id if found else None
