"""Keys and people."""

from __future__ import annotations

import builtins
import hashlib
import secrets
import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta

import attrs

from ..clock import to_text
from ..domain.access import LOCAL, Actor, ActorKind, ApiKey, NewApiKey, Role, Scope, User
from ..domain.events import KeyCreated, KeyRevoked, UserDisabled, UserEdited, UserEnabled, UserInvited
from ..errors import Conflict, Duplicate, Fault, Forbidden, Invalid, NotFound, Unauthenticated
from .recent import Recent
from .work import UnitOfWork, Work, require_seen, said_from

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PREFIX = "nxs_"
_LENGTH = 30  #: random letters: 178 bits
_TOUCH_EVERY = timedelta(minutes=1)
_BOOTSTRAP = "bootstrap"
KNOWN_SECONDS = 0.5
"""How long a good key is taken to be still good: every process sees within a second that one was revoked."""


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
        self._known: Recent[ApiKey] = Recent(KNOWN_SECONDS)

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
        _require_all(wanted, actor)
        agent = _bound(agent, actor)
        if not name or not isinstance(name, str) or len(name) > 100:
            raise Invalid("the key needs a name", faults=(Fault("/name", "expected a text of 1 to 100 characters"),))
        narrowed = frozenset(repositories) if repositories is not None else actor.repositories
        for repository_id in sorted(narrowed or ()):
            require_seen(actor, repository_id, f"repository {repository_id}")
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
                repositories=None if narrowed is None else sorted(narrowed), agent=agent, assignment_id=assignment_id,
            )  # fmt: skip
            return NewApiKey(key=key, secret=secret)

        return self._unit.write(action)

    def list(self, *, actor: Actor = LOCAL) -> builtins.list[ApiKey]:
        """All that the actor may see but those of single assignments, without their secrets."""
        with self._unit.read() as work:
            keys = work.access.keys()
        return [key for key in keys if _covers(actor, key)]

    def revoke(self, key_id: int, *, actor: Actor = LOCAL) -> ApiKey:
        """End a key: here at once, in every other process within `KNOWN_SECONDS`. :raises NotFound:"""

        def action(work: Work) -> ApiKey:
            key = work.access.key(key_id)
            if not _covers(actor, key):
                raise NotFound(f"there is no key {key_id}")
            if work.access.revoke_key(key_id, work.now):
                work.record(KeyRevoked, actor=actor, key_id=key_id, name=key.name)
            return work.access.key(key_id)

        try:
            return self._unit.write(action)
        finally:
            self._known.forget()

    def authenticate(self, secret: str) -> Actor:
        """Who a key is. Unknown, revoked and expired look alike. :raises Unauthenticated:"""
        hash_, now = fingerprint(secret), self._unit.clock.now()
        key = self._known.get(hash_) or self._look_up(hash_)
        if key is None or key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
            raise Unauthenticated("this key is not valid")
        if key.last_used_at is None or now - key.last_used_at > _TOUCH_EVERY:
            self._unit.write(lambda work: work.access.touch_key(key.id, work.now))
            self._known.forget()
        if key.user_id is not None:
            return _person(key, self._unit.glance().access.user(key.user_id))
        return Actor(
            kind=ActorKind.AGENT if key.agent else ActorKind.KEY, name=key.agent or key.name, id=key.id,
            scopes=key.scopes, repositories=key.repositories, agent=key.agent, assignment_id=key.assignment_id,
            key_id=key.id,
        )  # fmt: skip

    def _look_up(self, hash_: str) -> ApiKey | None:
        """The key with this hash as the store has it, remembered for a moment when it is good."""
        asked = self._known.now()
        key = self._unit.glance().access.find_key(hash_)
        # An assignment's key ends with the assignment, a person's when they log out: its user is to hear that at once.
        if key is not None and key.revoked_at is None and key.assignment_id is None and key.user_id is None:
            self._known.keep(hash_, key, asked)
        return key

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
                    work.record(KeyRevoked, actor=LOCAL, key_id=key.id, name=key.name)
            made = work.access.find_key(hash_)
            if made is not None and made.revoked_at is None:
                return  # by another process, which started in the same instant
            if made is not None:
                raise Conflict("NEXUS_BOOTSTRAP_ADMIN_KEY holds a key that was revoked; choose another")
            key = work.access.add_key(
                name=_BOOTSTRAP, hash_=hash_, scopes=Role.ADMIN.scopes, repositories=None, agent=None,
                assignment_id=None, now=work.now, expires_at=None,
            )  # fmt: skip
            work.record(
                KeyCreated, actor=LOCAL, key_id=key.id, name=key.name, scopes=sorted(Role.ADMIN.scopes),
                repositories=None, agent=None, assignment_id=None,
            )  # fmt: skip

        try:
            self._unit.write(action)
        except Duplicate:
            self._unit.write(action)  # another hub on this database started at the same instant: now its key is seen


