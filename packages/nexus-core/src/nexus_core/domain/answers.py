"""Requests that may be repeated: what is remembered of each, so that it takes effect once."""

from __future__ import annotations

from datetime import datetime

import attrs


@attrs.frozen
class Attempt:
    """One request with a key of its sender's choice, by which a repetition is known."""

    asker: str  #: whose key it is: nobody else's requests are compared with it
    key_hash: str
    fingerprint: str  #: of method, address and body
    token: str  #: of this try; a later one that takes over has another


@attrs.frozen
class Remembered:
    """What is known of a request that came before."""

    fingerprint: str
    applied: bool  #: whether it took effect
    status: int | None  #: of its answer; None while there is none
    answer: bytes | None  #: as it was handed in
    begun_at: datetime
