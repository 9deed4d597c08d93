"""Requests that may be repeated take effect once, and are answered alike each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from ..domain.answers import Attempt, Remembered
from ..errors import AnswerLost, Contention, InFlight, KeyReused
from .work import UnitOfWork, Work, besides

KEPT = timedelta(hours=24)
SILENT = timedelta(minutes=1)
"""After so long without an answer, whoever worked on a request is taken for dead, and the next one may try."""
_AT_ONCE = 2000


class AnswerService:
    """What is remembered of requests that carry a key of their sender's choice."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    def begin(self, attempt: Attempt) -> Remembered | None:
        """Begin a request; the answer that it had before, when it had one.

        :raises KeyReused: the key came with another request before
        :raises InFlight: the same request is being worked on
        :raises AnswerLost: it took effect, but nobody knows its answer
        """

        def action(work: Work) -> Remembered | None:
            if work.answers.begin(attempt, work.now):
                return None
            known = work.answers.get(attempt.asker, attempt.key_hash)
            if known is None:  # forgotten between the two statements
                raise Contention
            if known.fingerprint != attempt.fingerprint:
                raise KeyReused
            if known.status is not None:
                return known
            silent_since = work.now - SILENT
            if known.applied and known.begun_at <= silent_since:
                raise AnswerLost
            if not work.answers.take_over(attempt, work.now, silent_since):
                raise InFlight
            return None

        return self._unit.write(action)

    @contextmanager
    def applying(self, attempt: Attempt) -> Iterator[None]:
        """Within this block, each transaction that commits notes that the request took effect."""

        def note(work: Work) -> None:
            if not work.answers.apply(attempt):
                raise InFlight

        before = besides.set(note)
        try:
            yield
        finally:
            besides.reset(before)

    def finish(self, attempt: Attempt, status: int, answer: bytes) -> None:
        """Remember the answer for those who repeat the request."""
        self._unit.write(lambda work: work.answers.finish(attempt, status, answer))

    def fail(self, attempt: Attempt, status: int, answer: bytes) -> None:
        """The request failed for a reason that may pass: forget it, unless it took effect nevertheless.

        Then this is what those who repeat it are answered.
        """

        def action(work: Work) -> None:
            if not work.answers.drop(attempt):
                work.answers.finish(attempt, status, answer)

        self._unit.write(action)

    def prune(self) -> int:
        """Forget what is older than a day; how many they were."""
        total = 0
        while True:
            pruned = self._unit.write(lambda work: work.answers.prune(work.now - KEPT, _AT_ONCE))
            total += pruned
            if pruned < _AT_ONCE:
                return total
