"""The chain of hashes over the events: how one follows another."""

from __future__ import annotations

import hashlib

import attrs

#: What the first event's hash follows.
GENESIS = bytes(32)


@attrs.frozen(kw_only=True)
class Record:
    """An event as it is hashed."""

    event_id: int
    xid: int  #: its transaction's id, which with its own says where the feed has it
    content: bytes  #: the canonical bytes of its whole row


@attrs.frozen(kw_only=True)
class Seal:
    """An event's place in the chain."""

    place: int  #: from 1, without a gap
    event_id: int
    xid: int
    hash: bytes

    def holds(self, previous: bytes, record: Record) -> bool:
        """Whether this is the seal of that record, after the hash before it."""
        return next_hash(previous, record) == self.hash


def next_hash(previous: bytes, record: Record) -> bytes:
    """The hash of the record that follows the one with this hash."""
    return hashlib.sha256(previous + record.content).digest()