def _person(key: ApiKey, user: User) -> Actor:
    """The person whose login made the key: with its scopes, as far as they still have them themselves.

    :raises Unauthenticated: they were shut out
    """
    if user.disabled_at is not None:
        raise Unauthenticated("this key is not valid")
    return Actor(
        kind=ActorKind.USER, name=user.username, id=user.id, scopes=key.scopes & user.scopes,
        repositories=key.repositories,
    )  # fmt: skip


def _require_all(wanted: frozenset[Scope], actor: Actor) -> None:
    """Nobody gives what they lack. :raises Forbidden:"""
    if beyond := wanted - actor.scopes:
        raise Forbidden(f"you cannot give what you lack: {', '.join(sorted(beyond))}")


def _bound(agent: str | None, actor: Actor) -> str | None:
    """The agent that a new key is bound to: that of the maker's key, when that is bound. :raises Forbidden:"""
    if actor.agent is None:
        return agent
    if agent not in (None, actor.agent):
        raise Forbidden(f"your key is bound to the agent {actor.agent}, and so are those that it makes")
    return actor.agent


def _covers(actor: Actor, key: ApiKey) -> bool:
    """Whether a key reaches nothing that is hidden from the actor; else it does not exist for the actor."""
    if actor.agent is not None and key.agent != actor.agent:
        return False
    return actor.repositories is None or (key.repositories is not None and key.repositories <= actor.repositories)


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

    def invite(self, username: str, role: str = "developer", *, provider: str = "github", actor: Actor = LOCAL) -> User:
        """Let somebody in, with a role whose scopes the actor has. :raises Duplicate: :raises Invalid:"""
        wanted = _role(role)
        _require_to_give(actor, wanted)
        letters = username.replace("-", "").replace("_", "")  # managed accounts have a low line and their company
        if not letters.isalnum() or len(username) > 39 or not username.isascii():
            raise Invalid("that is no GitHub login", faults=(Fault("/username", "expected letters, digits, dashes"),))

        if provider != "github" and provider not in self._unit.plugins.identity_providers:
            raise Invalid("nobody logs in by it here", faults=(Fault("/provider", "expected an installed one"),))

        def action(work: Work) -> User:
            user = work.access.add_user(username, wanted, work.now, provider=provider)
            work.record(UserInvited, actor=actor, username=username, role=str(wanted))
            return user

        return self._unit.write(action)

    def set_role(self, user_id: int, role: str, *, actor: Actor = LOCAL) -> User:
        """Change a person's role; the last admin stays one. :raises Conflict:"""
        wanted = _role(role)
        _require_to_give(actor, wanted)

        def action(work: Work) -> User:
            user = _unless_last_admin(work, user_id) if wanted is not Role.ADMIN else work.access.user(user_id)
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

    def set_disabled(self, user_id: int, disabled: bool, *, actor: Actor = LOCAL) -> User:
        """Shut a person out, with their sessions and the keys of their logins, or let them in again.

        :raises Conflict: they are the last admin
        """

        def action(work: Work) -> User:
            user = _unless_last_admin(work, user_id) if disabled else work.access.user(user_id)
            if (user.disabled_at is not None) is disabled:
                return user
            work.logins.set_disabled(user_id, work.now if disabled else None)
            if disabled:
                work.logins.end_all(user_id, work.now)
            work.record(UserDisabled if disabled else UserEnabled, actor=actor, username=user.username)
            return work.access.user(user_id)

        return self._unit.write(action)

    def find(self, username: str) -> User:
        """By login. :raises NotFound:"""
        with self._unit.read() as work:
            user = work.access.find_user(username)
        if user is None:
            raise NotFound(f"nobody here is called {username}")
        return user


def _unless_last_admin(work: Work, user_id: int) -> User:
    """A person who may lose the rights of an admin. :raises Conflict: nobody else has them"""
    # Two admins who demote each other at once must not both see the other: whoever writes this first goes first.
    work.access.set_meta("admins", to_text(work.now))
    user = work.access.user(user_id)
    admins = [other.id for other in work.access.users() if other.role is Role.ADMIN and other.disabled_at is None]
    if admins == [user_id]:
        raise Conflict(f"{user.username} is the last admin; make another one first")
    return user


def _require_to_give(actor: Actor, role: Role) -> None:
    """Refuse who would make somebody more than they are themselves. :raises Forbidden:"""
    actor.require_whole_hub("say who may do what")
    _require_all(role.scopes, actor)


def _role(role: str) -> Role:
    if role not in list(Role):
        raise Invalid(f"“{role}” is no role", faults=(Fault("/role", f"expected one of {', '.join(Role)}"),))
    return Role(role)
