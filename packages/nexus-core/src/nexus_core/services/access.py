"""Keys and people."""

from __future__ import annotations

import builtins
import hashlib
import secrets
import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta

import attrs

from ..domain.access import LOCAL, Actor, ActorKind, ApiKey, NewApiKey, Role, Scope, User
from ..domain.events import KeyCreated, KeyRevoked, UserEdited, UserInvited
from ..errors import Conflict, Duplicate, Fault, Forbidden, Invalid, NotFound, Unauthenticated
from .work import UnitOfWork, Work, said_from

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PREFIX = "nxs_"
_LENGTH = 30  #: random letters: 178 bits
_TOUCH_EVERY = timedelta(minutes=1)
_BOOTSTRAP = "bootstrap"


def checksum(text: str) -> str:
    """CRC32 in six letters of base 62, as GitHub's and npm's tokens carry it: leaks are found without asking us.

    >>> checksum("qkJaB6MffYVzZXWqmcoF49yrUxP3wf")
    '0LsakP'
    """
    number, letters = zlib.crc32(text.encode()), ""
    while number:
        number, rest = divmod(number, 62)
        letters = _ALPHABET[rest] + letters
    return letters.rjust(6, "0")


def new_secret(kind: str) -> str:
    """A new key: `nxs_<kind>_`, 30 random letters, checksum."""
    random = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return f"{_PREFIX}{kind}_{random}{checksum(random)}"


def is_well_formed(secret: str) -> bool:
    """Whether a text could be a key of ours; costs no look-up."""
    body = secret.rpartition("_")[2]
    return secret.startswith(_PREFIX) and len(body) == _LENGTH + 6 and checksum(body[:_LENGTH]) == body[_LENGTH:]


def fingerprint(secret: str) -> str:
    """What is kept of a key. Keys are random, so a plain hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class KeyService:
    """API keys: shown once, kept as hashes."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    def create(
        self,
        name: str,
        *,
        scopes: Iterable[str] | None = None,
        role: str | None = None,
        repositories: Iterable[int] | None = None,
        agent: str | None = None,
        expires_at: datetime | None = None,
        assignment_id: int | None = None,
        actor: Actor = LOCAL,
    ) -> NewApiKey:
        """Make a key with scopes, or with those of a role. Nobody gives what they lack.

        :raises Invalid: with every fault
        :raises Forbidden: the actor lacks one of the scopes
        """
        wanted = _scopes(scopes, role)
        if beyond := wanted - actor.scopes:
            raise Forbidden(f"you cannot give what you lack: {', '.join(sorted(beyond))}")
        if not name or not isinstance(name, str) or len(name) > 100:
            raise Invalid("the key needs a name", faults=(Fault("/name", "expected a text of 1 to 100 characters"),))
        narrowed = frozenset(repositories) if repositories is not None else actor.repositories
        if actor.repositories is not None and (narrowed is None or not narrowed <= actor.repositories):
            raise Forbidden("you cannot give a key more repositories than yours")
        secret = new_secret("agt" if agent or assignment_id else "key")

        def action(work: Work) -> NewApiKey:
            for repository_id in narrowed or ():
                work.repositories.get(repository_id)
            key = work.access.add_key(
                name=name, hash_=fingerprint(secret), scopes=wanted, repositories=narrowed, agent=agent,
                assignment_id=assignment_id, now=work.now, expires_at=expires_at,
            )  # fmt: skip
            work.record(
                KeyCreated, actor=actor, key_id=key.id, name=name, scopes=sorted(wanted),
                repositories=None if narrowed is None else sorted(narrowed),
            )  # fmt: skip
            return NewApiKey(key=key, secret=secret)

        return self._unit.write(action)

    def list(self) -> builtins.list[ApiKey]:
        """All but those of single assignments, without their secrets."""
        with self._unit.read() as work:
            return work.access.keys()

    def revoke(self, key_id: int, *, actor: Actor = LOCAL) -> ApiKey:
        """End a key, at once and everywhere. :raises NotFound:"""

        def action(work: Work) -> ApiKey:
            key = work.access.key(key_id)
            if work.access.revoke_key(key_id, work.now):
                work.record(KeyRevoked, actor=actor, key_id=key_id, name=key.name)
            return work.access.key(key_id)

        return self._unit.write(action)

    def authenticate(self, secret: str) -> Actor:
        """Who a key is. Unknown, revoked and expired look alike. :raises Unauthenticated:"""
        hash_ = fingerprint(secret)
        with self._unit.read() as work:
            key = work.access.find_key(hash_)
            now = work.now
        if key is None or key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
            raise Unauthenticated("this key is not valid")
        if key.last_used_at is None or now - key.last_used_at > _TOUCH_EVERY:
            self._unit.write(lambda work: work.access.touch_key(key.id, work.now))
        return Actor(
            kind=ActorKind.AGENT if key.agent else ActorKind.KEY, name=key.agent or key.name, id=key.id,
            scopes=key.scopes, repositories=key.repositories, agent=key.agent, assignment_id=key.assignment_id,
        )  # fmt: skip

    def ended_assignment(self, secret: str) -> int | None:
        """The assignment whose key this was, when the key ended with it."""
        with self._unit.read() as work:
            key = work.access.find_key(fingerprint(secret))
        return key.assignment_id if key is not None and key.revoked_at is not None else None

    def first_admin_key(self) -> str | None:
        """An admin key for the one who set Nexus up; None when any key was ever made."""
        with self._unit.read() as work:
            if work.access.has_keys():
                return None
        return self.create("first admin", role=Role.ADMIN).secret

    def ensure_bootstrap(self, secret: str | None) -> None:
        """Accept the admin key of the configuration, and no former one of it."""
        if secret is None:
            return
        hash_ = fingerprint(secret)

        def action(work: Work) -> None:
            for key in [*work.access.keys()]:
                if key.name == _BOOTSTRAP and key.revoked_at is None:
                    known = work.access.find_key(hash_)
                    if known is not None and known.id == key.id:
                        return
                    work.access.revoke_key(key.id, work.now)
            if work.access.find_key(hash_) is not None:
                raise Conflict("NEXUS_BOOTSTRAP_ADMIN_KEY holds a key that was revoked; choose another")
            key = work.access.add_key(
                name=_BOOTSTRAP, hash_=hash_, scopes=Role.ADMIN.scopes, repositories=None, agent=None,
                assignment_id=None, now=work.now, expires_at=None,
            )  # fmt: skip
            work.record(KeyCreated, actor=LOCAL, key_id=key.id, name=key.name, scopes=["admin"], repositories=None)

        try:
            self._unit.write(action)
        except Duplicate:
            self._unit.write(action)  # another hub on this database started at the same instant: now its key is seen


