"""How much each has asked for, as all hosts counted it together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from .work import UnitOfWork, Work

KEPT = timedelta(minutes=10)


class LimitService:
    """Counts of requests that hosts tell each other."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    def settle(self, counted: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], int]:
        """Add what one host counted, by who and period; what all counted together."""

        def action(work: Work) -> dict[tuple[str, int], int]:
            # In one order, so that hosts which settle at once wait for each other and never in a circle.
            return {key: work.answers.count(*key, number, work.now) for key, number in sorted(counted.items())}

        return self._unit.write(action)

    def prune(self) -> int:
        """Forget periods that are over; how many counts they were."""
        return self._unit.write(lambda work: work.answers.prune_counts(work.now - KEPT))
