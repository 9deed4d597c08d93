"""The stand-in's logins: authorize page, tokens and device codes, which check what is sent as GitHub does."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

import attrs

from .github_api import Response
from .github_shapes import Json, user
from .github_world import Refused

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@attrs.define(kw_only=True)
class Account:
    """A person at this GitHub."""

    id: int
    login: str
    organisations: tuple[str, ...] = ()


@attrs.define(kw_only=True)
class _Grant:
    """A code that waits for its exchange."""

    account: Account
    redirect_uri: str
    challenge: str
    scope: str


@attrs.define(kw_only=True)
class _Device:
    """A device code, and what became of it."""

    user_code: str
    scope: str
    interval: int
    asked_at: float = 0.0
    account: Account | None = None
    error: str = "authorization_pending"


class LoginDesk:
    """An OAuth app of this GitHub, with the people who use it. `present` is who sits before the browser."""

    def __init__(self, *, client_id: str = "", client_secret: str = "", callback: str = "", interval: int = 5) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.callback = callback  #: the authorization callback URL of the app
        self.interval = interval
        self.present: Account | None = None
        self.is_device_flow_enabled = True
        self._lock = threading.Lock()
        self._grants: dict[str, _Grant] = {}
        self._devices: dict[str, _Device] = {}
        self._tokens: dict[str, tuple[Account, str]] = {}

    # What people do

    def approve(self, user_code: str, account: Account) -> None:
        """Somebody types the code of a device and confirms."""
        device = self._by_user_code(user_code)
        device.account, device.error = account, ""

    def refuse(self, user_code: str, error: str = "access_denied") -> None:
        """Somebody refuses a device, or nobody comes in time (`expired_token`)."""
        self._by_user_code(user_code).error = error

    def revoke(self) -> None:
        """End every token."""
        self._tokens.clear()

    def _by_user_code(self, user_code: str) -> _Device:
        return next(device for device in self._devices.values() if device.user_code == user_code)

    # What an application asks

    def answer(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Response | None:
        """The answer to a request of the login; None when it is about something else."""
        parts = urlsplit(path)
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        match method, parts.path:
            case "GET", "/login/oauth/authorize":
                return self._authorize(dict(parse_qsl(parts.query, keep_blank_values=True)))
            case "POST", "/login/oauth/access_token":
                return Response(document=self._told(self._token, form, headers))
            case "POST", "/login/device/code":
                return Response(document=self._told(self._device_code, form, headers))
            case "GET", "/user" | "/user/orgs":
                return self._account(parts.path, headers)
        return None

    def _authorize(self, query: Mapping[str, str]) -> Response:
        """Send the browser back with a code, or with what went wrong."""
        back = query.get("redirect_uri", "")
        if query.get("client_id") != self.client_id or not back.startswith(self.callback):
            raise Refused(404, "Not Found")
        if query.get("code_challenge_method") != "S256" or len(query.get("code_challenge", "")) != 43:
            raise Refused(400, "PKCE is expected, by S256")
        given = {"state": query["state"]} if "state" in query else {}
        if self.present is None:
            said = {"error": "access_denied", "error_description": "The user has denied your application access."}
            return Response(status=302, headers={"Location": f"{back}?{urlencode(said | given)}"})
        code = secrets.token_hex(10)
        self._grants[code] = _Grant(
            account=self.present, redirect_uri=back, challenge=query["code_challenge"], scope=query.get("scope", "")
        )
        return Response(status=302, headers={"Location": f"{back}?{urlencode({'code': code} | given)}"})

    def _told(
        self, call: Callable[[Mapping[str, str]], Json], form: Mapping[str, str], headers: Mapping[str, str]
    ) -> Json:
        if "json" not in headers.get("accept", ""):
            raise Refused(406, "this stand-in answers JSON alone")
        if form.get("client_id") != self.client_id:
            raise Refused(404, "Not Found")
        with self._lock:
            return call(form)

    def _token(self, form: Mapping[str, str]) -> Json:
        if form.get("grant_type") == DEVICE_GRANT:
            return self._device_token(form)
        if not secrets.compare_digest(form.get("client_secret", ""), self.client_secret):
            return _error("incorrect_client_credentials")
        grant = self._grants.pop(form.get("code", ""), None)
        if grant is None or _challenge(form.get("code_verifier", "")) != grant.challenge:
            return _error("bad_verification_code")
        if form.get("redirect_uri") != grant.redirect_uri:
            return _error("redirect_uri_mismatch")
        return self._issue(grant.account, grant.scope)

    def _device_code(self, form: Mapping[str, str]) -> Json:
        if not self.is_device_flow_enabled:
            return _error("device_flow_disabled")
        letters = secrets.token_hex(4).upper()
        device = _Device(user_code=f"{letters[:4]}-{letters[4:]}", scope=form.get("scope", ""), interval=self.interval)
        code = secrets.token_hex(20)
        self._devices[code] = device
        return {
            "device_code": code, "user_code": device.user_code, "expires_in": 899, "interval": device.interval,
            "verification_uri": "https://github.com/login/device",
        }  # fmt: skip

    def _device_token(self, form: Mapping[str, str]) -> Json:
        device = self._devices.get(form.get("device_code", ""))
        if device is None:
            return _error("incorrect_device_code")
        early = time.monotonic() - device.asked_at < device.interval * 0.9
        device.asked_at = time.monotonic()
        if early:
            device.interval += 5
            return _error("slow_down") | {"interval": device.interval}
        if device.account is None or device.error:
            return _error(device.error)
        del self._devices[form["device_code"]]
        return self._issue(device.account, device.scope)

    def _issue(self, account: Account, scope: str) -> Json:
        token = f"gho_{secrets.token_hex(18)}"
        self._tokens[token] = (account, scope)
        return {"access_token": token, "token_type": "bearer", "scope": scope}

    def _account(self, path: str, headers: Mapping[str, str]) -> Response | None:
        """Who a token belongs to; None for tokens that no login issued."""
        issued = self._tokens.get(headers.get("authorization", "").removeprefix("Bearer "))
        if issued is None:
            return None
        account, scope = issued
        if path == "/user":
            return Response(document=user(account.login) | {"id": account.id})
        if "read:org" not in scope:
            raise Refused(403, "You need at least read:org scope to list your organizations")
        return Response(document=[{"login": name, "id": organisation_id(name)} for name in account.organisations])


def organisation_id(name: str) -> int:
    """The id of an organisation at this GitHub."""
    return int(user(name)["id"])


def _error(name: str) -> Json:
    return {"error": name, "error_description": f"{name}.", "error_uri": "https://docs.github.com"}


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
