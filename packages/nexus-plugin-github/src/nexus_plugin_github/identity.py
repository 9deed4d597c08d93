"""GitHub's logins without I/O: the addresses, the forms, and what its answers say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from nexus_core.domain.access import Role
from nexus_core.domain.logins import DeviceLogin, Identity, LoginAnswer, LoginRequest
from nexus_core.errors import (
    Invalid,
    LoginDenied,
    LoginExpired,
    LoginPending,
    NexusError,
    NotFound,
    SlowDown,
    Unavailable,
)

from .reading import table, text, whole
from .settings import Settings

AUTHORIZE = "login/oauth/authorize"
TOKEN = "login/oauth/access_token"  # noqa: S105 - a path, not a token
DEVICE = "login/device/code"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"

#: GitHub's error -> ours. What is not here means that a code is worth nothing.
_ERRORS: dict[str, tuple[type[NexusError], str]] = {
    "authorization_pending": (LoginPending, "the login is not confirmed at GitHub yet"),
    "slow_down": (SlowDown, "GitHub was asked too often"),
    "expired_token": (LoginExpired, "the login was not confirmed at GitHub in time"),
    "access_denied": (LoginDenied, "the login was refused at GitHub"),
    "device_flow_disabled": (NotFound, "the OAuth app at GitHub does not have the device flow enabled"),
    "incorrect_client_credentials": (
        Unavailable, "GitHub does not accept NEXUS_GITHUB_CLIENT_ID with NEXUS_GITHUB_CLIENT_SECRET",
    ),
    "redirect_uri_mismatch": (
        Unavailable, "GitHub does not accept the way back; the OAuth app’s callback must be below NEXUS_PUBLIC_URL",
    ),
}  # fmt: skip


def check_web(settings: Settings) -> None:
    """:raises NotFound: the login by browser is not set up"""
    if not settings.client_id or not settings.client_secret:
        raise NotFound("login by GitHub is not set up here: NEXUS_GITHUB_CLIENT_ID and NEXUS_GITHUB_CLIENT_SECRET")


def check_device(settings: Settings) -> None:
    """:raises NotFound: the login by another device is not set up"""
    if not settings.client_id:
        raise NotFound("login by GitHub is not set up here: NEXUS_GITHUB_CLIENT_ID")


def scope(settings: Settings) -> str:
    """What is asked of the person: nothing but who they are, and their organisations where some are listed."""
    return "read:org" if settings.organisations else ""


def authorize_url(settings: Settings, request: LoginRequest) -> str:
    """Where a browser is sent."""
    asked = {
        "client_id": settings.client_id or "", "redirect_uri": request.redirect_uri, "scope": scope(settings),
        "state": request.state, "code_challenge": request.challenge, "code_challenge_method": "S256",
        "allow_signup": "false",
    }  # fmt: skip
    return f"{settings.oauth_url.rstrip('/')}/{AUTHORIZE}?{urlencode(asked)}"


def exchange_form(settings: Settings, answer: LoginAnswer) -> dict[str, str]:
    """What the code is exchanged with."""
    return {
        "client_id": settings.client_id or "", "client_secret": settings.client_secret or "", "code": answer.code,
        "redirect_uri": answer.redirect_uri, "code_verifier": answer.verifier,
    }  # fmt: skip


def token_of(document: Any) -> str:
    """The token of an answer.

    :raises NexusError: what GitHub says instead, as _ERRORS has it
    :raises Invalid: the code is worth nothing
    """
    said = table(document)
    if token := text(said.get("access_token")):
        return token
    error = text(said.get("error"))
    kind, message = _ERRORS.get(error, (Invalid, "GitHub does not accept the code" + (f": {error}" if error else "")))
    interval = whole(said.get("interval"))
    raise kind(message, **({"interval": interval} if interval and issubclass(kind, LoginPending) else {}))


def device_of(document: Any) -> DeviceLogin:
    """The device login of an answer. :raises NexusError: as for `token_of`"""
    said = table(document)
    code, typed, where = (text(said.get(name)) for name in ("device_code", "user_code", "verification_uri"))
    if said.get("error"):
        token_of(document)
    if not (code and typed and where):
        raise Unavailable("GitHub does not say how to log in by another device")
    return DeviceLogin(
        device_code=code, user_code=typed, verification_uri=where, expires_in=whole(said.get("expires_in")) or 900,
        interval=whole(said.get("interval")) or 5,
    )  # fmt: skip


def identity_of(user: Any, organisations: Iterable[Mapping[str, Any]], settings: Settings) -> Identity:
    """Who an account is, and which listed organisation it is in. :raises Unavailable: it does not say"""
    number, login = whole(table(user).get("id")), text(table(user).get("login"))
    if number is None or not login:
        raise Unavailable("GitHub does not say who this is")
    listed = {name.lower() for name in settings.organisations}
    found = next((row for row in organisations if listed & _names(row)), None)
    return Identity(
        id=str(number), login=login, organisation=None if found is None else text(found.get("login")),
        role=None if found is None else Role(settings.organisation_role),
    )  # fmt: skip


def _names(organisation: Mapping[str, Any]) -> set[str]:
    return {text(organisation.get("login")).lower(), str(whole(organisation.get("id")))}
