"""Deliveries: webhook requests, verified and not."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs


class DeliveryState(enum.StrEnum):
    """What has become of a delivery."""

    RECEIVED = "received"
    DONE = "done"
    IGNORED = "ignored"
    FAILED = "failed"
    REPLAY = "replay"


@attrs.frozen(kw_only=True)
class VerifiedDelivery:
    """A delivery whose signature was right. Only a source's `verify` makes one."""

    source: str
    id: str  #: the sender's unique id
    kind: str  #: such as `pull_request.closed`
    body: bytes = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)  #: lower-case names; only what is kept
    subject: str | None = None  #: deliveries of one subject are handled in order
    #: What makes two deliveries the same although their ids differ (a replay); None = the id alone decides.
    fingerprint: str | None = None
    matters: bool = True  #: false: it is put on record as ignored, without a job, for nothing can follow from it


@attrs.frozen(kw_only=True)
class Delivery:
    """A stored delivery."""

    id: int
    source: str
    delivery_id: str
    kind: str
    state: DeliveryState
    created_at: datetime
    body: bytes = attrs.field(default=b"", repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    subject: str | None = None
    error: str | None = None
    handled_at: datetime | None = None


@attrs.frozen(kw_only=True)
class Reply:
    """What a source answers to its sender at once, such as Slack to a slash command."""

    status: int = 200
    body: Any = None  #: JSON, or text
    content_type: str = "application/json"
