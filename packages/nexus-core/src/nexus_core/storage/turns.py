"""Turns to call services outside, in SQL."""

from __future__ import annotations

from datetime import datetime

from ..clock import to_text
from ..ports.turns import Turn
from . import rows
from .session import SqlSession


class SqlTurns:
    """Turns by the name of an account."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def take(self, name: str, holder: str, now: datetime, until: datetime) -> bool:
        """Take the turn when it is free; it is the holder's until it is given back, or until that time."""
        row = self._session.one("take_turn", name=name, holder=holder, now=to_text(now), until=to_text(until))
        return row is not None

    def get(self, name: str) -> Turn | None:
        """How it stands; None = nobody called yet."""
        row = self._session.one("get_turn", name=name)
        if row is None:
            return None
        return Turn(
            busy_until=rows.at(row["busy_until"]), free_at=rows.at(row["free_at"]),
            closed_until=rows.at(row["closed_until"]), strikes=int(row["strikes"]),
        )  # fmt: skip

    def give_back(self, name: str, holder: str, now: datetime, free_at: datetime) -> None:
        """End the holder's turn; the next one may begin at that time."""
        self._session.run("give_turn_back", name=name, holder=holder, now=to_text(now), free_at=to_text(free_at))

    def close(self, name: str, now: datetime, until: datetime) -> None:
        """Let nobody call before that time; an earlier word that goes further stands."""
        self._session.run("close_turn", name=name, now=to_text(now), until=to_text(until))

    def strike(self, name: str, now: datetime) -> int:
        """Count a limit; how many they are in a row."""
        row = self._session.one("strike_turn", name=name, now=to_text(now))
        assert row is not None  # noqa: S101 - RETURNING answers a row, or the statement raises
        return int(row["strikes"])

    def calm(self, name: str) -> None:
        """The row of limits has ended."""
        self._session.run("calm_turn", name=name)
