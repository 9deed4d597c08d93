"""The collection of what watches over the events: seals, alerts, failures."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import attrs

from ..domain.alerts import Raised
from ..domain.sealing import Record, Seal


@attrs.frozen
class Link:
    """A seal beside the event that it is of; `record` is None when that event is gone."""

    seal: Seal
    record: Record | None


class Audit(Protocol):
    """The chain over the events, the alerts that were raised, and when jobs failed."""

    def head(self) -> Seal | None:
        """The last seal."""
        ...

    def seal_at(self, place: int) -> Seal | None:
        """One seal."""
        ...

    def unsealed(self, after: Seal | None, limit: int) -> builtins.list[Record]:
        """The events that follow in the feed, as far as no open transaction can come before them."""
        ...

    def waiting(self, after: Seal | None, limit: int) -> tuple[int, datetime | None]:
        """How many events follow in the feed (counted up to `limit`), and when the first of them was written."""
        ...

    def add_seals(self, seals: Sequence[Seal]) -> None:
        """Go on with the chain. :raises Conflict: somebody else did"""
        ...

    def links(self, after: int, limit: int) -> builtins.list[Link]:
        """The chain after a place."""
        ...

    def unsealed_between(self, after: Seal | None, last: Seal) -> int | None:
        """The first event that stands between two sealed ones in the feed and has no seal."""
        ...

    def note_failure(self, kind: str, now: datetime) -> None:
        """A job of this kind failed."""
        ...

    def failures(self, since: datetime) -> dict[str, int]:
        """How often jobs failed since, by kind."""
        ...

    def forget_failures(self, before: datetime) -> None:
        """Clear away what alerts no longer look at."""
        ...

    def alerts(self) -> builtins.list[Raised]:
        """Every alert that was raised, by rule and source, the last time of each."""
        ...

    def take_alert(self, rule: str, source: str, now: datetime, quiet_since: datetime) -> bool:
        """Whether it is for the caller to raise this alert: nobody did since `quiet_since`."""
        ...

    def close_alert(self, rule: str, source: str) -> bool:
        """Whether it is for the caller to say that the alert's cause is over."""
        ...
