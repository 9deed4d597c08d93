"""One file of the spool: a line that says what it is, with a sum over the rest; a line of JSON; the body as it came."""

from __future__ import annotations

import hashlib
import json

import attrs

from ..clock import from_text, to_text
from ..domain.deliveries import VerifiedDelivery
from ..ports.spool import Spooled

_MARK = b"nexus-spool 1 "


class NotOurs(Exception):
    """The file is not whole, or is none of ours."""


def pack(spooled: Spooled) -> bytes:
    """A delivery as a file's content."""
    delivery = attrs.asdict(spooled.delivery, filter=attrs.filters.exclude("body"))
    head = {
        "delivery": {**delivery, "headers": dict(spooled.delivery.headers)},
        "received_at": to_text(spooled.received_at),
        "address": spooled.address,
        "request_id": spooled.request_id,
    }
    rest = json.dumps(head).encode() + b"\n" + spooled.delivery.body
    return _MARK + hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


def unpack(content: bytes) -> Spooled:
    """The delivery in a file's content. :raises NotOurs: with the reason"""
    mark, _, rest = content.partition(b"\n")
    if not mark.startswith(_MARK):
        raise NotOurs("it does not begin as the spool's files do")
    if mark[len(_MARK) :] != hashlib.sha256(rest).hexdigest().encode():
        raise NotOurs("it is torn: its sum is not that of its content")
    line, _, body = rest.partition(b"\n")
    try:
        head = json.loads(line)
        return Spooled(
            delivery=VerifiedDelivery(body=body, **head["delivery"]), received_at=from_text(head["received_at"]),
            address=head["address"], request_id=head["request_id"],
        )  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        raise NotOurs(f"its head cannot be read: {type(error).__name__}") from None
