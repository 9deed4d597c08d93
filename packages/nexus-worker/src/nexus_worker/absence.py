"""Something that is away for so long that people should hear of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from nexus_core.domain.alerts import BROKER_AWAY, STORE_AWAY

if TYPE_CHECKING:
    from nexus_core import Nexus

LONG = 60.0
"""Seconds."""

BROKER = "broker"
STORE = "database"


class Absence:
    """How long one thing has been away."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._since: float | None = None

    def gone(self) -> float:
        """Note that it is away; for how many seconds by now."""
        now = self._monotonic()
        self._since = now if self._since is None else self._since
        return now - self._since

    def back(self) -> float | None:
        """Note that it is there; how many seconds it was away, None when it was not."""
        since, self._since = self._since, None
        return None if since is None else self._monotonic() - since


class Watch:
    """Raises an alert while the broker is away, and after the store was."""

    def __init__(self, nexus: Nexus, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._nexus = nexus
        self._broker = Absence(monotonic)
        self._store = Absence(monotonic)
        self._broker.gone()  # until it is seen, and so that an alert of a worker that died meanwhile is closed

    def broker(self, *, connected: bool) -> None:
        """Look at the connection to the broker. :raises Unavailable: the store is away as well"""
        if not connected:
            if self._broker.gone() > LONG:
                self._nexus.alerts.report(BROKER_AWAY, BROKER)
        elif self._broker.back() is not None:
            self._nexus.alerts.resolve(BROKER_AWAY, BROKER)

    def store_gone(self) -> None:
        """The store does not answer: nothing can be said now."""
        self._store.gone()

    def store_back(self) -> None:
        """The store answers: say that it did not, if that was for long."""
        away = self._store.back()
        if away is not None and away > LONG:
            self._nexus.alerts.report(STORE_AWAY, STORE, detail=f"for {away:.0f} seconds")
            self._nexus.alerts.resolve(STORE_AWAY, STORE)
