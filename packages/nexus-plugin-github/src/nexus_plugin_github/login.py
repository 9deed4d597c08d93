"""Who somebody is at GitHub: the calls behind the identity provider. The person's token is forgotten at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nexus_core.domain.logins import DeviceLogin, Identity, LoginAnswer, LoginRequest
from nexus_core.errors import Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from nexus_core.plugins.context import Context

from . import identity as sansio
from .reading import rows
from .settings import Settings
from .transport import Transport, post_form

_ROWS = 100
_PAGES = 10


def authorize_url(request: LoginRequest, ctx: Context) -> str:
    """Where a browser is sent. :raises NotFound: the login is not set up"""
    settings = ctx.settings(Settings)
    sansio.check_web(settings)
    return sansio.authorize_url(settings, request)


def identify(answer: LoginAnswer, ctx: Context) -> Identity:
    """Who came back with a code. :raises Invalid: it is worth nothing :raises Unavailable:"""
    settings = ctx.settings(Settings)
    sansio.check_web(settings)
    return _who(
        sansio.token_of(post_form(settings.oauth_url, sansio.TOKEN, sansio.exchange_form(settings, answer))), settings
    )


def start_device(ctx: Context) -> DeviceLogin:
    """Begin a login on another device. :raises NotFound: it is not set up :raises Unavailable:"""
    settings = ctx.settings(Settings)
    sansio.check_device(settings)
    form = {"client_id": settings.client_id or "", "scope": sansio.scope(settings)}
    return sansio.device_of(post_form(settings.oauth_url, sansio.DEVICE, form))


def poll_device(device_code: str, ctx: Context) -> Identity:
    """Who completed it. :raises LoginPending: :raises SlowDown: :raises LoginExpired: :raises LoginDenied:"""
    settings = ctx.settings(Settings)
    sansio.check_device(settings)
    form = {"client_id": settings.client_id or "", "device_code": device_code, "grant_type": sansio.GRANT}
    return _who(sansio.token_of(post_form(settings.oauth_url, sansio.TOKEN, form)), settings)


def _who(token: str, settings: Settings) -> Identity:
    transport = Transport(settings.api_url, token)
    try:
        user = transport.request("GET", "user").document
        found = list(_organisations(transport)) if settings.organisations else []
    except (Unauthenticated, Forbidden, NotFound, Invalid) as error:
        raise Unavailable(f"GitHub does not say who this is: {error.message}") from None
    finally:
        transport.close()
    return sansio.identity_of(user, found, settings)


def _organisations(transport: Transport) -> Iterator[Mapping[str, Any]]:
    """The organisations that the person is in, as far as they let us see them."""
    for page in range(1, _PAGES + 1):
        params = {"per_page": str(_ROWS), "page": str(page)}
        found = rows(transport.request("GET", "user/orgs", params=params).document)
        yield from found
        if len(found) < _ROWS:
            return
