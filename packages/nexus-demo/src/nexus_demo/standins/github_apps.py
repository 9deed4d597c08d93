"""GitHub Apps at the stand-in: who is one, where it is installed, and the tokens of its installations."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from .github_shapes import Json, user
from .github_world import Refused

#: Whether a signature (RS256) over bytes is right. The one who registers the App brings it, with its library.
Check = Callable[[bytes, bytes], bool]
_LONGEST_JWT = 600


@attrs.define(kw_only=True)
class Installation:
    """Where an App is installed."""

    id: int
    owner: str
    suspended: bool = False
    permissions: dict[str, str] = attrs.field(factory=lambda: {"metadata": "read", "contents": "write"})
    events: list[str] = attrs.field(factory=list)


@attrs.define(kw_only=True)
class App:
    """A GitHub App as the stand-in keeps it."""

    id: int
    slug: str
    check: Check
    installations: list[Installation] = attrs.field(factory=list)


class AppDesk:
    """Apps, and what they may call as themselves. Tokens live an hour of this GitHub's clock."""

    def __init__(self) -> None:
        self.app: App | None = None
        self.hook: Json = {"url": "", "content_type": "form", "insecure_ssl": "0"}  #: of the App
        self.tokens: dict[str, tuple[Installation, float]] = {}
        self.issued = 0
        self.life = 3600.0  #: seconds
        self.ahead = 0.0  #: seconds by which this GitHub's clock is ahead

    def register(self, app_id: int, check: Check, *owners: str, slug: str = "nexus") -> App:
        """Make an App, and install it on these accounts."""
        placed = [Installation(id=9000 + number, owner=owner) for number, owner in enumerate(owners, start=1)]
        self.app = App(id=app_id, slug=slug, check=check, installations=placed)
        return self.app

    def now(self) -> float:
        """This GitHub's clock."""
        return time.time() + self.ahead

    def revoke(self) -> None:
        """Take every token back."""
        self.tokens.clear()

    def holder(self, token: str) -> Installation | None:
        """The installation whose token this is, while it lives."""
        found, until = self.tokens.get(token, (None, 0.0))
        return found if until > self.now() else None

    def answer(
        self, method: str, path: str, query: Mapping[str, str], token: str, sent: Any = None
    ) -> tuple[int, Any] | None:
        """Status and document of a call as the App itself; None when the token is none of an App.

        :raises Refused: as GitHub refuses it
        """
        if token.count(".") != 2:
            return None
        app = self._verified(token)
        if (method, path) == ("GET", "app"):
            document = {"id": app.id, "slug": app.slug, "name": app.slug, "owner": user("acme"), "permissions": {}}
            return 200, document
        if path == "app/hook/config":
            self.hook |= sent if method == "PATCH" and isinstance(sent, dict) else {}
            return 200, {**self.hook, **({"secret": "********"} if self.hook.get("secret") else {})}
        if (method, path) == ("GET", "app/installations"):
            size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
            return 200, [_installation(one, app) for one in app.installations[(page - 1) * size : page * size]]
        for one in app.installations:
            if (method, path) == ("POST", f"app/installations/{one.id}/access_tokens"):
                if one.suspended:
                    raise Refused(403, "This installation has been suspended")
                return 201, self._issue(one)
        raise Refused(404, "Not Found")

    def _verified(self, token: str) -> App:
        head, body, signature = token.split(".")
        if self.app is None or not self.app.check(f"{head}.{body}".encode(), _decoded(signature)):
            raise Refused(401, "A JSON web token could not be decoded")
        claims, now = json.loads(_decoded(body)), self.now()
        if json.loads(_decoded(head)).get("alg") != "RS256" or str(claims.get("iss")) != str(self.app.id):
            raise Refused(401, "'Issuer' claim ('iss') must be an Integer")
        if claims["iat"] > now + 5:
            raise Refused(401, "'Issued at' claim ('iat') must be an Integer representing a past time")
        if not now < claims["exp"] <= now + _LONGEST_JWT + 5:
            raise Refused(401, "'Expiration time' claim ('exp') is too far in the future")
        return self.app

    def _issue(self, one: Installation) -> Json:
        token = f"ghs_{secrets.token_hex(18)}"
        until = self.now() + self.life
        self.tokens[token] = (one, until)
        self.issued += 1
        shown = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until))
        return {
            "token": token,
            "expires_at": shown,
            "permissions": {"contents": "write"},
            "repository_selection": "all",
        }


def _installation(one: Installation, app: App) -> Json:
    suspended = "2026-01-01T00:00:00Z" if one.suspended else None
    account = user(one.owner)
    return {
        "id": one.id, "account": account, "app_id": app.id, "app_slug": app.slug, "suspended_at": suspended,
        "permissions": one.permissions, "events": one.events,
    }  # fmt: skip


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
