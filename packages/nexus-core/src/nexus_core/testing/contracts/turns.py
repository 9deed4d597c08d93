# ruff: noqa: S101, SIM300 - a suite of tests: asserts, expected value first
"""Turns to call services outside."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from ...ports.storage import Store
from ...ports.turns import Turn
from .aids import LATER, NOW, at_once

SECOND = timedelta(seconds=1)


class TurnsContract:
    """Turns by the name of an account."""

    def test_turn_has_one_holder(self, store: Store) -> None:
        """Of eight that want it at once, one gets it; another account's turn is another one."""

        def take(holder: str) -> bool:
            with store.writing() as tx:
                return tx.turns.take("github:1", holder, NOW, LATER)

        got = at_once([partial(take, str(number)) for number in range(8)])
        with store.writing() as tx:
            other = tx.turns.take("github:2", "9", NOW, LATER)

        assert (1, True) == (sum(got), other)

    def test_turn_comes_after_the_pause(self, store: Store) -> None:
        """Given back, it is free again at the time that was said; only its holder gives it back."""
        with store.writing() as tx:
            tx.turns.take("github:1", "a", NOW, LATER)
            tx.turns.give_back("github:1", "b", NOW, NOW)
            held = tx.turns.take("github:1", "b", NOW, LATER)
            tx.turns.give_back("github:1", "a", NOW, NOW + SECOND)
            early = tx.turns.take("github:1", "b", NOW, LATER)
            late = tx.turns.take("github:1", "b", NOW + SECOND, LATER)

        assert (False, False, True) == (held, early, late)

    def test_turn_of_the_silent_is_taken(self, store: Store) -> None:
        """Who falls silent keeps nobody waiting for good."""
        with store.writing() as tx:
            tx.turns.take("github:1", "a", NOW, NOW + SECOND)

            assert tx.turns.take("github:1", "b", NOW + SECOND, LATER)

    def test_closed_turns_stay_closed(self, store: Store) -> None:
        """The word that goes furthest stands; strikes count up, and end."""
        with store.writing() as tx:
            tx.turns.close("github:1", NOW, LATER)
            tx.turns.close("github:1", NOW, NOW + SECOND)
            strikes = [tx.turns.strike("github:1", NOW) for _ in range(2)]
            known = tx.turns.get("github:1")
            tx.turns.calm("github:1")
            calm, none = tx.turns.get("github:1"), tx.turns.get("github:2")

        assert Turn(busy_until=NOW, free_at=NOW, closed_until=LATER, strikes=2) == known
        assert ([1, 2], 0, None) == (strikes, calm and calm.strikes, none)
