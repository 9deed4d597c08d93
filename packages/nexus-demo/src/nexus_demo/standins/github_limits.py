"""GitHub's limits at the stand-in: how fast it may be called, and what it says of that."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

WRITES = frozenset({"POST", "PATCH", "PUT", "DELETE"})


class Limits:
    """Watches over the calls: what GitHub asks for and is not done is a violation, kept in words."""

    def __init__(self) -> None:
        self.apart = 0.0  #: seconds that are to lie between the end of a writing call and the next one; 0 = not watched
        self.budget: int | None = None  #: calls that are left; None = plenty
        self.reset_in = 60.0  #: seconds
        self.silent_until = 0.0  #: before, any call is a violation: GitHub had asked to be left alone
        self.violations: list[str] = []
        self._lock = threading.Lock()
        self._writing = 0
        self._ended = 0.0

    def begin(self, method: str, path: str) -> None:
        """A call comes in."""
        now = time.monotonic()
        with self._lock:
            if now < self.silent_until:
                self.violations.append(f"{method} {path} came {self.silent_until - now:.1f} s before it may")
            if method not in WRITES or path.endswith("/access_tokens") or not self.apart:
                return
            if self._writing:
                self.violations.append(f"{method} {path} came beside another writing call")
            elif now - self._ended < self.apart:
                self.violations.append(f"{method} {path} came {now - self._ended:.2f} s after another writing call")
            self._writing += 1

    def end(self, method: str, path: str) -> None:
        """A call was answered."""
        if method in WRITES and not path.endswith("/access_tokens") and self.apart:
            with self._lock:
                self._writing, self._ended = self._writing - 1, time.monotonic()

    def leave_alone(self, seconds: float) -> None:
        """From now on, calls within these seconds are violations."""
        self.silent_until = time.monotonic() + seconds

    def spend(self) -> bool:
        """Count a call; false when none is left."""
        with self._lock:
            if self.budget is None:
                return True
            self.budget -= 1
            return self.budget >= 0

    def headers(self) -> Mapping[str, str]:
        """What GitHub says of its limits with each answer."""
        if self.budget is None:
            return {}
        reset = str(int(time.time() + self.reset_in))
        return {
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": str(max(self.budget, 0)),
            "X-RateLimit-Reset": reset,
        }
