"""People at the door: who a provider says they are, logins under way, sessions, and where a login may lead."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from .access import Role, User

LOGIN_LIFE = timedelta(minutes=10)  #: from the way out to a provider to the way back
SESSION_LIFE = timedelta(days=7)  #: whatever happens
SESSION_IDLE = timedelta(hours=8)  #: without a request
LOGIN_KEY_LIFE = timedelta(days=90)  #: of a key that a login on the command line made
_ENCODED = ("%2f", "%5c", "%25", "%0", "%1")  #: slashes, percent and control signs
HOME = "/docs"  #: where a login leads that asked for no place


@attrs.frozen(kw_only=True)
class Identity:
    """Who somebody is at a provider, as it just said itself."""

    id: str  #: never changes, and is never given to somebody else
    login: str  #: the name, which may change hands
    #: An organisation of theirs whose members may come in without an invitation, and the role that they get.
    organisation: str | None = None
    role: Role | None = None


@attrs.frozen(kw_only=True)
class LoginRequest:
    """What a provider needs to send a browser on its way."""

    state: str
    challenge: str  #: PKCE, S256
    redirect_uri: str


@attrs.frozen(kw_only=True)
class LoginAnswer:
    """What a browser brought back from a provider."""

    code: str = attrs.field(repr=False)
    verifier: str = attrs.field(repr=False)  #: of the challenge
    redirect_uri: str


@attrs.frozen(kw_only=True)
class DeviceLogin:
    """A login that a person completes on another device."""

    device_code: str = attrs.field(repr=False)
    user_code: str  #: what the person types there
    verification_uri: str  #: where
    expires_in: int = 900  #: seconds
    interval: int = 5  #: seconds between two questions


@attrs.frozen(kw_only=True)
class PendingLogin:
    """A browser's login under way, as it was stored."""

    provider: str
    verifier: str = attrs.field(repr=False)
    next: str
    expires_at: datetime


@attrs.frozen(kw_only=True)
class PendingDevice:
    """A device's login under way, as it was stored."""

    provider: str
    pause: int  #: seconds between two questions
    poll_at: datetime  #: not before
    expires_at: datetime


@attrs.frozen(kw_only=True)
class Session:
    """A browser that somebody is logged in with."""

    user_id: int
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime

    def is_live(self, now: datetime) -> bool:
        """Whether it still counts."""
        return now < self.expires_at and now - self.last_used_at < SESSION_IDLE


@attrs.frozen(kw_only=True)
class NewSession:
    """A session that just began: the only moment at which its secret is known."""

    user: User
    secret: str = attrs.field(repr=False)
    next: str  #: where the browser wanted to go


def local_path(wanted: str | None) -> str:
    r"""Where a login may lead: to a path of this server, else to `/`.

    >>> local_path("/docs?a=1#b"), local_path("//evil.example"), local_path("/\\evil.example"), local_path("https:/x")
    ('/docs?a=1#b', '/', '/', '/')
    """
    if not wanted:
        return HOME
    path = wanted.partition("?")[0].partition("#")[0].lower()
    is_plain = wanted.isascii() and wanted.isprintable() and " " not in wanted and len(wanted) <= 2000
    # Browsers take a backslash for a slash, and a proxy on the way may decode what is encoded.
    is_local = path.startswith("/") and not path.startswith("//") and "\\" not in wanted
    return wanted if is_plain and is_local and not any(sign in path for sign in _ENCODED) else "/"
