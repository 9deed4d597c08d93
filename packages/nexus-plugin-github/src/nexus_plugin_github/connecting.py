"""From the settings to a connection: as the App, as an installation of it, or by a token."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from nexus_core.errors import Forbidden, NotFound, Unavailable

from .credentials import AppKey, Credential, Given, Installation
from .pace import Pace
from .reading import login, rows, table, whole
from .settings import Settings
from .transport import Transport

#: Makes the pace of a name: seconds between writing calls.
MakePace = Callable[[str, float], Pace]

_ROWS: Final = 100
_PAGES: Final = 50
_GOOD_FOR: Final = 600.0  #: seconds that it is remembered where the App is installed
_where: dict[tuple[str, str, str], tuple[int, float]] = {}
_lock = threading.Lock()
_apps: dict[tuple[str, str, int], AppKey] = {}


def connect(settings: Settings, repository: str = "", pace: MakePace | None = None) -> Transport:
    """A connection for calls about a repository (or an account); without one, as the App itself or by token.

    :raises Unavailable: no access is configured
    :raises NotFound: the App is not installed on that account
    """
    return _transport(settings, credential(settings, repository), pace)


def _transport(settings: Settings, who: Credential, pace: MakePace | None) -> Transport:
    pause = settings.write_pause / 1000
    return Transport(settings.api_url, who, pause=pause, pace=pace(_pace_name(settings, who), pause) if pace else None)


def _pace_name(settings: Settings, who: Credential) -> str:
    return f"github:{settings.api_url}:{who.name}"


def credential(settings: Settings, repository: str = "") -> Credential:
    """Who we are for a repository. The App comes before a token.

    :raises Unavailable: no access is configured
    :raises NotFound: the App is not installed on the repository's account
    """
    if settings.missing_access:
        raise Unavailable(settings.missing_access)
    if not settings.is_app:
        return Given(settings.token or "")
    app = _app(settings)
    owner = repository.partition("/")[0]
    if not owner:
        return app
    number = installation_of(settings, owner)
    path = f"app/installations/{number}/access_tokens"

    def ask() -> tuple[Mapping[str, Any], Mapping[str, str]]:
        transport = _transport(settings, app, None)
        try:
            answer = transport.request("POST", path, paced=False)
        except NotFound:
            forget(settings, owner)  # it was uninstalled meanwhile
            raise
        finally:
            transport.close()
        return table(answer.document), answer.headers

    return Installation(f"app-{app.app_id}-{number}-{settings.api_url}", ask)


def _app(settings: Settings) -> AppKey:
    app_id, key = settings.app_id or "", settings.app_private_key or ""
    with _lock:
        place = (settings.api_url, app_id, hash(key))
        return _apps.setdefault(place, AppKey(app_id, key))


def installation_of(settings: Settings, owner: str) -> int:
    """The id of the App's installation on an account; remembered for ten minutes.

    :raises NotFound: there is none
    :raises Forbidden: it is suspended
    """
    place = (settings.api_url, settings.app_id or "", owner.lower())
    with _lock:
        number, until = _where.get(place, (0, 0.0))
    if until > time.monotonic():
        return number
    found = whole(installation(settings, owner).get("id")) or 0
    with _lock:
        _where[place] = (found, time.monotonic() + _GOOD_FOR)
    return found


def forget(settings: Settings, owner: str) -> None:
    """Look up again where the App is installed, such as after it was taken away."""
    with _lock:
        _where.pop((settings.api_url, settings.app_id or "", owner.lower()), None)


def installation(settings: Settings, owner: str) -> Mapping[str, Any]:
    """The App's installation on an account as GitHub has it now, with its permissions and events.

    :raises NotFound: there is none
    :raises Forbidden: it is suspended
    """
    transport = _transport(settings, _app(settings), None)
    try:
        for page in range(1, _PAGES + 1):
            params = {"per_page": str(_ROWS), "page": str(page)}
            found = rows(transport.request("GET", "app/installations", params=params).document)
            for row in found:
                if login(row.get("account")).lower() == owner.lower() and whole(row.get("id")):
                    if row.get("suspended_at"):
                        raise Forbidden(f"the GitHub App is suspended on {owner}; an owner of it can unsuspend it")
                    return row
            if len(found) < _ROWS:
                break
    finally:
        transport.close()
    raise NotFound(
        f"the GitHub App {settings.app_id} is not installed on {owner}; install it there for this repository"
    )
