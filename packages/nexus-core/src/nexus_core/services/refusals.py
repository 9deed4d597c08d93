"""Refusals on record: each by itself while they are few, counted together by where they come from when they are many.

Anybody on the network can cause refusals, so they must not fill the table; and the audit must not lose one either.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ..domain.access import Actor
from ..domain.events import Event
from ..errors import NexusError
from .work import UnitOfWork, Work

ALONE = 60
"""How many refusals a minute each process records by themselves …"""

ALONE_EACH = 20
"""… and of them from one address, so that none drowns the others."""

TOGETHER_SECONDS = 10.0
"""How long those beyond are counted before an event says how many there were."""

GROUPS = 500
"""How many groups are counted at once; what comes from yet more addresses is counted as from `others`."""

OTHERS = "others"
log = logging.getLogger("nexus.audit")


@attrs.frozen
class _Refusal:
    kind: type[Event]
    actor: Actor
    payload: Mapping[str, Any]

    @property
    def group(self) -> tuple[object, ...]:
        """What is counted together: the same refusal of the same principal from the same address."""
        said = (self.payload.get(name) for name in ("address", "source", "code", "key_given"))
        return (self.kind, self.actor.kind, self.actor.name, *said)


class Refusals:
    """Puts refusals on record."""

    def __init__(self, unit: UnitOfWork, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._unit = unit
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._minute = -1
        self._alone: Counter[str] = Counter()  #: of this minute, by address
        self._together: dict[tuple[object, ...], tuple[_Refusal, int]] = {}
        self._timer: threading.Timer | None = None

    def note(self, kind: type[Event], *, actor: Actor, address: str, **payload: Any) -> None:
        """Put a refusal on record, now or within seconds. What cannot be written now is counted, and written later."""
        refusal = _Refusal(kind, actor, {**payload, "address": address})
        if not self._may_stand_alone(address) or not self._written([(refusal, 1)]):
            self._count(refusal, 1)

    def flush(self) -> None:
        """Write how many were counted, an event a group."""
        with self._lock:
            together, self._together, self._timer = self._together, {}, None
        if together and not self._written(list(together.values())):
            for refusal, times in together.values():
                self._count(refusal, times)

    def close(self) -> None:
        """Write what was counted; nothing is counted on."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
        self.flush()
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()

    def _may_stand_alone(self, address: str) -> bool:
        with self._lock:
            minute = int(self._monotonic() // 60)
            if minute != self._minute:
                self._minute, self._alone = minute, Counter()
            if self._alone.total() >= ALONE or self._alone[address] >= ALONE_EACH:
                return False
            self._alone[address] += 1
            return True

    def _count(self, refusal: _Refusal, times: int) -> None:
        with self._lock:
            if refusal.group not in self._together and len(self._together) >= GROUPS:
                refusal = _of_others(refusal)
            before = self._together[refusal.group][1] if refusal.group in self._together else 0
            self._together[refusal.group] = (refusal, before + times)
            if self._timer is None:
                self._timer = threading.Timer(TOGETHER_SECONDS, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def _written(self, refusals: list[tuple[_Refusal, int]]) -> bool:
        def action(work: Work) -> None:
            for refusal, times in refusals:
                many: dict[str, Any] = {"times": times} if times > 1 else {}
                work.record(refusal.kind, actor=refusal.actor, **refusal.payload, **many)

        try:
            self._unit.write(action)
        except NexusError as error:
            log.warning("refusals could not be recorded and are counted: %s", error.message)
            return False
        return True


def _of_others(refusal: _Refusal) -> _Refusal:
    actor = attrs.evolve(refusal.actor, address=OTHERS, request_id=None)
    return attrs.evolve(refusal, actor=actor, payload={**refusal.payload, "address": OTHERS})
