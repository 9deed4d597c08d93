"""Deliveries in SQL."""

from __future__ import annotations

import builtins
from datetime import datetime

from ..clock import to_text
from ..domain.deliveries import Delivery, DeliveryState, VerifiedDelivery
from ..errors import NotFound
from . import rows
from .session import Row, SqlSession


class SqlDeliveries:
    """Webhooks as they came."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def add(self, delivery: VerifiedDelivery, now: datetime) -> tuple[int, DeliveryState] | None:
        """Store a delivery, as a replay when its content came under another id; None when the sender's id is there."""
        if delivery.fingerprint is not None:  # who else brings the same waits until we have ended
            self._session.one("lock_fingerprint", fingerprint=delivery.fingerprint)
        row = self._session.one(
            "insert_delivery", source=delivery.source, delivery_id=delivery.id, kind=delivery.kind,
            fingerprint=delivery.fingerprint, subject=delivery.subject, headers=rows.to_json(dict(delivery.headers)),
            body=delivery.body, now=to_text(now),
            state=str(DeliveryState.RECEIVED if delivery.matters else DeliveryState.IGNORED),
            handled_at=None if delivery.matters else to_text(now),
        )  # fmt: skip
        return None if row is None else (int(row["id"]), DeliveryState(row["state"]))

    def find(self, source: str, delivery_id: str) -> Delivery | None:
        """By the sender's id."""
        row = self._session.one("find_delivery", source=source, delivery_id=delivery_id)
        return None if row is None else _delivery(row)

    def get(self, delivery_id: int) -> Delivery:
        """One, with its body."""
        row = self._session.one("get_delivery", id=delivery_id) if abs(delivery_id) < 2**63 else None
        if row is None:
            raise NotFound(f"there is no delivery {delivery_id}")
        return _delivery(row)

    def list(self, *, source: str | None, state: str | None, after: int, limit: int) -> builtins.list[Delivery]:
        """The newest first, without bodies."""
        before = after or 2**63 - 1  # a comparison alone, so that the index leads to the place
        found = self._session.all("list_deliveries", source=source, state=state, before_id=before, limit=limit)
        return [_delivery(row) for row in found]

    def settle(self, delivery_id: int, state: DeliveryState, error: str | None, now: datetime) -> None:
        """Say what became of it."""
        self._session.later("settle_delivery", id=delivery_id, state=str(state), error=error, now=to_text(now))

    def forget(self, before: datetime, *, after: int, size: int) -> tuple[int, int | None]:
        """Forget those that were handled before that time, among the next so many after an id.

        How many they were, and the last id that was looked at; None when the rest is younger.
        """
        page = self._session.one("page_of_deliveries", after=after, size=size)
        if page is None or page["last"] is None or rows.at(page["oldest"]) >= before:
            return 0, None
        last = int(page["last"])
        return self._session.run("forget_deliveries", after=after, last=last, before=to_text(before)), last


def _delivery(row: Row) -> Delivery:
    """A delivery; a list leaves body and headers out."""
    fields = dict(row)
    fields.update(
        state=DeliveryState(row["state"]),
        created_at=rows.at(row["created_at"]),
        handled_at=rows.maybe_at(row["handled_at"]),
    )
    if "body" in row:
        fields.update(body=bytes(row["body"]), headers=rows.from_json(row["headers"]))
    return Delivery(**fields)
