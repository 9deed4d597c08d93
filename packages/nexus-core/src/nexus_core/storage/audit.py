"""Seals, alerts and failures in SQL."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ..clock import to_text
from ..domain.alerts import Raised
from ..domain.sealing import Record, Seal
from ..ports.audit import Link
from . import rows
from .canonical import record_of
from .session import Row, SqlSession

_SEAL = 4  #: columns of a seal, before those of its event


class SqlAudit:
    """The chain over the events, the alerts that were raised, and when jobs failed."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def head(self) -> Seal | None:
        """The last seal."""
        return _seal(self._session.one("head_of_seals"))

    def seal_at(self, place: int) -> Seal | None:
        """One seal."""
        return _seal(self._session.one("get_seal", place=place))

    def unsealed(self, after: Seal | None, limit: int) -> builtins.list[Record]:
        """The events that follow in the feed, as far as no open transaction can come before them."""
        return [record_of(row) for row in self._session.tuples("list_unsealed", **_place(after), limit=limit)]

    def waiting(self, after: Seal | None, limit: int) -> tuple[int, datetime | None]:
        """How many events follow in the feed (counted up to `limit`), and when the first of them was written."""
        row = self._session.one("count_unsealed", **_place(after), limit=limit)
        return (int(row["number"]), rows.maybe_at(row["first"])) if row else (0, None)

    def add_seals(self, seals: Sequence[Seal]) -> None:
        """Go on with the chain."""
        self._session.insert(
            "insert_seal",
            [{"place": one.place, "event_id": one.event_id, "xid": one.xid, "hash": one.hash} for one in seals],
        )

    def links(self, after: int, limit: int) -> builtins.list[Link]:
        """The chain after a place."""
        found = self._session.tuples("list_links", after=after, limit=limit)
        return [Link(_seal_of(row), None if row[_SEAL] is None else record_of(row[_SEAL:])) for row in found]

    def unsealed_between(self, after: Seal | None, last: Seal) -> int | None:
        """The first event that stands between two sealed ones in the feed and has no seal."""
        start = {f"after_{name}": value for name, value in _place(after).items()}
        row = self._session.one("find_unsealed_between", **start, xid=last.xid, id=last.event_id)
        return None if row is None else int(row["id"])

    def note_failure(self, kind: str, now: datetime) -> None:
        """A job of this kind failed."""
        self._session.later("insert_job_failure", kind=kind, now=to_text(now))

    def failures(self, since: datetime) -> dict[str, int]:
        """How often jobs failed since, by kind."""
        found = self._session.all("count_job_failures", since=to_text(since))
        return {row["kind"]: int(row["number"]) for row in found}

    def forget_failures(self, before: datetime) -> None:
        """Clear away what alerts no longer look at."""
        self._session.later("forget_job_failures", before=to_text(before))

    def alerts(self) -> builtins.list[Raised]:
        """Every alert that was raised, by rule and source, the last time of each."""
        return [
            Raised(row["rule"], row["source"], rows.at(row["raised_at"]), bool(row["is_open"]))
            for row in self._session.all("list_alerts")
        ]

    def take_alert(self, rule: str, source: str, now: datetime, quiet_since: datetime) -> bool:
        """Whether it is for the caller to raise this alert: nobody did since `quiet_since`."""
        given = {"rule": rule, "source": source, "now": to_text(now), "quiet_since": to_text(quiet_since)}
        return self._session.run("take_alert", **given) > 0

    def forget_alerts(self, before: datetime) -> None:
        """Clear away those that are closed and were raised before."""
        self._session.later("forget_alerts", before=to_text(before))

    def close_alert(self, rule: str, source: str) -> bool:
        """Whether it is for the caller to say that the alert's cause is over."""
        return self._session.run("close_alert", rule=rule, source=source) > 0


def _place(after: Seal | None) -> dict[str, int]:
    """Where the feed goes on."""
    return {"xid": -1, "id": -(2**63)} if after is None else {"xid": after.xid, "id": after.event_id}


def _seal(row: Row | None) -> Seal | None:
    return None if row is None else _seal_of((row["place"], row["event_id"], row["xid"], row["hash"]))


def _seal_of(row: Sequence[Any]) -> Seal:
    place, event_id, xid, hash_ = row[:_SEAL]
    return Seal(place=place, event_id=event_id, xid=xid, hash=bytes(hash_) if isinstance(hash_, bytes) else b"")
