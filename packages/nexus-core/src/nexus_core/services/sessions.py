"""Sessions: the browsers that people are logged in with. A session has the rights of its person, as they are now."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

from ..domain.access import Actor, ActorKind
from ..domain.events import UserLoggedOut
from ..errors import NotFound, Unauthenticated
from .access import fingerprint, is_well_formed
from .work import UnitOfWork, Work

_TOUCH_EVERY = timedelta(minutes=1)


class SessionService:
    """Sessions, kept by the hash of their secret."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    def authenticate(self, secret: str) -> Actor:
        """Who is logged in. Unknown, expired and ended look alike. :raises Unauthenticated:"""
        hash_ = fingerprint(secret)
        if not is_well_formed(secret):
            raise Unauthenticated("you are not logged in, or no longer")
        with self._unit.read() as work:
            found = work.logins.session(hash_)
            user = None if found is None or not found.is_live(work.now) else work.access.user(found.user_id)
            now = work.now
        if found is None or user is None or user.disabled_at is not None:
            raise Unauthenticated("you are not logged in, or no longer")
        if now - found.last_used_at > _TOUCH_EVERY:
            self._unit.write(lambda work: work.logins.touch_session(hash_, work.now))
        return Actor(kind=ActorKind.USER, name=user.username, id=user.id, scopes=user.scopes)

    def csrf_token(self, secret: str) -> str:
        """What a page must say beside its cookie. Made from the session's secret, so nobody keeps it anywhere."""
        return hmac.new(secret.encode(), b"nexus csrf", hashlib.sha256).hexdigest()

    def end(self, secret: str, *, actor: Actor) -> None:
        """Log out: the session is gone, for whoever holds its cookie."""

        def action(work: Work) -> None:
            if work.logins.end_session(fingerprint(secret)):
                work.record(UserLoggedOut, actor=actor, username=actor.name, by="browser", key_id=None)

        self._unit.write(action)

    def end_key(self, secret: str, *, actor: Actor) -> None:
        """Log out on the command line: the key that the login made is revoked. :raises NotFound: it is no such key"""

        def action(work: Work) -> None:
            key = work.access.find_key(fingerprint(secret))
            if key is None or key.user_id is None:
                raise NotFound("this key comes from no login; `nexus key revoke` ends it")
            if work.access.revoke_key(key.id, work.now):
                work.record(UserLoggedOut, actor=actor, username=actor.name, by="device", key_id=key.id)

        self._unit.write(action)
