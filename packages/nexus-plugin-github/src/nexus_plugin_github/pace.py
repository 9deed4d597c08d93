"""How fast GitHub may be called: one writing call at a time, a pause after each, and silence when it asks for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

import attrs

from nexus_core.errors import Unavailable

SHORTEST_WAIT: Final = 60.0  #: seconds; what GitHub asks for when it does not say how long
LONGEST_WAIT: Final = 3600.0  #: seconds; its limits are by the hour
LONGEST_TURN: Final = 3.0  #: seconds that a call waits for its turn itself; beyond, its job is put off
HOLD: Final = 15.0  #: seconds after which a turn is taken from who fell silent; GitHub ends a call after ten itself


def growing(strikes: int) -> float:
    """The wait in seconds after so many limits in a row, when GitHub does not say how long.

    >>> growing(1), growing(2), growing(50)
    (60.0, 120.0, 3600.0)
    """
    return min(SHORTEST_WAIT * float(2 ** min(max(strikes - 1, 0), 10)), LONGEST_WAIT)


class Pace(Protocol):
    """The pace of all who call one GitHub as one account or installation."""

    def closed_for(self) -> float:
        """For how many seconds GitHub wants no call at all; 0 = it takes them."""
        ...

    def take(self) -> float:
        """Take the turn to write: 0 = it is ours; else after how many seconds to ask again."""
        ...

    def give_back(self) -> None:
        """The writing call has ended; the next one may begin after the pause."""
        ...

    def close(self, seconds: float | None) -> float:
        """GitHub limits us, for so long (None: it does not say). For how many seconds it is left alone now.

        Where it does not say, the wait grows with each limit in a row.
        """
        ...

    def calm(self) -> None:
        """An answer came that was no limit. The row has ended when it has been so for as long as the last wait.

        Not at once: a call that reads works while those that write are limited.
        """
        ...


@attrs.define
class _State:
    free_at: float = 0.0
    closed_until: float = 0.0
    strikes: int = 0
    busy_until: float = 0.0


class LocalPace:
    """The pace within this process, for those that have no hub."""

    _known: dict[str, _State] = {}  # noqa: RUF012 - shared on purpose: an account has one pace
    _lock = threading.Lock()

    def __init__(self, name: str, pause: float, clock: Callable[[], float] = time.monotonic) -> None:
        with self._lock:
            self._state = self._known.setdefault(name, _State())
        self._pause = pause
        self._clock = clock

    def closed_for(self) -> float:
        """For how many seconds GitHub wants no call at all; 0 = it takes them."""
        return max(0.0, self._state.closed_until - self._clock())

    def take(self) -> float:
        """Take the turn to write: 0 = it is ours; else after how many seconds to ask again."""
        now, state = self._clock(), self._state
        with self._lock:
            if state.busy_until > now:
                return 0.05
            if state.free_at > now:
                return state.free_at - now
            state.busy_until = now + HOLD
            return 0.0

    def give_back(self) -> None:
        """The writing call has ended; the next one may begin after the pause."""
        with self._lock:
            self._state.busy_until, self._state.free_at = 0.0, self._clock() + self._pause

    def close(self, seconds: float | None) -> float:
        """GitHub limits us, for so long (None: it does not say). For how many seconds it is left alone now."""
        with self._lock:
            self._state.strikes += seconds is None
            wait = growing(self._state.strikes) if seconds is None else seconds
            self._state.closed_until = max(self._state.closed_until, self._clock() + wait)
        return wait

    def calm(self) -> None:
        """An answer came that was no limit. The row has ended when it has been so for as long as the last wait."""
        with self._lock:
            if self._clock() > self._state.closed_until + growing(self._state.strikes):
                self._state.strikes = 0


@contextmanager
def turn(pace: Pace) -> Iterator[None]:
    """The turn of one writing call. It is waited for a little while only.

    :raises Unavailable: the turn does not come soon; `details["wait"]` says when to ask again, in seconds
    """
    give_up = time.monotonic() + LONGEST_TURN
    while (wait := pace.take()) > 0:
        if time.monotonic() + wait > give_up:
            raise Unavailable("other calls to GitHub come first", wait=max(wait, 1.0))
        time.sleep(wait)
    try:
        yield
    finally:
        pace.give_back()


def check_open(pace: Pace, what: str) -> None:
    """Refuse to call while GitHub wants to be left alone.

    :raises Unavailable: with `details["wait"]`, in seconds
    """
    if (wait := pace.closed_for()) > 0:
        raise Unavailable(f"GitHub asked to be left alone for another {wait:.0f} s ({what})", wait=wait)
