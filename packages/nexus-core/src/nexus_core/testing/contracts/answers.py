# ruff: noqa: S101, SIM300 - a suite of tests: asserts, expected value first
"""Requests that may be repeated."""

from __future__ import annotations

from datetime import timedelta

from ...domain.answers import Attempt, Remembered
from ...ports.storage import Store
from .aids import LATER, NOW, at_once

FIRST = Attempt("key:1", "a", "f", "t1")
SECOND = Attempt("key:1", "a", "f", "t2")
OTHERS = Attempt("key:2", "a", "g", "t3")


class AnswersContract:
    """Requests by who asked and by their key."""

    def test_answer_is_remembered(self, store: Store) -> None:
        """Who asks first works on it; its answer comes back as it was; another's key is another's."""
        with store.writing() as tx:
            begun = [tx.answers.begin(one, NOW) for one in (FIRST, SECOND, OTHERS)]
            tx.answers.apply(FIRST)
            tx.answers.finish(FIRST, 201, b"\x00\xff")

        with store.reading() as tx:
            known, none = tx.answers.get("key:1", "a"), tx.answers.get("key:3", "a")
        assert [True, False, True] == begun
        assert (Remembered("f", True, 201, b"\x00\xff", NOW), None) == (known, none)

    def test_answer_begins_once(self, store: Store) -> None:
        """Of eight that begin at once, one does."""

        def begin() -> bool:
            with store.writing() as tx:
                return tx.answers.begin(FIRST, NOW)

        assert 1 == sum(at_once([begin] * 8))

    def test_answer_is_taken_over_from_the_silent(self, store: Store) -> None:
        """By a later try, once; the former can neither take effect nor answer then. What took effect is nobody's."""
        with store.writing() as tx:
            tx.answers.begin(FIRST, NOW)
            early = tx.answers.take_over(SECOND, LATER, NOW - timedelta(seconds=1))
            late = tx.answers.take_over(SECOND, LATER, NOW)
            former = tx.answers.apply(FIRST)
            tx.answers.finish(FIRST, 500, b"")
            tx.answers.apply(SECOND)
            applied = tx.answers.take_over(FIRST, LATER, LATER)

            assert Remembered("f", True, None, None, LATER) == tx.answers.get("key:1", "a")
        assert (False, True, False, False) == (early, late, former, applied)

    def test_counts_add_up(self, store: Store) -> None:
        """What several tell of one, within a period; old counts are forgotten."""
        with store.writing() as tx:
            totals = [tx.answers.count("x", period, number, NOW) for period, number in ((7, 5), (8, 1), (7, 2))]
            pruned = [tx.answers.prune_counts(before) for before in (NOW, LATER)]

        assert ([5, 1, 7], [0, 2]) == (totals, pruned)

    def test_answer_is_forgotten(self, store: Store) -> None:
        """When the request took no effect; and in time, so many at once, the oldest first."""
        with store.writing() as tx:
            tx.answers.begin(FIRST, NOW)
            dropped = tx.answers.drop(FIRST)
            tx.answers.begin(SECOND, NOW)
            tx.answers.apply(SECOND)
            kept = tx.answers.drop(SECOND)
            tx.answers.begin(OTHERS, LATER)
            pruned = [tx.answers.prune(before, 1) for before in (NOW, LATER, LATER)]

            assert (None, True) == (tx.answers.get("key:1", "a"), tx.answers.get("key:2", "a") is not None)
        assert (True, False, [0, 1, 0]) == (dropped, kept, pruned)