def _scopes(scopes: Iterable[str] | None, role: str | None) -> frozenset[Scope]:
    if role is not None:
        if role not in list(Role):
            raise Invalid(f"“{role}” is no role", faults=(Fault("/role", f"expected one of {', '.join(Role)}"),))
        return Role(role).scopes
    wanted = list(scopes or ())
    faults = [
        Fault(f"/scopes/{place}", f"expected one of {', '.join(Scope)}")
        for place, scope in enumerate(wanted)
        if scope not in list(Scope)
    ]
    if not wanted:
        faults.append(Fault("/scopes", "expected at least one scope, or a role"))
    if faults:
        raise Invalid("the scopes are not valid", faults=tuple(faults))
    return frozenset(Scope(scope) for scope in wanted)


class UserService:
    """People: invited by their GitHub login, with a role."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    def list(self) -> builtins.list[User]:
        """All."""
        with self._unit.read() as work:
            return work.access.users()

    def invite(self, username: str, role: str = "developer", *, actor: Actor = LOCAL) -> User:
        """Let somebody in. :raises Duplicate: :raises Invalid:"""
        wanted = _role(role)
        if not username or len(username) > 39 or not username.replace("-", "").isalnum() or not username.isascii():
            raise Invalid("that is no GitHub login", faults=(Fault("/username", "expected letters, digits, dashes"),))

        def action(work: Work) -> User:
            user = work.access.add_user(username, wanted, work.now)
            work.record(UserInvited, actor=actor, username=username, role=str(wanted))
            return user

        return self._unit.write(action)

    def set_role(self, user_id: int, role: str, *, actor: Actor = LOCAL) -> User:
        """Change a person's role; the last admin stays one. :raises Conflict:"""
        wanted = _role(role)

        def action(work: Work) -> User:
            user = work.access.user(user_id)
            admins = [other for other in work.access.users() if other.role is Role.ADMIN]
            if user.role is Role.ADMIN and wanted is not Role.ADMIN and len(admins) == 1:
                raise Conflict(f"{user.username} is the last admin; make another one first")
            if user.role is not wanted:
                work.access.set_role(user_id, wanted)
                work.record(
                    UserEdited,
                    actor=actor,
                    username=user.username,
                    **said_from(user.role),
                    to=str(wanted),
                )
            return attrs.evolve(user, role=wanted)

        return self._unit.write(action)

    def find(self, username: str) -> User:
        """By login. :raises NotFound:"""
        with self._unit.read() as work:
            user = work.access.find_user(username)
        if user is None:
            raise NotFound(f"nobody here is called {username}")
        return user


def _role(role: str) -> Role:
    if role not in list(Role):
        raise Invalid(f"“{role}” is no role", faults=(Fault("/role", f"expected one of {', '.join(Role)}"),))
    return Role(role)
