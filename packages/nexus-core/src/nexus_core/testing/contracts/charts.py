# ruff: noqa: S101, SIM300 - a suite of tests: asserts, expected value first
"""Outlines of tasks, and mends of task files."""

from __future__ import annotations

import attrs

from ...domain.findings import FileMend
from ...domain.tasks import NewTask, Priority, Status
from ...ports.storage import Store
from .aids import EARLIER, LATER, NOW, make_repository, make_task

MENDS = (
    FileMend(key="master:3.2", member="parentId", was='"undefined"', now='"3"'),
    FileMend(key='a"é:1', member="dependencies", was="99"),
)


class ChartsContract:
    """Outlines of tasks."""

    def test_outline_round_trip(self, store: Store) -> None:
        """A task as it is otherwise read, but without texts and raw data."""
        repository = make_repository(store)
        parent = make_task(store, repository_id=repository.id)
        new = NewTask(
            title="Ship é", status=Status.REVIEW, priority=Priority.LOW, repository_id=repository.id,
            parent_id=parent.id, description="d", details="e", test_strategy="f", labels=("python", 'a"b'),
            complexity_auto=3, complexity_manual=9, external_key="master:1", raw_data={"id": 1}, not_before=LATER,
        )  # fmt: skip
        with store.writing() as tx:
            made = tx.tasks.add(new, NOW)
            tx.tasks.save(attrs.evolve(made, agent="ada", fence=3, failures=2), LATER)
            tx.tasks.depend(made.id, parent.id)

        with store.reading() as tx:
            whole = tx.tasks.get(made.id)
            found = tx.charts.outline(repository.id)
        plain = attrs.evolve(whole, description="", details="", test_strategy="", raw_data={})

        assert [parent.id, made.id] == [task.id for task in found]
        assert plain == found[1]

    def test_outline_of_a_place(self, store: Store) -> None:
        """A repository's tasks alone; those of no repository alone; any by their ids."""
        first, second = make_repository(store, "a/a"), make_repository(store, "a/b")
        here = make_task(store, repository_id=first.id).id
        there = make_task(store, repository_id=second.id).id
        nowhere = make_task(store).id

        with store.reading() as tx:
            assert [[here], [there], [nowhere]] == [
                [task.id for task in tx.charts.outline(place)] for place in (first.id, second.id, None)
            ]
            assert [here, nowhere] == [task.id for task in tx.charts.outlines([nowhere, here, here, 999_999])]
            assert [] == tx.charts.outlines([])

    def test_imported(self, store: Store) -> None:
        """Those with a key and an object of a file; not those that were given a key when they were written into one."""
        repository = make_repository(store)
        came = make_task(store, repository_id=repository.id, external_key="master:1", raw_data={"id": 1})
        make_task(store, repository_id=repository.id, external_key="master:2")
        make_task(store, repository_id=repository.id, raw_data={"id": 3})

        with store.reading() as tx:
            assert {came.id} == tx.charts.imported(repository.id)

    def test_file_mends(self, store: Store) -> None:
        """They come back as they were stored, and outlast the next import of the file."""
        repository = make_repository(store)
        with store.writing() as tx:
            assert () == tx.charts.file_mends(repository.id)
            tx.tasks.save_file(repository.id, "tasks.json", "taskmaster", b"old", EARLIER)
            assert () == tx.charts.file_mends(repository.id)
            tx.charts.set_file_mends(repository.id, MENDS)
            tx.tasks.save_file(repository.id, "tasks.json", "taskmaster", b"new", NOW)

        with store.reading() as tx:
            assert MENDS == tx.charts.file_mends(repository.id)
