"""Browsers: the cookies that they are given, and what keeps other sites from using them (CSRF)."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nexus_core.domain.access import Actor
from nexus_core.domain.logins import LOGIN_LIFE, SESSION_LIFE
from nexus_core.errors import Forbidden

if TYPE_CHECKING:
    import falcon

    from nexus_core.nexus import Nexus

CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Browsers:
    """The cookies of a hub at its public address."""

    def __init__(self, nexus: Nexus) -> None:
        self._nexus = nexus
        address = urlsplit(nexus.config.public_url)
        self._is_tls = address.scheme == "https"
        self._is_local = address.hostname in _LOOPBACK
        self._origin = f"{address.scheme}://{address.netloc}".lower()
        prefix = "__Host-" if self._is_tls else ""
        self._session = f"{prefix}nexus_session"
        self._login = f"{prefix}nexus_login"

    # Who --------------------------------------------------------------------------------------------------------------

    def session_of(self, req: falcon.Request) -> str | None:
        """The secret of the session that the browser is in; None when it says none, or several."""
        return _only(req, self._session)

    def identify(self, req: falcon.Request, secret: str) -> Actor:
        """Who is logged in, when the request comes from our own pages.

        :raises Unauthenticated: nobody, or no longer
        :raises Forbidden: another site may have made the request
        """
        actor = self._nexus.sessions.authenticate(secret)
        if req.method not in SAFE_METHODS:
            self._check_own(req, secret)
        return actor

    def _check_own(self, req: falcon.Request, secret: str) -> None:
        """Both what the browser says of the page and what only our pages can know: either alone has had its holes."""
        origin, site = req.get_header("Origin"), req.get_header("Sec-Fetch-Site")
        if origin is None and site is None:
            raise Forbidden("a change by session comes from a page of this server, and says so: Origin is missing")
        if (origin is not None and origin.lower() != self._origin) or (site is not None and site != "same-origin"):
            raise Forbidden("a change by session comes from a page of this server; use an API key elsewhere")
        given = req.get_header(CSRF_HEADER) or ""
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self._nexus.sessions.csrf_token(secret).encode()):
            raise Forbidden(f"a change by session needs the header {CSRF_HEADER}, with `csrf_token` of GET /api/v1/me")

    # Cookies ----------------------------------------------------------------------------------------------------------

    def check_safe(self) -> None:
        """:raises Forbidden: cookies would travel in plain text"""
        if not self._is_tls and not self._is_local:
            raise Forbidden("a login by browser needs TLS: set NEXUS_PUBLIC_URL to the server’s https address")

    def login_of(self, req: falcon.Request) -> str:
        """What binds a login under way to the browser; empty when it has nothing."""
        return _only(req, self._login) or ""

    def begin_login(self, resp: falcon.Response, secret: str) -> None:
        """Bind a login under way to the browser."""
        self._set(resp, self._login, secret, int(LOGIN_LIFE.total_seconds()))

    def begin_session(self, resp: falcon.Response, secret: str) -> None:
        """Give the browser its session."""
        self._set(resp, self._session, secret, int(SESSION_LIFE.total_seconds()))

    def end_session(self, resp: falcon.Response) -> None:
        """Have the browser forget its session."""
        self._set(resp, self._session, "", None)

    def _set(self, resp: falcon.Response, name: str, value: str, seconds: int | None) -> None:
        """Set a cookie for so long; None has it forgotten (the framework's own way leaves out what `__Host-` needs)."""
        over = datetime(1970, 1, 1, tzinfo=UTC) if seconds is None else None
        resp.set_cookie(
            name, value, expires=over, max_age=seconds, path="/", secure=self._is_tls, http_only=True, same_site="Lax"
        )


def bearer_of(req: falcon.Request) -> str:
    """The key in `Authorization`; empty when there is none."""
    scheme, _, secret = (req.get_header("Authorization") or "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def _only(req: falcon.Request, name: str) -> str | None:
    # Two of one name: somebody slipped one in from a neighbouring host, and which is which cannot be told.
    values = req.get_cookie_values(name) or []
    return values[0] if len(values) == 1 and values[0] else None
