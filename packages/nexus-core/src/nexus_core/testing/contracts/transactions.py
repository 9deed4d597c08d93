# ruff: noqa: S101, SIM300 - a suite of tests: asserts, expected value first
"""Transactions: all or nothing, one state for a reader, writers that do not lose each other's changes."""

from __future__ import annotations

import threading
from datetime import timedelta

import attrs
import pytest

from ...errors import NexusError, StaleWrite
from ...ports.storage import Store
from .aids import NOW, at_once, make_task


class TransactionsContract:
    """What holds for every transaction."""

    def test_commit_on_leaving(self, store: Store) -> None:
        """What a transaction wrote is there afterwards, for another thread too."""
        with store.writing() as tx:
            tx.access.set_meta("colour", "blue")

        def read() -> str | None:
            with store.reading() as tx:
                return tx.access.meta("colour")

        assert ["blue"] == at_once([read])

    def test_rollback_on_exception(self, store: Store) -> None:
        """An exception takes everything back, and passes through as it is."""
        with pytest.raises(KeyError, match="mine"), store.writing() as tx:
            tx.access.set_meta("colour", "blue")
            raise KeyError("mine")

        with store.reading() as tx:
            assert tx.access.meta("colour") is None

    def test_reader_sees_one_state(self, store: Store) -> None:
        """What others commit meanwhile does not show within a reading transaction."""
        with store.reading() as tx:
            assert tx.access.meta("colour") is None
            thread = threading.Thread(target=_set_colour, args=(store, "blue"))
            thread.start()
            thread.join(10)

            assert tx.access.meta("colour") is None

    def test_look_within_writing(self, store: Store) -> None:
        """A reading transaction within a writing one of the same thread sees what that wrote."""
        with store.writing() as tx:
            tx.access.set_meta("colour", "blue")
            with store.reading() as inner:
                assert "blue" == inner.access.meta("colour")

    def test_writers_do_not_lose_updates(self, store: Store) -> None:
        """Eight threads that each read a locked task and write it changed, ten times, are never stale."""
        task_id = make_task(store).id

        def add() -> None:
            for _ in range(10):
                with store.writing() as tx:
                    task = tx.tasks.get(task_id, lock=True)
                    tx.tasks.save(attrs.evolve(task, failures=task.failures + 1), NOW)

        at_once([add] * 8)

        with store.reading() as tx:
            assert 80 == tx.tasks.get(task_id).failures

    def test_one_of_two_stale_writers_is_refused(self, store: Store) -> None:
        """Of changes that start from one version, one is kept and the others are told."""
        before = make_task(store)

        def save() -> str:
            try:
                with store.writing() as tx:
                    tx.tasks.save(before, NOW)
                return "saved"
            except StaleWrite:
                return "stale"

        assert ["saved", "stale", "stale", "stale"] == sorted(at_once([save] * 4))

    def test_migrating_again_changes_nothing(self, store: Store) -> None:
        """A store that is up to date has nothing outstanding."""
        assert ([], []) == (store.migrate(), store.pending_migrations())

    def test_clock_is_shared_by_all(self, store: Store) -> None:
        """Where a store has a clock, it tells the time in UTC, within a transaction too."""
        if store.clock is not None:
            before = store.clock.now()
            with store.writing():
                within = store.clock.now()

            assert before.utcoffset() == timedelta(0)
            assert abs(within - before) < timedelta(minutes=1)

    def test_text_comes_back_as_it_was(self, store: Store) -> None:
        """Quotes, percent signs, other scripts and line ends are data."""
        text = "50 % of ':name' \"x\" \\ {y} é 😀 \u202e\r\n\t--"
        with store.writing() as tx:
            tx.access.set_meta("text", text)

        with store.reading() as tx:
            assert text == tx.access.meta("text")

    def test_errors_are_ours(self, store: Store) -> None:
        """No driver's exception leaves a transaction."""
        with pytest.raises(NexusError), store.writing() as tx:
            tx.tasks.depend(10**9, 10**9 + 1)


def _set_colour(store: Store, colour: str) -> None:
    with store.writing() as tx:
        tx.access.set_meta("colour", colour)
