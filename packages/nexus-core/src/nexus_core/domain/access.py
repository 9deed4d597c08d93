"""Who may do what: actors, scopes, roles."""

from __future__ import annotations

import enum
from datetime import datetime

import attrs

from ..errors import Forbidden


class Scope(enum.StrEnum):
    """What a key may do."""

    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    ASSIGNMENTS_READ = "assignments:read"
    ASSIGNMENTS_CLAIM = "assignments:claim"
    ASSIGNMENTS_WRITE = "assignments:write"
    AGENTS_ASSIGN = "agents:assign"
    REPOSITORIES_READ = "repositories:read"
    REPOSITORIES_WRITE = "repositories:write"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    EVENTS_READ = "events:read"
    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"


class Role(enum.StrEnum):
    """A named set of scopes."""

    ADMIN = "admin"
    DEVELOPER = "developer"
    VIEWER = "viewer"

    @property
    def scopes(self) -> frozenset[Scope]:
        """What the role may do."""
        return _ROLE_SCOPES[self]


_VIEWER = frozenset(scope for scope in Scope if scope.endswith(":read") and not scope.startswith(("keys:", "users:")))
_ROLE_SCOPES = {
    Role.VIEWER: _VIEWER,
    Role.DEVELOPER: _VIEWER
    | {
        Scope.TASKS_WRITE, Scope.AGENTS_ASSIGN, Scope.ASSIGNMENTS_READ, Scope.ASSIGNMENTS_CLAIM,
        Scope.ASSIGNMENTS_WRITE, Scope.REPOSITORIES_WRITE, Scope.USERS_READ,
    },
    Role.ADMIN: frozenset(Scope),
}  # fmt: skip


class ActorKind(enum.StrEnum):
    """What sort of somebody acts."""

    USER = "user"
    KEY = "key"
    AGENT = "agent"
    PLUGIN = "plugin"
    SYSTEM = "system"


@attrs.frozen(kw_only=True)
class Actor:
    """Who does something, and what they may."""

    kind: ActorKind
    name: str
    id: int | None = None
    scopes: frozenset[Scope] = frozenset()
    repositories: frozenset[int] | None = None  #: narrowed to these; None = all
    agent: str | None = None  #: a key that is bound to an agent
    assignment_id: int | None = None  #: a key that is bound to one assignment
    key_id: int | None = None  #: the API key in use, an agent's too
    address: str | None = attrs.field(default=None, eq=False)  #: where the request came from
    request_id: str | None = attrs.field(default=None, eq=False)

    def sees(self, repository_id: int | None) -> bool:
        """Whether things of this repository exist for the actor."""
        return self.repositories is None or repository_id in self.repositories

    def require(self, scope: Scope) -> None:
        """Refuse who lacks the scope.

        :raises Forbidden: naming the scope
        """
        if scope not in self.scopes:
            raise Forbidden(f"{self.name} may not do this: the scope {scope} is missing", scope=str(scope))

    def require_whole_hub(self, what: str) -> None:
        """Refuse who is narrowed to repositories what concerns all of them.

        :raises Forbidden: naming what
        """
        if self.repositories is not None:
            raise Forbidden(f"a key that is narrowed to repositories may not {what}")


def system_actor(name: str = "nexus") -> Actor:
    """Nexus itself, which may do everything."""
    return Actor(kind=ActorKind.SYSTEM, name=name, scopes=frozenset(Scope))


def plugin_actor(name: str) -> Actor:
    """A plugin at work on a job or a delivery."""
    return Actor(kind=ActorKind.PLUGIN, name=name, scopes=frozenset(Scope))


#: Who acts when a Python program uses the library and does not say otherwise.
LOCAL = system_actor("local")


@attrs.frozen(kw_only=True)
class ApiKey:
    """A key as it is stored: without its secret."""

    id: int
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    repositories: frozenset[int] | None = None
    agent: str | None = None
    assignment_id: int | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    user_id: int | None = None  #: whose login made it; it may no more than they may


@attrs.frozen(kw_only=True)
class NewApiKey:
    """A key that was just made: the only moment at which its secret is known."""

    key: ApiKey
    secret: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class User:
    """A person."""

    id: int
    username: str
    role: Role
    created_at: datetime
    github_id: str | None = None  #: the identity; None until the invited person first came in
    provider: str = "github"  #: where they come from: whose login `username` is
    organisation: str | None = None  #: through which they came in, when nobody invited them
    disabled_at: datetime | None = None

    @property
    def scopes(self) -> frozenset[Scope]:
        """What the person may do now."""
        return frozenset() if self.disabled_at else self.role.scopes
