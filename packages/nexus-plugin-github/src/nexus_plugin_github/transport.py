"""One HTTP call to GitHub: below the configured address, with a deadline, in errors of our tree."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any, Final

import attrs
import httpx

from nexus_core.errors import Unavailable

from .answers import failure

USER_AGENT: Final = "nexus-plugin-github"
API_VERSION: Final = "2022-11-28"
JSON: Final = "application/vnd.github+json"
_TIMEOUT = httpx.Timeout(15.0, connect=5.0)
_REDIRECTS = (301, 302, 307, 308)


@attrs.frozen(kw_only=True)
class Answer:
    """A success."""

    status: int
    headers: Mapping[str, str]  #: lower-case names
    document: Any = attrs.field(repr=False)  #: the JSON of the body, or None


class _Pace:
    """Lets one writing call out at a time, so far apart, in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free_at = 0.0

    def wait(self, pause: float) -> None:
        """Sleep until it is this call's turn."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._free_at)
            self._free_at = turn + pause
        time.sleep(turn - now)


_PACE = _Pace()


class Transport:
    """Calls GitHub. `pause` is the time in seconds that is left between two writing calls."""

    def __init__(self, api_url: str, token: str, *, pause: float = 0.0) -> None:
        self._base = httpx.URL(api_url.rstrip("/") + "/")
        self._pause = pause
        headers = {
            "Authorization": f"Bearer {token.strip()}",
            "Accept": JSON,
            "X-GitHub-Api-Version": API_VERSION,
            "User-Agent": USER_AGENT,
        }
        # No proxy or netrc from the environment: the token goes where the settings say, nowhere else.
        self._http = httpx.Client(headers=headers, timeout=_TIMEOUT, trust_env=False, follow_redirects=False)

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def request(self, method: str, path: str, *, json: Any = None, params: Mapping[str, str] | None = None) -> Answer:
        """Make one call; `path` is below the API's address.

        :raises Unavailable: GitHub cannot be reached, is in trouble or limits us (`details["wait"]`, in
            seconds); with `details["unknown_outcome"]` the call may have had its effect
        :raises NexusError: as `answers.failure` says
        """
        what = f"{method} {path.partition('?')[0]}"
        if method != "GET" and self._pause:
            _PACE.wait(self._pause)
        response = self._follow(method, self._below(path, what), what, json=json, params=params)
        headers = {name.lower(): value for name, value in response.headers.items()}
        document = _document(response)
        if error := failure(response.status_code, headers, document, what):
            raise error
        return Answer(status=response.status_code, headers=headers, document=document)

    def _follow(self, method: str, url: httpx.URL, what: str, **how: Any) -> httpx.Response:
        """Send, and follow one redirect (a renamed repository): same method, same host."""
        response = self._send(method, url, what, **how)
        if response.status_code not in _REDIRECTS:
            return response
        target = self._below(response.headers.get("location", ""), what, start=url)
        response = self._send(method, target, what, **{**how, "params": None})
        if response.status_code in _REDIRECTS:
            raise Unavailable(f"GitHub redirects in circles ({what})")
        return response

    def _send(self, method: str, url: httpx.URL, what: str, **how: Any) -> httpx.Response:
        given = {name: value for name, value in how.items() if value is not None}
        try:
            return self._http.request(method, url, **given)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unavailable(f"GitHub cannot be reached ({what}): {error}") from None
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise Unavailable(f"GitHub did not answer ({what}): {reason}", unknown_outcome=True) from None

    def _below(self, path: str, what: str, start: httpx.URL | None = None) -> httpx.URL:
        """The address of a path, which must be on the host that the token is meant for."""
        try:
            url = (start or self._base).join(path)
        except httpx.InvalidURL as error:
            raise Unavailable(f"GitHub names no address that can be called ({what}): {error}") from None
        if (url.scheme, url.host, url.port) != (self._base.scheme, self._base.host, self._base.port):
            raise Unavailable(f"GitHub points to another host, where our token does not go ({what})")
        return url


def post_form(site: str, path: str, form: Mapping[str, str]) -> Mapping[str, Any]:
    """What GitHub's login answers to a form, refusals too: they come with 200, and with 400 as the RFC has it.

    :raises Unavailable: there is no such answer
    """
    headers = {"Accept": "application/json", "User-Agent": USER_AGENT}
    # Neither a proxy of the environment nor a redirect gets to see the secrets in it.
    with httpx.Client(headers=headers, timeout=_TIMEOUT, trust_env=False, follow_redirects=False) as http:
        try:
            response = http.post(f"{site.rstrip('/')}/{path}", data=dict(form))
        except httpx.HTTPError as error:
            raise Unavailable(f"GitHub did not answer ({path}): {error or type(error).__name__}") from None
    document = _document(response)
    if response.status_code not in (200, 400) or not isinstance(document, dict):
        raise Unavailable(f"GitHub answered {response.status_code} ({path})")
    return document


def _document(response: httpx.Response) -> Any:
    try:
        return response.json() if response.content else None
    except (ValueError, RecursionError):
        return None
