"""Passes on what an agent prints: in few activities, without secrets, and never more than can be kept."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable

import attrs

from nexus_core.domain.agents import ActivityType
from nexus_core.errors import Unavailable

from .transcript import BODY_LIMIT, Said, Transcript, clean

_AT_ONCE = 4  # activities of one round
_LOG = logging.getLogger("nexus.plugins.agents")


class Pace:
    """Calls a function every so many seconds, and bears it when the hub cannot be reached."""

    def __init__(self, every: float, call: Callable[[], None]) -> None:
        self._every, self._call = every, call
        self._next = time.monotonic() + every

    def tick(self) -> None:
        """Call it, if it is time."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._every
        try:
            self._call()
        except Unavailable as error:
            _LOG.warning("the hub cannot be reached; the agent goes on: %s", error.message)


@attrs.define
class Dropped:
    """What was not kept of the output."""

    lines: int = 0
    size: int = 0


class Reporter:
    """Takes the lines of an agent and reports them."""

    def __init__(
        self,
        report: Callable[[ActivityType, str], None],
        transcript: Transcript,
        *,
        secrets: tuple[str, ...],
        limit: int,
    ) -> None:
        self._report, self._transcript, self._secrets = report, transcript, secrets
        self._room = limit
        self._pending: deque[Said] = deque()
        self._tail: deque[str] = deque(maxlen=5)
        self.dropped = Dropped()

    @property
    def is_flooded(self) -> bool:
        """Whether more came than is kept."""
        return self._room <= 0

    @property
    def tail(self) -> str:
        """The last lines, in one."""
        return " | ".join(self._tail)

    def line(self, text: str) -> None:
        """Take a line of output."""
        if self._room <= 0 and not text.startswith("{"):
            self._drop(text)
            self._tail.append(clean(self.redacted(text[:200])))
            return
        for said in self._transcript.read(self.redacted(text)):
            self._tail.append(" ".join(said.body.split())[-300:])
            if said.type in (ActivityType.RESPONSE, ActivityType.ERROR) or self._room > 0:
                self._room -= len(said.body.encode()) + 1
                self._add(said)
            else:
                self._drop(text)

    def redacted(self, text: str) -> str:
        """The text without the values that the agent was given as secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "[redacted]")
        return text

    def flush(self) -> None:
        """Report the first of what waits."""
        for _ in range(min(_AT_ONCE, len(self._pending))):
            said = self._pending[0]
            self._report(said.type, said.body)
            self._pending.popleft()

    def finish(self) -> None:
        """Report all that waits, and how much was not kept."""
        if self.dropped.lines:
            note = f"… {self.dropped.lines} more lines ({self.dropped.size} bytes) were not kept"
            self._pending.append(Said(ActivityType.ACTION, note))
        try:
            while self._pending:
                self.flush()
        except Unavailable as error:
            _LOG.warning("the last words of an agent were lost: %s", error.message)

    def _drop(self, text: str) -> None:
        self.dropped.lines += 1
        self.dropped.size += len(text.encode("utf-8", "replace")) + 1

    def _add(self, said: Said) -> None:
        last = self._pending[-1] if self._pending else None
        fits = last is not None and len(last.body) + len(said.body) < BODY_LIMIT
        if last is not None and fits and last.type == said.type == ActivityType.ACTION:
            self._pending[-1] = Said(said.type, f"{last.body}\n{said.body}")
        else:
            self._pending.append(said)
