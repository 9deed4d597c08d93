"""What becomes of deliveries while the store is away: they are spooled, and stored when it is back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from time import monotonic

from ..clock import Clock, SystemClock
from ..domain.access import Actor
from ..domain.deliveries import VerifiedDelivery
from ..errors import Contention, Unavailable
from ..ports.patience import within
from ..ports.spool import Spool, Spooled, SpoolState

SECONDS = 2.0
"""How long the sender of a delivery waits for the store before its delivery is spooled."""

AWAY_SECONDS = 1.0
"""How long the store is not asked again after it failed; then one delivery tries, and the others do not wait for it.

In a process that drains the spool all the time, none has to: to store what was spooled is the trial there.
"""

DRAIN_SECONDS = 10.0
"""How long a spooled delivery may take to be stored."""

DRAINED_SECONDS = DRAIN_SECONDS + 5.0
"""So long after it last looked after the spool, a process is taken to do so all the time."""

log = logging.getLogger("nexus.spool")


class Intake:
    """Knows whether the store is there, and keeps what it cannot take."""

    def __init__(self, spool: Spool, clock: Clock) -> None:
        self._spool = spool
        self._clock = clock
        self._lock = threading.Lock()
        self._away = False
        self._again = 0.0  #: when the store is tried again, by the monotonic clock
        self._drained = -DRAINED_SECONDS  #: when this process last looked after the spool

    @contextmanager
    def patience(self) -> Iterator[bool]:
        """The time that an answer may take; whether the store is to be tried."""
        tries = self._may_try()
        with within(SECONDS if tries else 0.0):
            yield tries

    def _may_try(self) -> bool:
        if not self._away:
            return True
        with self._lock:
            now = monotonic()
            if now < self._again or now - self._drained < DRAINED_SECONDS:
                return False
            self._again = now + SECONDS + AWAY_SECONDS  # the others go on without it while this one finds out
            return True

    def failed(self, error: Unavailable) -> None:
        """The store did not take a delivery; one that others hold up is no store that is away."""
        if isinstance(error, Contention):
            return
        with self._lock:
            if not self._away:
                log.warning("webhooks are spooled until the store is back: %s", error.message)
            self._away, self._again = True, monotonic() + AWAY_SECONDS

    def succeeded(self) -> None:
        """The store took a delivery."""
        if self._away:
            with self._lock:
                self._away = False
            log.warning("the store is back; spooled webhooks are stored now")

    def keep(self, verified: VerifiedDelivery, actor: Actor) -> None:
        """Spool a delivery. :raises Unavailable: that is not possible either"""
        self._spool.put(
            Spooled(delivery=verified, received_at=self._now(), address=actor.address, request_id=actor.request_id)
        )

    @contextmanager
    def without_store(self) -> Iterator[None]:
        """What asks the store here is told at once that it is away."""
        with within(0.0):
            yield

    def _now(self) -> datetime:
        """The hub's time, as far as it is known without the store."""
        try:
            with self.without_store():
                return self._clock.now()
        except Unavailable:
            return SystemClock().now()

    def drain(self, store: Callable[[Spooled], object], look: Callable[[], object]) -> int:
        """Store what waits; `look` finds out whether the store is there when nothing does.

        :raises Unavailable: the store is away
        """
        self._drained = monotonic()

        def one(spooled: Spooled) -> None:
            with within(DRAIN_SECONDS):
                store(spooled)
            self.succeeded()

        stored = self._spool.drain(one)
        if self._away:  # another process was quicker, so that there was nothing to find it out by
            with within(DRAIN_SECONDS):
                look()
            self.succeeded()
        if stored:
            log.info("%s spooled webhooks were stored", stored)
        return stored

    def state(self) -> SpoolState:
        """How much waits."""
        return self._spool.state()
