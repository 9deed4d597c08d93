"""Where deliveries wait that the store cannot take at the moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import attrs

from ..domain.deliveries import VerifiedDelivery


@attrs.frozen(kw_only=True)
class Spooled:
    """A delivery that waits, with what the audit will say of it."""

    delivery: VerifiedDelivery
    received_at: datetime
    address: str | None = None  #: where it came from
    request_id: str | None = None


@attrs.frozen(kw_only=True)
class SpoolState:
    """How much waits."""

    number: int = 0  #: deliveries that wait
    size: int = 0  #: bytes that they take
    aside: int = 0  #: files that could not be read or stored, and that somebody must look at
    oldest: datetime | None = None  #: when the first of those that wait came


class Spool(Protocol):
    """Keeps deliveries through crashes and power cuts until the store takes them; processes of a host share it."""

    def put(self, spooled: Spooled) -> None:
        """Keep one. When this returns, it is on the disk.

        :raises Unavailable: there is no more room, or the disk refuses it
        """
        ...

    def drain(self, store: Callable[[Spooled], object]) -> int:
        """Hand each that no other process is storing to `store`, then forget it; how many it were.

        What cannot be read, or is refused again and again, is put aside and logged.

        :raises Unavailable: `store` raised it; that one and all behind it go on waiting
        """
        ...

    def state(self) -> SpoolState:
        """How much waits at this moment."""
        ...
