"""The collection of logins: those under way, sessions, and who people are at their providers."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ..domain.access import User
from ..domain.logins import PendingDevice, PendingLogin, Session


class Logins(Protocol):
    """Logins under way, sessions, and who people are at their providers. Secrets come as hashes."""

    def begin(self, hash_: str, *, browser: str, pending: PendingLogin, now: datetime) -> None:
        """Store a browser's login under its state; those that expired are forgotten."""
        ...

    def take(self, hash_: str, *, provider: str, browser: str) -> PendingLogin | None:
        """The login of this state, provider and browser; whoever takes it is the only one."""
        ...

    def begin_device(self, hash_: str, pending: PendingDevice, now: datetime) -> None:
        """Store a device's login under its code; those that expired are forgotten."""
        ...

    def device(self, hash_: str) -> PendingDevice | None:
        """The device's login of this code."""
        ...

    def take_turn(self, hash_: str, now: datetime, next_poll: datetime) -> bool:
        """Whether the provider may be asked now; true for one caller only until `next_poll`."""
        ...

    def slow_down(self, hash_: str, pause: int, next_poll: datetime) -> None:
        """Have a device ask less often."""
        ...

    def end_device(self, hash_: str) -> bool:
        """End a device's login; true for one caller only."""
        ...

    def add_session(self, hash_: str, user_id: int, *, now: datetime, expires_at: datetime) -> None:
        """Begin a session; those that expired are forgotten."""
        ...

    def session(self, hash_: str) -> Session | None:
        """The session of this hash."""
        ...

    def touch_session(self, hash_: str, now: datetime) -> None:
        """Note that a session was used."""
        ...

    def end_session(self, hash_: str) -> bool:
        """End a session; false when it had ended."""
        ...

    def end_all(self, user_id: int, now: datetime) -> None:
        """End every session of a person, and every key that their logins made."""
        ...

    def person(self, provider: str, subject: str) -> User | None:
        """Who has this identity."""
        ...

    def is_bound(self, user_id: int) -> bool:
        """Whether a person has an identity already."""
        ...

    def bind(self, user_id: int, *, provider: str, subject: str, now: datetime) -> None:
        """Give a person an identity. :raises Duplicate: it is somebody's, or the person has one"""
        ...

    def rename(self, user_id: int, username: str) -> None:
        """Follow a person's change of name. :raises Duplicate: somebody else has it"""
        ...

    def set_disabled(self, user_id: int, at: datetime | None) -> None:
        """Shut a person out, or let them in again."""
        ...
