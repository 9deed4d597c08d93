"""Answers to requests that may be repeated, in SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..clock import to_text
from ..domain.answers import Attempt, Remembered
from . import rows
from .session import SqlSession


class SqlAnswers:
    """Requests by who asked and by their key, with their answers."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def begin(self, attempt: Attempt, now: datetime) -> bool:
        """Note that a request is being worked on; false when its key is known already."""
        named = _named(attempt, fingerprint=attempt.fingerprint, now=to_text(now))
        return self._session.one("begin_answer", **named) is not None

    def get(self, asker: str, key_hash: str) -> Remembered | None:
        """What is known under a key."""
        row = self._session.one("get_answer", asker=asker, key_hash=key_hash)
        if row is None:
            return None
        return Remembered(
            fingerprint=row["fingerprint"], applied=bool(row["applied"]), status=row["status"],
            answer=None if row["answer"] is None else bytes(row["answer"]), begun_at=rows.at(row["begun_at"]),
        )  # fmt: skip

    def take_over(self, attempt: Attempt, now: datetime, silent_since: datetime) -> bool:
        """Begin anew what was begun before that time, has no answer and took no effect; false when it is not so."""
        named = _named(attempt, now=to_text(now), silent_since=to_text(silent_since))
        return self._session.one("take_over_answer", **named) is not None

    def apply(self, attempt: Attempt) -> bool:
        """Note, in the transaction of the effect, that it took effect; false when another try took over."""
        return bool(self._session.run("apply_answer", **_named(attempt)))

    def finish(self, attempt: Attempt, status: int, answer: bytes) -> None:
        """Remember the answer."""
        self._session.later("finish_answer", **_named(attempt, status=status, answer=answer))

    def drop(self, attempt: Attempt) -> bool:
        """Forget a request that took no effect; false when it did."""
        return bool(self._session.run("drop_answer", **_named(attempt)))

    def prune(self, before: datetime, limit: int) -> int:
        """Forget so many of those that came before that time; how many they were."""
        return self._session.run("prune_answers", before=to_text(before), limit=limit)

    def count(self, who: str, period: int, number: int, now: datetime) -> int:
        """Add to what one has asked for in a period; what it is with what others added."""
        row = self._session.one("count_towards_limit", who=who, period=period, number=number, now=to_text(now))
        assert row is not None  # noqa: S101 - RETURNING answers a row, or the statement raises
        return int(row["used"])

    def prune_counts(self, before: datetime) -> int:
        """Forget what was counted before that time; how many they were."""
        return self._session.run("prune_limits", before=to_text(before))


def _named(attempt: Attempt, **more: Any) -> dict[str, Any]:
    return {"asker": attempt.asker, "key_hash": attempt.key_hash, "token": attempt.token, **more}
