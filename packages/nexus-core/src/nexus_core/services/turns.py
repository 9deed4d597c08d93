"""Turns: calls to a service outside, one at a time and apart, whichever process makes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from ..ports.turns import Turn
from .work import UnitOfWork, Work


class TurnService:
    """For plugins whose service counts how fast it is called. Times are in seconds; names are the plugin's own."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    def take(self, name: str, holder: str, *, hold: float) -> float:
        """Take the turn to write: 0 = it is the holder's; else after how many seconds to ask again.

        It has to be given back; from who does not, it is taken after `hold` seconds.
        """

        def action(work: Work) -> tuple[bool, Turn | None, datetime]:
            taken = work.turns.take(name, holder, work.now, work.now + timedelta(seconds=hold))
            return taken, work.turns.get(name), work.now

        taken, known, now = self._unit.write(action)
        if taken or known is None:
            return 0.0
        # Who is at it now is through soon, as a rule; only a dead one takes its whole time.
        return _until(known.free_at, now) if known.busy_until <= now else min(0.1, _until(known.busy_until, now))

    def give_back(self, name: str, holder: str, *, pause: float) -> None:
        """The call has ended; the next one may begin after the pause."""
        wait = timedelta(seconds=pause)
        self._unit.write(lambda work: work.turns.give_back(name, holder, work.now, work.now + wait))

    def close(self, name: str, seconds: float) -> None:
        """Let nobody call for so long, because the service wants it."""
        wait = timedelta(seconds=seconds)
        self._unit.write(lambda work: work.turns.close(name, work.now, work.now + wait))

    def strike(self, name: str) -> int:
        """Count a limit; how many they are in a row."""
        return self._unit.write(lambda work: work.turns.strike(name, work.now))

    def calm(self, name: str, quiet: Callable[[int], float]) -> None:
        """The service answered as usual. The row of limits has ended when it has been so for long enough.

        `quiet` says how long after so many strikes, in seconds, from when calls were allowed again.
        """
        known = self._unit.glance().turns.get(name)
        if known is None or not known.strikes:
            return
        if self._unit.clock.now() > known.closed_until + timedelta(seconds=quiet(known.strikes)):
            self._unit.write(lambda work: work.turns.calm(name))

    def closed_for(self, name: str) -> float:
        """For how many seconds nobody may call; 0 = anybody may."""
        known = self._unit.glance().turns.get(name)
        return 0.0 if known is None else _until(known.closed_until, self._unit.clock.now())


def _until(at: datetime, now: datetime) -> float:
    return max(0.0, (at - now).total_seconds())
