"""How people come in: by a browser that goes to a provider and comes back, or by a code for another device."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import attrs

from ..domain.access import NewApiKey, User
from ..domain.events import KeyCreated, UserLoggedIn
from ..domain.logins import (
    LOGIN_KEY_LIFE,
    LOGIN_LIFE,
    SESSION_LIFE,
    DeviceLogin,
    Identity,
    LoginAnswer,
    LoginRequest,
    NewSession,
    PendingDevice,
    PendingLogin,
    local_path,
)
from ..errors import (
    Duplicate,
    Fault,
    Forbidden,
    Invalid,
    LoginDenied,
    LoginExpired,
    LoginPending,
    NotFound,
    SlowDown,
)
from ..plugins.records import IdentityProvider
from .access import fingerprint, new_secret
from .admission import acting, admit
from .work import UnitOfWork, Work

T = TypeVar("T")
_SLOWER = 5  #: seconds more between two questions, after one that came too early
_SLOWEST = 60


@attrs.frozen(kw_only=True)
class Begun:
    """A browser's login that was begun: where to send it, and the secret that binds the login to it."""

    url: str
    browser: str = attrs.field(repr=False)


class LoginService:
    """Logins, over the identity providers that plugins yield."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    # By browser -------------------------------------------------------------------------------------------------------

    def begin(self, provider: str, *, callback: str, next: str | None = None, browser: str | None = None) -> Begun:
        """Begin a login; `callback` is where the provider is to send the browser back.

        :raises NotFound: there is no such provider, or it is not set up
        """
        record = self._provider(provider)
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        browser = browser or secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        request = LoginRequest(state=state, challenge=challenge, redirect_uri=callback)
        url = record.authorize_url(request, self._unit.context(self._unit.plugins.owner(record)))

        def action(work: Work) -> None:
            pending = PendingLogin(
                provider=provider, verifier=verifier, next=local_path(next), expires_at=work.now + LOGIN_LIFE
            )
            work.logins.begin(fingerprint(state), browser=fingerprint(browser), pending=pending, now=work.now)

        self._unit.write(action)
        return Begun(url=url, browser=browser)

    def finish(
        self, provider: str, *, state: str, browser: str, code: str | None, error: str | None, callback: str,
        former: str | None = None, address: str | None = None,
    ) -> NewSession:  # fmt: skip
        """Finish a login that this browser began; `former` is the session that it had, which ends.

        :raises Forbidden: it was not begun here, or is over
        :raises Invalid: the code is worth nothing
        :raises Forbidden: the provider refused, or the person may not come in
        """
        record = self._provider(provider)
        pending = self._taken(provider, state, browser)
        if error is not None or not code:
            raise Forbidden(f"{provider} did not let you log in" + (f": {error[:100]}" if error else ""))
        answer = LoginAnswer(code=code, verifier=pending.verifier, redirect_uri=callback)
        identity = record.identify(answer, self._unit.context(self._unit.plugins.owner(record)))
        secret = new_secret("ses")

        def enter(work: Work, user: User) -> NewSession:
            if former is not None:
                work.logins.end_session(fingerprint(former))
            work.logins.add_session(
                fingerprint(secret), user.id, now=work.now, expires_at=work.now + SESSION_LIFE
            )  # fmt: skip
            _tell(work, user, provider, "browser", address)
            return NewSession(user=user, secret=secret, next=pending.next)

        return self._enter(provider, identity, address, enter)

    def _taken(self, provider: str, state: str, browser: str) -> PendingLogin:
        def action(work: Work) -> PendingLogin | None:
            taken = work.logins.take(fingerprint(state), provider=provider, browser=fingerprint(browser))
            return taken if taken is not None and work.now < taken.expires_at else None

        pending = self._unit.write(action) if state and browser else None
        if pending is None:
            raise Forbidden("this login was not begun in this browser, or it is over; begin again")
        return pending

    # By another device ------------------------------------------------------------------------------------------------

    def begin_device(self, provider: str | None = None) -> DeviceLogin:
        """Begin a login that a person completes elsewhere; without a name, at the one provider that has it.

        :raises NotFound: there is no such provider, or it is not set up
        """
        name, start, _ = self._device(provider)
        started = start(self._unit.context(self._owner(name)))

        def action(work: Work) -> None:
            pending = PendingDevice(
                provider=name, pause=started.interval, poll_at=work.now,
                expires_at=work.now + timedelta(seconds=started.expires_in),
            )  # fmt: skip
            work.logins.begin_device(fingerprint(started.device_code), pending, work.now)

        self._unit.write(action)
        return started

    def finish_device(self, device_code: str, *, name: str | None = None, address: str | None = None) -> NewApiKey:
        """A key of the person who completed the login: with their rights, as they are at any time.

        :raises LoginPending: not yet; SlowDown: and do not ask so often
        :raises LoginExpired: it is over, or there is none of this code
        :raises LoginDenied: the person refused
        :raises Forbidden: the person may not come in
        """
        hash_ = fingerprint(device_code)
        pending = self._turn(hash_)
        _, _, poll = self._device(pending.provider)
        try:
            identity = poll(device_code, self._unit.context(self._owner(pending.provider)))
        except SlowDown as slow:
            raise self._slower(hash_, pending, slow) from None
        except LoginPending as waiting:
            raise LoginPending(interval=pending.pause) from waiting
        except (LoginExpired, LoginDenied):
            self._unit.write(lambda work: work.logins.end_device(hash_))
            raise
        secret = new_secret("usr")

        def enter(work: Work, user: User) -> NewApiKey:
            if not work.logins.end_device(hash_):
                raise LoginExpired
            return self._key(work, user, secret, name or f"login of {user.username}", pending.provider, address)

        return self._enter(pending.provider, identity, address, enter)

    def _turn(self, hash_: str) -> PendingDevice:
        """The login, when its provider may be asked now; who asks too early is to wait longer from then on."""

        def action(work: Work) -> tuple[PendingDevice | None, bool]:
            found = work.logins.device(hash_)
            if found is None or found.expires_at <= work.now:
                return None, False
            if work.logins.take_turn(hash_, work.now, work.now + timedelta(seconds=found.pause)):
                return found, True
            return found, False

        found, is_turn = self._unit.write(action)
        if found is None:
            raise LoginExpired
        if not is_turn:
            raise self._slower(hash_, found)
        return found

    def _slower(self, hash_: str, pending: PendingDevice, said: SlowDown | None = None) -> SlowDown:
        wanted = said.details.get("interval") if said is not None else None
        pause = min(max(pending.pause + _SLOWER, wanted if isinstance(wanted, int) else 0), _SLOWEST)
        self._unit.write(
            lambda work: work.logins.slow_down(hash_, pause, work.now + timedelta(seconds=pause))
        )  # fmt: skip
        return SlowDown(interval=pause)

    def _key(
        self, work: Work, user: User, secret: str, name: str, provider: str, address: str | None
    ) -> NewApiKey:  # fmt: skip
        key = work.access.add_key(
            name=name[:100], hash_=fingerprint(secret), scopes=user.scopes, repositories=None, agent=None,
            assignment_id=None, now=work.now, expires_at=work.now + LOGIN_KEY_LIFE, user_id=user.id,
        )  # fmt: skip
        work.record(
            KeyCreated,
            actor=attrs.evolve(acting(user), address=address),
            key_id=key.id,
            name=key.name,
            scopes=sorted(key.scopes),
            repositories=None,
        )
        _tell(work, user, provider, "device", address, key.id)
        return NewApiKey(key=key, secret=secret)

    # Both -------------------------------------------------------------------------------------------------------------

    def _enter(self, provider: str, identity: Identity, address: str | None, then: Callable[[Work, User], T]) -> T:
        """Let the person in and do what follows, in one transaction. :raises Forbidden: they may not come in"""

        def action(work: Work) -> T | str:
            found = admit(work, provider, identity, address)
            return found if isinstance(found, str) else then(work, found)

        try:
            entered = self._unit.write(action)
        except Duplicate:
            entered = self._unit.write(action)  # somebody invited them at the same instant: now that is seen
        if isinstance(entered, str):
            refused = Forbidden(f"{identity.login} may not come in: {entered}")
            refused.is_on_record = True
            raise refused
        return entered

    def _provider(self, name: str) -> IdentityProvider:
        record = self._unit.plugins.identity_providers.get(name)
        if record is None:
            raise NotFound(f"nobody logs in by {name[:40]} here")
        return record

    def _device(self, name: str | None) -> tuple[str, Callable[..., DeviceLogin], Callable[..., Identity]]:
        found = {
            record.name: (record.name, record.start_device, record.poll_device)
            for record in self._unit.plugins.identity_providers.values()
            if record.start_device is not None and record.poll_device is not None
        }
        if name is None and len(found) > 1:
            raise Invalid("say by whom", faults=(Fault("/provider", f"expected one of {', '.join(sorted(found))}"),))
        chosen = next(iter(found.values()), None) if name is None else found.get(name)
        if chosen is None:
            raise NotFound(
                "nobody logs in by another device here" if name is None else f"{name[:40]} has no such login"
            )
        return chosen

    def _owner(self, provider: str) -> str:
        return self._unit.plugins.owner(self._provider(provider))


def _tell(
    work: Work, user: User, provider: str, by: str, address: str | None, key_id: int | None = None
) -> None:  # fmt: skip
    actor = attrs.evolve(acting(user), address=address)
    work.record(
        UserLoggedIn, actor=actor, username=user.username, provider=provider, by=by, address=address, key_id=key_id
    )  # fmt: skip
