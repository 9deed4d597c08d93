"""Keys, people, and what the hub remembers of itself, in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ..clock import to_text
from ..domain.access import ApiKey, Role, Scope, User
from ..errors import Duplicate, NotFound
from . import rows
from .session import Row, SqlSession


class SqlAccess:
    """Keys, people, and what the hub remembers of itself."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def add_key(
        self, *, name: str, hash_: str, scopes: frozenset[Scope], repositories: frozenset[int] | None,
        agent: str | None, assignment_id: int | None, now: datetime, expires_at: datetime | None,
        user_id: int | None = None,
    ) -> ApiKey:  # fmt: skip
        """Store a key by its hash."""
        row = self._session.one(
            "insert_key", name=name, hash=hash_, scopes=rows.to_json(sorted(scopes)), agent=agent,
            repositories=None if repositories is None else rows.to_json(sorted(repositories)),
            assignment_id=assignment_id, now=to_text(now), expires_at=rows.time(expires_at), user_id=user_id,
        )  # fmt: skip
        assert row is not None  # noqa: S101 - RETURNING answers a row, or the statement raises
        return _api_key(row)

    def find_key(self, hash_: str) -> ApiKey | None:
        """The key with this hash."""
        row = self._session.one("find_key", hash=hash_)
        return None if row is None else _api_key(row)

    def keys(self) -> list[ApiKey]:
        """All but those of single assignments."""
        return [_api_key(row) for row in self._session.all("list_keys")]

    def key(self, key_id: int) -> ApiKey:
        """One."""
        row = self._session.one("get_key", id=key_id) if abs(key_id) < 2**63 else None
        if row is None:
            raise NotFound(f"there is no key {key_id}")
        return _api_key(row)

    def has_keys(self) -> bool:
        """Whether any key was ever made."""
        row = self._session.one("count_keys")
        return bool(row and row["number"])

    def revoke_key(self, key_id: int, now: datetime) -> bool:
        """End a key; false when it had ended."""
        return bool(self._session.run("revoke_key", id=key_id, now=to_text(now)))

    def revoke_assignment_keys(self, assignment_id: int, now: datetime) -> None:
        """End the keys of an assignment."""
        self._session.later("revoke_assignment_keys", assignment_id=assignment_id, now=to_text(now))

    def touch_key(self, key_id: int, now: datetime) -> None:
        """Note that a key was used."""
        self._session.later("touch_key", id=key_id, now=to_text(now))

    def add_user(
        self, username: str, role: Role, now: datetime, *, provider: str = "github", organisation: str | None = None
    ) -> User:
        """Store a person."""
        if self.find_user(username):
            raise Duplicate(f"{username} is invited already")
        row = self._session.one(
            "insert_user", username=username, role=str(role), now=to_text(now), provider=provider,
            organisation=organisation,
        )  # fmt: skip
        assert row is not None  # noqa: S101 - RETURNING answers a row, or the statement raises
        return user_of(row)

    def user(self, user_id: int) -> User:
        """One."""
        row = self._session.one("get_user", id=user_id) if abs(user_id) < 2**63 else None
        if row is None:
            raise NotFound(f"there is no user {user_id}")
        return user_of(row)

    def find_user(self, username: str) -> User | None:
        """By name, whatever the case."""
        row = self._session.one("find_user", username=username)
        return None if row is None else user_of(row)

    def users(self) -> list[User]:
        """All."""
        return [user_of(row) for row in self._session.all("list_users")]

    def set_role(self, user_id: int, role: Role) -> None:
        """Change a person's role."""
        self._session.later("set_user_role", id=user_id, role=str(role))

    def meta(self, name: str) -> str | None:
        """What the hub remembers under a name."""
        row = self._session.one("get_meta", name=name)
        return None if row is None else str(row["value"])

    def metas(self, prefix: str) -> Mapping[str, str]:
        """All that the hub remembers under names that begin so, by what follows."""
        found = self._session.all("list_meta", first=prefix, beyond=prefix[:-1] + chr(ord(prefix[-1]) + 1))
        return {str(row["name"]).removeprefix(prefix): str(row["value"]) for row in found}

    def set_meta(self, name: str, value: str) -> None:
        """Remember something under a name."""
        self._session.later("set_meta", name=name, value=value)


def _api_key(row: Row) -> ApiKey:
    """A key."""
    repositories = rows.from_json(row["repositories"])
    return ApiKey(
        id=row["id"],
        name=row["name"],
        scopes=frozenset(Scope(scope) for scope in rows.from_json(row["scopes"])),
        repositories=None if repositories is None else frozenset(repositories),
        agent=row["agent"],
        assignment_id=row["assignment_id"],
        created_at=rows.at(row["created_at"]),
        expires_at=rows.maybe_at(row["expires_at"]),
        last_used_at=rows.maybe_at(row["last_used_at"]),
        revoked_at=rows.maybe_at(row["revoked_at"]),
        user_id=row["user_id"],
    )


def user_of(row: Row) -> User:
    """A person."""
    times = {"created_at": rows.at(row["created_at"]), "disabled_at": rows.maybe_at(row["disabled_at"])}
    return User(**{**row, **times, "role": Role(row["role"])})
