"""Who may come in: the invited, and members of listed organisations; known by an id that never changes hands."""

from __future__ import annotations

import attrs

from ..clock import to_text
from ..domain.access import Actor, ActorKind, User, system_actor
from ..domain.events import LoginRefused, UserJoined, UserRenamed
from ..domain.logins import Identity
from ..errors import Unavailable
from .work import Work, said_from


def admit(work: Work, provider: str, identity: Identity, address: str | None) -> User | str:
    """The person with this identity, written down at their first login; else why they may not come in, on record."""
    if not _is_usable(identity.id, 200) or not _is_usable(identity.login, 100):
        raise Unavailable(f"{provider} does not say who this is")
    user = work.logins.person(provider, identity.id) or _person_by_now(work, provider, identity)
    found = _newcomer(work, provider, identity) if user is None else _known(work, user, identity)
    if isinstance(found, str):
        actor = attrs.evolve(system_actor("login"), address=address)
        work.record(
            LoginRefused, actor=actor, provider=provider, id=identity.id, login=identity.login,
            reason=found, address=address,
        )  # fmt: skip
    return found


def acting(user: User) -> Actor:
    """The person as an actor."""
    return Actor(kind=ActorKind.USER, name=user.username, id=user.id, scopes=user.scopes)


def _is_usable(text: str, length: int) -> bool:
    return 0 < len(text) <= length and text.isprintable()


def _person_by_now(work: Work, provider: str, identity: Identity) -> User | None:
    """The person again, after others who come in for the first time: one may be the same in another browser."""
    work.access.set_meta("newcomer", to_text(work.now))  # whoever writes it first goes first
    return work.logins.person(provider, identity.id)


def _known(work: Work, user: User, identity: Identity) -> User | str:
    if user.disabled_at is not None:
        return "an admin has shut them out"
    if user.organisation is not None and identity.role is None:
        work.logins.end_all(user.id, work.now)
        return f"they left {user.organisation}, through which they came in"
    return _renamed(work, user, identity.login)


def _renamed(work: Work, user: User, login: str) -> User:
    """The person under the name that they have now, unless it is another's here."""
    if user.username == login or (work.access.find_user(login) or user).id != user.id:
        return user
    work.logins.rename(user.id, login)
    work.record(UserRenamed, actor=acting(user), **said_from(user.username), to=login)
    return work.access.user(user.id)


def _newcomer(work: Work, provider: str, identity: Identity) -> User | str:
    """The invited person of this name, who becomes this identity for good; or a new one, of a listed organisation."""
    user = work.access.find_user(identity.login)
    if user is None and identity.role is None:
        return "nobody invited them, and they are in no organisation that is listed"
    if user is None:
        user = _joined(work, provider, identity)
    elif user.provider != provider or work.logins.is_bound(user.id):
        return "this login belonged to somebody else when it came in"
    elif user.disabled_at is not None:
        return "an admin has shut them out"
    work.logins.bind(user.id, provider=provider, subject=identity.id, now=work.now)
    return _renamed(work, work.access.user(user.id), identity.login)  # as it is written there


def _joined(work: Work, provider: str, identity: Identity) -> User:
    assert identity.role is not None  # noqa: S101 - nobody else gets here
    user = work.access.add_user(
        identity.login, identity.role, work.now, provider=provider, organisation=identity.organisation or ""
    )
    work.record(
        UserJoined, actor=acting(user), username=user.username, role=str(user.role), organisation=user.organisation
    )
    return user
