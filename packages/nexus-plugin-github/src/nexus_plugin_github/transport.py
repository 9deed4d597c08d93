"""One HTTP call to GitHub: below the configured address, with a deadline, in errors of our tree."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, Final

import attrs
import httpx

from nexus_core.errors import Unavailable

from .answers import failure, spent
from .credentials import AppKey, Credential, Given
from .pace import LocalPace, Pace, check_open, turn
from .remembered import ANSWERS, Kept

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


class Transport:
    """Calls GitHub as somebody.

    `pause` is the time in seconds that is left after a writing call; `pace` is where it is kept, for those that share
    it with other processes.
    """

    def __init__(
        self,
        api_url: str,
        token: str | Credential,
        *,
        pause: float = 0.0,
        pace: Pace | None = None,
        timeout: float = 12.0,
    ) -> None:
        self._base = httpx.URL(api_url.rstrip("/") + "/")
        self._credential = Given(token) if isinstance(token, str) else token
        self._who = f"{self._base.host}:{self._base.port or ''}:{self._credential.name}"
        self._pace = pace or LocalPace(self._who, pause)
        headers = {"Accept": JSON, "X-GitHub-Api-Version": API_VERSION, "User-Agent": USER_AGENT}
        limit = httpx.Timeout(timeout, connect=min(5.0, timeout))
        # No proxy or netrc from the environment: the token goes where the settings say, nowhere else.
        self._http = httpx.Client(headers=headers, timeout=limit, trust_env=False, follow_redirects=False)

    @property
    def is_app(self) -> bool:
        """Whether the calls are made as the App itself, which may do little more than look at itself."""
        return isinstance(self._credential, AppKey)

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()

    def request(
        self, method: str, path: str, *, json: Any = None, params: Mapping[str, str] | None = None, paced: bool = True
    ) -> Answer:
        """Make one call; `path` is below the API's address, or an address that GitHub named there.

        A call that writes waits for its turn, unless it is not `paced` because it makes nothing that people see.

        :raises Unavailable: GitHub cannot be reached, is in trouble or limits us (`details["wait"]`, in
            seconds); with `details["unknown_outcome"]` the call may have had its effect
        :raises NexusError: as `answers.failure` says
        """
        what = f"{method} {path.partition('?')[0]}"
        url = self._below(path, what)
        url = url.copy_merge_params(params) if params else url
        kept = ANSWERS.get(self._who, str(url)) if method == "GET" else None
        with turn(self._pace) if method != "GET" and paced else nullcontext():
            check_open(self._pace, what)  # another call may have met a limit while this one waited
            response = self._allowed(method, url, what, json, kept)
        headers = {name.lower(): value for name, value in response.headers.items()}
        if response.status_code == 304 and kept is not None:
            self._pace.calm()
            return Answer(status=200, headers=kept.headers, document=kept.document)
        return self._read(response, headers, method, url, what)

    def _read(
        self, response: httpx.Response, headers: Mapping[str, str], method: str, url: httpx.URL, what: str
    ) -> Answer:
        document = _document(response)
        if error := failure(response.status_code, headers, document, what):
            if error.details.get("limited"):
                error.details["wait"] = self._pace.close(error.details["hinted"])
            raise error
        if document is None and response.content.strip() not in (b"", b"null"):
            # Not to be taken for an empty list: something between us and GitHub answered.
            raise Unavailable(f"GitHub's answer is no JSON ({what})", unknown_outcome=True)
        self._pace.calm()
        if (rest := spent(headers)) is not None:
            self._pace.close(rest)
        if method == "GET" and not _ends_full(document, url, headers):
            ANSWERS.keep(self._who, str(url), headers, document, len(response.content))
        return Answer(status=response.status_code, headers=headers, document=document)

    def _allowed(self, method: str, url: httpx.URL, what: str, json: Any, kept: Kept | None) -> httpx.Response:
        """Send; once more with another token when there is one. What was refused had no effect."""
        response = self._follow(method, url, what, json, kept)
        if response.status_code == 401 and self._credential.refused(
            {name.lower(): value for name, value in response.headers.items()}
        ):
            response = self._follow(method, url, what, json, kept)
        return response

    def _follow(self, method: str, url: httpx.URL, what: str, json: Any, kept: Kept | None) -> httpx.Response:
        """Send, and follow one redirect (a renamed repository): same method, same host."""
        response = self._send(method, url, what, json, kept)
        if response.status_code not in _REDIRECTS:
            return response
        target = self._below(response.headers.get("location", ""), what, start=url)
        response = self._send(method, target, what, json, kept)
        if response.status_code in _REDIRECTS:
            raise Unavailable(f"GitHub redirects in circles ({what})")
        return response

    def _send(self, method: str, url: httpx.URL, what: str, json: Any, kept: Kept | None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._credential.token()}"}
        headers |= {"If-None-Match": kept.etag} if kept else {}
        try:
            return self._http.request(method, url, headers=headers, **({} if json is None else {"json": json}))
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


def _ends_full(document: Any, url: httpx.URL, headers: Mapping[str, str]) -> bool:
    """Whether this is a full page with none after it: when one comes after it, its mark may stay what it is."""
    lists = [document] if isinstance(document, list) else document.values() if isinstance(document, dict) else ()
    size = int(found) if (found := url.params.get("per_page", "30")).isdecimal() else 30
    full = any(isinstance(one, list) and len(one) >= size for one in lists)
    return full and 'rel="next"' not in headers.get("link", "")


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
