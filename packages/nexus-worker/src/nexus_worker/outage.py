"""Something that is down for a while: said once when it goes, once when it is back, and waited for."""

from __future__ import annotations

import logging
import threading

FIRST_WAIT = 0.25
LONGEST_WAIT = 10.0


class Outage:
    """The state of one thing that may be down."""

    def __init__(self, what: str, log: logging.Logger) -> None:
        self._what = what
        self._log = log
        self._lock = threading.Lock()
        self._wait = 0.0

    @property
    def is_over(self) -> bool:
        """Whether the thing works, as far as is known."""
        return self._wait == 0.0

    def failed(self, error: Exception) -> float:
        """Note a failure; how many seconds to wait before the next attempt."""
        with self._lock:
            if self._wait == 0.0:
                self._log.warning("%s: %s; trying again", self._what, error)
            self._wait = min(self._wait * 2, LONGEST_WAIT) or FIRST_WAIT
            return self._wait

    def over(self) -> None:
        """Note that it works."""
        with self._lock:
            if self._wait:
                self._log.info("%s: works again", self._what)
            self._wait = 0.0
