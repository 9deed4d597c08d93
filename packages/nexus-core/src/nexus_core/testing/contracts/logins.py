# ruff: noqa: S101, SIM300 - a suite of tests: asserts, expected value first
"""Logins under way, sessions, and who people are at their providers."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs
import pytest

from ...domain.access import Role, Scope, User
from ...domain.logins import PendingDevice, PendingLogin, Session
from ...errors import Duplicate
from ...ports.storage import Store, Transaction
from .aids import EARLIER, LATER, NOW, at_once

_PENDING = PendingLogin(provider="github", verifier="v", next="/docs", expires_at=LATER)
_DEVICE = PendingDevice(provider="github", pause=5, poll_at=NOW, expires_at=LATER)


class LoginsContract:
    """Logins and sessions."""

    def test_a_login_is_taken_once_by_its_browser(self, store: Store) -> None:
        """Another browser, another provider and a second time get nothing, and spoil nothing."""
        with store.writing() as tx:
            tx.logins.begin("state", browser="mine", pending=_PENDING, now=NOW)
        with store.writing() as tx:
            others = [("state", "github", "theirs"), ("state", "gitlab", "mine"), ("other", "github", "mine")]
            assert [None] * 3 == [tx.logins.take(hash_, provider=at, browser=by) for hash_, at, by in others]
            assert _PENDING == tx.logins.take("state", provider="github", browser="mine")
            assert tx.logins.take("state", provider="github", browser="mine") is None

    def test_a_login_is_taken_by_one_of_many(self, store: Store) -> None:
        """However many come back with it at once."""
        with store.writing() as tx:
            tx.logins.begin("state", browser="mine", pending=_PENDING, now=NOW)

        def take() -> PendingLogin | None:
            with store.writing() as tx:
                return tx.logins.take("state", provider="github", browser="mine")

        assert [_PENDING] == [found for found in at_once([take] * 6) if found is not None]

    def test_what_expired_is_forgotten(self, store: Store) -> None:
        """When the next one begins, so that nothing piles up."""
        old = EARLIER - timedelta(days=1)
        user = _user(store)
        with store.writing() as tx:
            tx.logins.begin("a", browser="b", pending=attrs.evolve(_PENDING, expires_at=EARLIER), now=old)
            tx.logins.begin_device("a", attrs.evolve(_DEVICE, expires_at=EARLIER), old)
            tx.logins.add_session("a", user.id, now=old, expires_at=EARLIER)
        with store.writing() as tx:
            tx.logins.begin("b", browser="b", pending=_PENDING, now=NOW)
            tx.logins.begin_device("b", _DEVICE, NOW)
            tx.logins.add_session("b", user.id, now=NOW, expires_at=LATER)

            assert tx.logins.take("a", provider="github", browser="b") is None
            assert (None, None) == (tx.logins.device("a"), tx.logins.session("a"))
            assert _DEVICE == tx.logins.device("b")

    def test_a_device_takes_turns(self, store: Store) -> None:
        """One question until the next is due; slower when told so; over once."""
        with store.writing() as tx:
            tx.logins.begin_device("code", _DEVICE, NOW)
            assert [True, False] == [tx.logins.take_turn("code", NOW, NOW + timedelta(seconds=5)) for _ in range(2)]
            tx.logins.slow_down("code", 10, LATER)
        with store.writing() as tx:
            assert attrs.evolve(_DEVICE, pause=10, poll_at=LATER) == tx.logins.device("code")
            assert not tx.logins.take_turn("code", NOW + timedelta(seconds=6), LATER)
            assert [True, False] == [tx.logins.end_device("code") for _ in range(2)]
            assert tx.logins.device("code") is None

    def test_a_session_from_begin_to_end(self, store: Store) -> None:
        """It comes back as it was stored; its use is noted; it ends once."""
        user = _user(store)
        with store.writing() as tx:
            tx.logins.add_session("s", user.id, now=NOW, expires_at=LATER)
            tx.logins.touch_session("s", _soon())
        with store.writing() as tx:
            expected = Session(user_id=user.id, created_at=NOW, last_used_at=_soon(), expires_at=LATER)
            assert (expected, None) == (tx.logins.session("s"), tx.logins.session("other"))
            assert [True, False] == [tx.logins.end_session("s") for _ in range(2)]

    def test_all_of_a_person_ends_together(self, store: Store) -> None:
        """Their sessions and the keys of their logins; nobody else's, and no key of another kind."""
        ann, bob = _user(store, "ann"), _user(store, "bob")
        with store.writing() as tx:
            for hash_, owner in (("a", ann), ("b", bob)):
                tx.logins.add_session(hash_, owner.id, now=NOW, expires_at=LATER)
            keys = [_key(tx, name, owner) for name, owner in (("a", ann.id), ("b", bob.id), ("c", None))]
            tx.logins.end_all(ann.id, LATER)

            assert [ann.id, bob.id, None] == [tx.access.key(key).user_id for key in keys]
            assert [LATER, None, None] == [tx.access.key(key).revoked_at for key in keys]
            assert (True, False) == (tx.logins.session("a") is None, tx.logins.session("b") is None)

    def test_an_identity_is_one_persons(self, store: Store) -> None:
        """A person has one, and nobody else gets it; the id at GitHub shows with the person."""
        ann, bob = _user(store, "ann"), _user(store, "bob")
        with store.writing() as tx:
            assert (None, False) == (tx.logins.person("github", "7"), tx.logins.is_bound(ann.id))
            tx.logins.bind(ann.id, provider="github", subject="7", now=NOW)
            tx.logins.bind(bob.id, provider="other", subject="7", now=NOW)

        with store.reading() as tx:
            assert attrs.evolve(ann, github_id="7") == tx.logins.person("github", "7") == tx.access.user(ann.id)
            assert bob == tx.logins.person("other", "7")
            assert tx.logins.is_bound(ann.id)
        for user, subject in ((ann, "8"), (_user(store, "carl"), "7")):
            with pytest.raises(Duplicate), store.writing() as tx:
                tx.logins.bind(user.id, provider="github", subject=subject, now=NOW)

    def test_a_person_changes(self, store: Store) -> None:
        """Where they come from, their name, and whether they are shut out."""
        with store.writing() as tx:
            user = tx.access.add_user("ann", Role.VIEWER, NOW, provider="github", organisation="acme")
            tx.logins.rename(user.id, "Anna")
            tx.logins.set_disabled(user.id, LATER)
            assert attrs.evolve(user, username="Anna", disabled_at=LATER) == tx.access.user(user.id)
            tx.logins.set_disabled(user.id, None)
            assert (None, "acme") == (tx.access.user(user.id).disabled_at, tx.access.user(user.id).organisation)


def _soon() -> datetime:
    return NOW + timedelta(minutes=2)


def _user(store: Store, name: str = "ann") -> User:
    with store.writing() as tx:
        return tx.access.add_user(name, Role.VIEWER, NOW)


def _key(tx: Transaction, hash_: str, user_id: int | None) -> int:
    return tx.access.add_key(
        name="k", hash_=hash_, scopes=frozenset({Scope.TASKS_READ}), repositories=None, agent=None,
        assignment_id=None, now=NOW, expires_at=None, user_id=user_id,
    ).id  # fmt: skip
