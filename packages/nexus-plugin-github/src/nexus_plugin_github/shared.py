"""The pace of a hub: kept in its store, for all of its processes."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from .pace import HOLD, growing

if TYPE_CHECKING:
    from nexus_core.nexus import Nexus


class SharedPace:
    """The pace of all processes of a hub that call GitHub as one account or installation."""

    def __init__(self, nexus: Nexus, name: str, pause: float) -> None:
        self._turns = nexus.turns
        self._name = name
        self._pause = pause
        self._holder = uuid.uuid4().hex

    def closed_for(self) -> float:
        """For how many seconds GitHub wants no call at all; 0 = it takes them."""
        return self._turns.closed_for(self._name)

    def take(self) -> float:
        """Take the turn to write: 0 = it is ours; else after how many seconds to ask again."""
        return self._turns.take(self._name, self._holder, hold=HOLD)

    def give_back(self) -> None:
        """The writing call has ended; the next one may begin after the pause."""
        self._turns.give_back(self._name, self._holder, pause=self._pause)

    def close(self, seconds: float | None) -> float:
        """GitHub limits us, for so long (None: it does not say). For how many seconds it is left alone now."""
        wait = growing(self._turns.strike(self._name)) if seconds is None else seconds
        self._turns.close(self._name, wait)
        return wait

    def calm(self) -> None:
        """An answer came that was no limit. The row has ended when it has been so for as long as the last wait."""
        self._turns.calm(self._name, growing)
