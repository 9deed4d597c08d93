"""Who Nexus is towards GitHub: a token that was given, the App itself, or an installation of it."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol

import jwt

from nexus_core.errors import ConfigurationError

from .reading import instant

_JWT_LIFE: Final = 540  #: seconds; GitHub takes ten minutes at most
_JWT_BEFORE: Final = 60  #: seconds that it is dated back, for clocks that differ
_SPARE: Final = 300.0  #: seconds before its end from which on a token is not used
_LEAST_SKEW: Final = 5.0


class Credential(Protocol):
    """What a call is made as."""

    name: str  #: the same for all calls that share GitHub's limits; no secret

    def token(self) -> str:
        """What stands after `Bearer`. :raises NexusError: there is none to be had"""
        ...

    def refused(self, headers: Mapping[str, str]) -> bool:
        """GitHub did not accept the token; whether another one may be accepted."""
        ...


class Given:
    """A token from the settings."""

    def __init__(self, token: str) -> None:
        self._token = token.strip()
        self.name = "token-" + hashlib.sha256(self._token.encode()).hexdigest()[:16]

    def token(self) -> str:
        """The token itself."""
        return self._token

    def refused(self, headers: Mapping[str, str]) -> bool:
        """There is no other one."""
        return False


class AppKey:
    """The GitHub App itself: it signs its own tokens, of ten minutes at most.

    :raises ConfigurationError: the private key is none
    """

    def __init__(self, app_id: str, private_key: str) -> None:
        self.app_id = app_id.strip()
        self.name = f"app-{self.app_id}"
        self._key = readable_key(private_key)
        self._skew = 0.0  #: by how many seconds GitHub's clock is ahead of ours

    def token(self) -> str:
        """A token that says who we are, signed with the private key (RS256)."""
        now = int(time.time() + self._skew)
        claims = {"iat": now - _JWT_BEFORE, "exp": now + _JWT_LIFE, "iss": self.app_id}
        try:
            return jwt.encode(claims, self._key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise ConfigurationError(
                "NEXUS_GITHUB_APP_PRIVATE_KEY: this is no RSA private key (PEM); "
                "generate one on the App's page at GitHub and give the whole file"
            ) from None

    def refused(self, headers: Mapping[str, str]) -> bool:
        """A token may be refused because our clock is wrong: from then on GitHub's is taken."""
        try:
            skew = parsedate_to_datetime(headers["date"]).timestamp() - time.time()
        except (KeyError, ValueError, TypeError, OverflowError):
            return False
        changed = abs(skew - self._skew) > _LEAST_SKEW
        self._skew = skew if changed else self._skew
        return changed


def readable_key(private_key: str) -> str:
    r"""The private key with its line breaks, which are often written as `\n` in environments."""
    text = private_key.strip()
    return text.replace("\\n", "\n") if "\\n" in text else text


#: Asks GitHub for a token: the answer's document and headers.
Ask = Callable[[], tuple[Mapping[str, Any], Mapping[str, str]]]


class Installation:
    """An App where it is installed. Its token is kept in this process until shortly before its end."""

    _known: dict[str, tuple[str, float]] = {}  # noqa: RUF012 - shared on purpose, by name
    _locks: dict[str, threading.Lock] = {}  # noqa: RUF012 - as above
    _guard = threading.Lock()

    def __init__(self, name: str, ask: Ask) -> None:
        self.name = name
        self._ask = ask
        with self._guard:
            self._lock = self._locks.setdefault(name, threading.Lock())

    def token(self) -> str:
        """A token that is good for some minutes at least; one thread asks for it, the others wait."""
        with self._lock:
            found, until = self._known.get(self.name, ("", 0.0))
            if until <= time.monotonic():
                document, headers = self._ask()
                found = str(document.get("token") or "")
                self._known[self.name] = (found, time.monotonic() + _life(document, headers))
            return found

    def refused(self, headers: Mapping[str, str]) -> bool:
        """The token was revoked, such as with a permission that changed: the next one is asked for."""
        with self._lock:
            self._known.pop(self.name, None)
        return True


def _life(document: Mapping[str, Any], headers: Mapping[str, str]) -> float:
    """For how many seconds a token may be used, by GitHub's clock alone."""
    end = instant(document.get("expires_at"))
    try:
        sent = parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        sent = time.time()
    return max(end.timestamp() - sent - _SPARE, 0.0) if end else 0.0
