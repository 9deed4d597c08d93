"""Logins under way, sessions, and who people are at their providers, in SQL."""

from __future__ import annotations

from datetime import datetime

from ..clock import to_text
from ..domain.access import User
from ..domain.logins import PendingDevice, PendingLogin, Session
from . import rows
from .access import user_of
from .session import SqlSession


class SqlLogins:
    """Logins under way, sessions, and who people are at their providers."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def begin(self, hash_: str, *, browser: str, pending: PendingLogin, now: datetime) -> None:
        """Store a browser's login under its state; those that expired are forgotten."""
        self._session.run("forget_logins", now=to_text(now))
        self._session.run(
            "insert_login", hash=hash_, provider=pending.provider, browser=browser, verifier=pending.verifier,
            next=pending.next, expires_at=to_text(pending.expires_at),
        )  # fmt: skip

    def take(self, hash_: str, *, provider: str, browser: str) -> PendingLogin | None:
        """The login of this state, provider and browser; whoever takes it is the only one."""
        row = self._session.one("take_login", hash=hash_, provider=provider, browser=browser)
        return None if row is None else PendingLogin(**{**row, "expires_at": rows.at(row["expires_at"])})

    def begin_device(self, hash_: str, pending: PendingDevice, now: datetime) -> None:
        """Store a device's login under its code; those that expired are forgotten."""
        self._session.run("forget_device_logins", now=to_text(now))
        self._session.run(
            "insert_device_login", hash=hash_, provider=pending.provider, pause=pending.pause,
            now=to_text(pending.poll_at), expires_at=to_text(pending.expires_at),
        )  # fmt: skip

    def device(self, hash_: str) -> PendingDevice | None:
        """The device's login of this code."""
        row = self._session.one("find_device_login", hash=hash_)
        if row is None:
            return None
        times = {name: rows.at(row[name]) for name in ("poll_at", "expires_at")}
        return PendingDevice(**{**row, **times})

    def take_turn(self, hash_: str, now: datetime, next_poll: datetime) -> bool:
        """Whether the provider may be asked now; true for one caller only until `next_poll`."""
        return bool(self._session.run("take_device_turn", hash=hash_, now=to_text(now), next_poll=to_text(next_poll)))

    def slow_down(self, hash_: str, pause: int, next_poll: datetime) -> None:
        """Have a device ask less often."""
        self._session.run("slow_device_login", hash=hash_, pause=pause, next_poll=to_text(next_poll))

    def end_device(self, hash_: str) -> bool:
        """End a device's login; true for one caller only."""
        return bool(self._session.run("end_device_login", hash=hash_))

    def add_session(self, hash_: str, user_id: int, *, now: datetime, expires_at: datetime) -> None:
        """Begin a session; those that expired are forgotten."""
        self._session.run("forget_sessions", now=to_text(now))
        self._session.run(
            "insert_session", hash=hash_, user_id=user_id, now=to_text(now), expires_at=to_text(expires_at)
        )

    def session(self, hash_: str) -> Session | None:
        """The session of this hash."""
        row = self._session.one("find_session", hash=hash_)
        if row is None:
            return None
        times = {name: rows.at(row[name]) for name in ("created_at", "last_used_at", "expires_at")}
        return Session(user_id=row["user_id"], **times)

    def touch_session(self, hash_: str, now: datetime) -> None:
        """Note that a session was used."""
        self._session.run("touch_session", hash=hash_, now=to_text(now))

    def end_session(self, hash_: str) -> bool:
        """End a session; false when it had ended."""
        return bool(self._session.run("end_session", hash=hash_))

    def end_all(self, user_id: int, now: datetime) -> None:
        """End every session of a person, and every key that their logins made."""
        self._session.run("end_sessions_of", user_id=user_id)
        self._session.run("revoke_user_keys", user_id=user_id, now=to_text(now))

    def person(self, provider: str, subject: str) -> User | None:
        """Who has this identity."""
        row = self._session.one("find_identity", provider=provider, subject=subject)
        return None if row is None else user_of(row)

    def is_bound(self, user_id: int) -> bool:
        """Whether a person has an identity already."""
        return self._session.one("is_bound", user_id=user_id) is not None

    def bind(self, user_id: int, *, provider: str, subject: str, now: datetime) -> None:
        """Give a person an identity."""
        self._session.run("insert_identity", provider=provider, subject=subject, user_id=user_id, now=to_text(now))
        if provider == "github":  # the column of this name came first, and is what the API shows
            self._session.run("set_github_id", id=user_id, github_id=subject)

    def rename(self, user_id: int, username: str) -> None:
        """Follow a person's change of name."""
        self._session.run("set_username", id=user_id, username=username)

    def set_disabled(self, user_id: int, at: datetime | None) -> None:
        """Shut a person out, or let them in again."""
        self._session.run("set_user_disabled", id=user_id, disabled_at=rows.time(at))
