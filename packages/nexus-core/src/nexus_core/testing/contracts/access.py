# ruff: noqa: S101, SIM300 - a suite of tests: asserts, expected value first
"""Keys, people, and what the hub remembers of itself."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from ...domain.access import ApiKey, Role, Scope
from ...errors import Duplicate, NotFound
from ...ports.storage import Store
from .aids import LATER, NOW


class AccessContract:
    """Keys and people."""

    def test_key_round_trip(self, store: Store) -> None:
        """A key comes back as it was stored, by its hash and by its id."""
        made = _key(store, repositories=frozenset({3, 1}), agent="claude", expires_at=LATER)
        with store.reading() as tx:
            assert made == tx.access.find_key("hash") == tx.access.key(made.id)
            assert tx.access.find_key("other") is None
            assert (frozenset({1, 3}), frozenset({Scope.TASKS_READ}), LATER) == (
                made.repositories, made.scopes, made.expires_at,
            )  # fmt: skip

    def test_key_for_no_repository_is_not_for_all(self, store: Store) -> None:
        """A key that is narrowed to nothing stays so."""
        none, every = _key(store, "a", repositories=frozenset()), _key(store, "b")

        assert (frozenset(), None) == (none.repositories, every.repositories)

    def test_revoked_once(self, store: Store) -> None:
        """A key ends once; its use is noted."""
        made = _key(store)
        with store.writing() as tx:
            tx.access.touch_key(made.id, NOW)
            assert [True, False] == [tx.access.revoke_key(made.id, LATER) for _ in range(2)]

        with store.reading() as tx:
            assert attrs.evolve(made, last_used_at=NOW, revoked_at=LATER) == tx.access.key(made.id)

    def test_keys_of_assignments(self, store: Store) -> None:
        """They are left out of the list, and end together."""
        with store.reading() as tx:
            assert not tx.access.has_keys()
        plain, bound = _key(store, "a"), _key(store, "b", assignment_id=5)
        with store.writing() as tx:
            tx.access.revoke_assignment_keys(5, NOW)

            assert [plain] == tx.access.keys()
            assert (NOW, None) == (tx.access.key(bound.id).revoked_at, tx.access.key(plain.id).revoked_at)
            assert tx.access.has_keys()

    def test_hash_is_unique(self, store: Store) -> None:
        """One secret is one key."""
        _key(store)

        with pytest.raises(Duplicate):
            _key(store)

    def test_users(self, store: Store) -> None:
        """People by id and by name in any case; names are unique; roles change."""
        with store.writing() as tx:
            ann = tx.access.add_user("Ann", Role.ADMIN, NOW)
            bob = tx.access.add_user("bob", Role.VIEWER, NOW)
            tx.access.set_role(bob.id, Role.DEVELOPER)

        with store.reading() as tx:
            assert ann == tx.access.user(ann.id) == tx.access.find_user("aNN")
            assert [ann, attrs.evolve(bob, role=Role.DEVELOPER)] == tx.access.users()
            assert tx.access.find_user("carl") is None
        with pytest.raises(Duplicate), store.writing() as tx:
            tx.access.add_user("ANN", Role.VIEWER, NOW)

    def test_meta(self, store: Store) -> None:
        """What is remembered under a name is the latest."""
        with store.writing() as tx:
            assert tx.access.meta("pepper") is None
            tx.access.set_meta("pepper", "a")
            tx.access.set_meta("pepper", "b")

            assert "b" == tx.access.meta("pepper")

    def test_missing(self, store: Store) -> None:
        """What does not exist is not found, however large its id."""
        with store.reading() as tx:
            for missing in (0, 2**63):
                with pytest.raises(NotFound):
                    tx.access.key(missing)
                with pytest.raises(NotFound):
                    tx.access.user(missing)


def _key(store: Store, hash_: str = "hash", **fields: Any) -> ApiKey:
    given: dict[str, Any] = {
        "name": "k", "scopes": frozenset({Scope.TASKS_READ}), "repositories": None, "agent": None,
        "assignment_id": None, "expires_at": None, **fields,
    }  # fmt: skip
    with store.writing() as tx:
        return tx.access.add_key(hash_=hash_, now=NOW, **given)
