"""What is forgotten, and when. Events, and with them the audit, are never."""

from __future__ import annotations

from .work import UnitOfWork, Work

AT_ONCE = 1000
"""Rows that one transaction looks at: writers wait for none of it for long."""


class RetentionService:
    """Forgets what is done with, in small steps."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    def prune(self) -> dict[str, int]:
        """Forget jobs and webhooks that are older than the settings say; how many of each."""
        return {what: self._pruned(what) for what in ("jobs", "deliveries")}

    def _pruned(self, what: str) -> int:
        before = self._unit.clock.now() - self._unit.config[f"retention.{what}"]
        total, after = 0, 0

        def step(work: Work) -> tuple[int, int | None]:
            rows = work.jobs if what == "jobs" else work.deliveries
            return rows.forget(before, after=after, size=AT_ONCE)

        while True:
            number, last = self._unit.write(step)
            total += number
            if last is None:
                return total
            after = last
