"""A small real GitHub on this machine: its REST API over real bare repositories, and its signed webhooks."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import socket
import threading
import time
import uuid
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

from . import github_checks, github_hooks, github_issues  # noqa: F401 - importing them adds their endpoints
from .github_api import Request, Response, answer
from .github_apps import AppDesk
from .github_limits import Limits
from .github_login import LoginDesk
from .github_shapes import BOT, Json, Pull, signature
from .github_world import Refused, World

API_VERSION: Final = "2022-11-28"
LARGEST_BODY: Final = 40 * 1024 * 1024


@attrs.frozen(kw_only=True)
class Recorded:
    """A request as it came in."""

    method: str
    path: str  #: as sent, with the query
    body: bytes
    headers: Mapping[str, str]
    status: int = 0  #: what was answered; 0 = the connection was cut

    @property
    def json(self) -> Any:
        """The body as JSON, or None."""
        return json.loads(self.body) if self.body else None


@attrs.frozen(kw_only=True)
class Delivered:
    """A webhook that was sent."""

    id: str
    event: str
    status: int  #: the hub's answer; 0 = it could not be reached
    error: str = ""


@attrs.define(kw_only=True)
class Trouble:
    """Something that goes wrong with the next requests that fit."""

    method: str
    path: re.Pattern[str]
    status: int  #: 0 = the connection is cut
    headers: Mapping[str, str]
    after: bool  #: the request has its effect before its answer is lost
    times: int
    message: str = "Trouble"
    delay: float = 0.0  #: seconds before the answer


class GitHubStandIn:
    """GitHub for a demonstration or a test: a context manager that listens on a free port of this machine.

    It serves the given bare repositories, by `owner/name`. What it is sent it checks as GitHub would: the
    token, the fields, the branches, the encoding. With `webhook_url` and `secret` it sends webhooks by itself
    when a pull request is opened, closed or merged; `deliver` sends one by hand.
    """

    def __init__(
        self, repositories: Mapping[str, Path], *, token: str, webhook_url: str = "", secret: str = ""
    ) -> None:
        self.token = token
        self.webhook_url = webhook_url
        self.secret = secret
        self.requests: list[Recorded] = []
        self.deliveries: list[Delivered] = []
        self.world = World(repositories, self._announce)
        self.apps = AppDesk()  #: the GitHub App; a test registers its own there
        self.limits = Limits()
        self.desk = LoginDesk()  #: where people log in; a test sets up its application there
        self._troubles: list[Trouble] = []
        self._threads: list[threading.Thread] = []
        self._server: ThreadingHTTPServer | None = None

    # Living

    def __enter__(self) -> Self:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        self._server = server
        self.world.address = f"http://127.0.0.1:{server.server_address[1]}"
        # Ending must not wait for the usual half second: tests start many of these.
        self._start(lambda: server.serve_forever(poll_interval=0.02))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        self.settle()

    @property
    def url(self) -> str:
        """The address of the API: what `NEXUS_GITHUB_API_URL` is set to."""
        return self.world.address

    def settle(self, seconds: float = 10.0) -> None:
        """Wait until the webhooks on their way have arrived."""
        for thread in self._threads[1:]:
            thread.join(seconds)

    def _start(self, run: Any) -> None:
        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    # What people do on GitHub

    def pull(self, repository: str, number: int) -> Pull:
        """A pull request as it stands."""
        return self.world.pull(repository, number)

    def open_pull(self, repository: str, *, head: str, base: str, title: str, body: str = "", by: str) -> Pull:
        """Somebody opens a pull request."""
        return self.world.open_pull(repository, head=head, base=base, title=title, body=body, author=by)

    def merge(self, repository: str, number: int, *, by: str = "octocat") -> Pull:
        """Somebody merges a pull request: the branch really is merged in the repository."""
        return self.world.merge(repository, number, by)

    def close(self, repository: str, number: int, *, by: str = "octocat") -> Pull:
        """Somebody closes a pull request without merging it."""
        return self.world.close_pull(repository, number, by)

    # Webhooks

    def pull_payload(self, repository: str, number: int, action: str, *, sender: str = "octocat") -> Json:
        """What GitHub sends about a pull request as it stands now."""
        return self.world.pull_payload(self.world.pull(repository, number), action, sender)

    def deliver(
        self, event: str, payload: Json, *, url: str = "", secret: str = "", delivery_id: str = ""
    ) -> Delivered:
        """Send a signed webhook and wait for the answer. As at GitHub, nothing sends it again by itself."""
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        guid = delivery_id or str(uuid.uuid4())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/stand-in",
            "X-GitHub-Delivery": guid,
            "X-GitHub-Event": event,
            "X-GitHub-Hook-ID": "1",
            "X-Hub-Signature-256": signature(body, secret or self.secret),
        }
        status, error = _post(url or self.webhook_url, body, headers)
        done = Delivered(id=guid, event=event, status=status, error=error)
        self.deliveries.append(done)
        return done

    def _announce(self, event: str, payload: Json) -> None:
        if self.webhook_url and self.secret:
            self._start(lambda: self.deliver(event, payload))

    # Trouble

    def trouble(
        self,
        method: str,
        path: str,
        status: int,
        *,
        headers: Mapping[str, str] | None = None,
        after: bool = False,
        times: int = 1,
        message: str = "Trouble",
        delay: float = 0.0,
    ) -> None:
        """Let the next requests go wrong in whose path the pattern is found. Status 0 cuts the connection."""
        self._troubles.append(
            Trouble(
                method=method, path=re.compile(path), status=status, headers=headers or {}, after=after, times=times,
                message=message, delay=delay,
            )
        )  # fmt: skip

    def _trouble_for(self, method: str, path: str) -> Trouble | None:
        for trouble in self._troubles:
            if trouble.times > 0 and trouble.method == method and trouble.path.search(path):
                trouble.times -= 1
                return trouble
        return None

    # Answering

    def respond(self, recorded: Recorded) -> Response | None:
        """The answer to a request; None cuts the connection."""
        path = urlsplit(recorded.path).path
        self.limits.begin(recorded.method, path)
        try:
            return self._respond(recorded)
        finally:
            self.limits.end(recorded.method, path)

    def _respond(self, recorded: Recorded) -> Response | None:
        trouble = self._trouble_for(recorded.method, recorded.path)
        if trouble is None:
            return self._marked(recorded, self._answer(recorded))
        if trouble.after:
            self._answer(recorded)
        time.sleep(trouble.delay)
        if not trouble.status:
            return None
        return Response(status=trouble.status, document={"message": trouble.message}, headers=trouble.headers)

    def _marked(self, recorded: Recorded, response: Response) -> Response:
        """With its mark, or as 304 when the asker has it already; that costs nothing of the limit."""
        headers = dict(response.headers)
        if recorded.method == "GET" and response.status == 200 and response.raw is None:
            content = json.dumps(response.document).encode()
            headers["ETag"] = f'W/"{hashlib.sha256(content).hexdigest()}"'
            if recorded.headers.get("if-none-match") == headers["ETag"]:
                return Response(status=304, headers=headers | dict(self.limits.headers()))
        if not self.limits.spend():
            headers = {}
            response = Response(status=403, document={"message": "API rate limit exceeded for installation"})
        return attrs.evolve(response, headers=headers | dict(self.limits.headers()))

    def _answer(self, recorded: Recorded) -> Response:
        try:
            told = self.desk.answer(recorded.method, recorded.path, recorded.body, recorded.headers)
            return told or self._called(recorded)
        except Refused as refusal:
            return Response(status=refusal.status, document=refusal.document)

    def _called(self, recorded: Recorded) -> Response:
        request = self._let_in(recorded)
        if request.path.startswith("app/hook/deliveries") and self.apps.answer("GET", "app", {}, _token(recorded)):
            return github_hooks.app_deliveries(self.world, request)
        if request.path == "app" or request.path.startswith("app/"):
            told = self.apps.answer(request.method, request.path, request.query, _token(recorded), request.document)
            if told is None:
                raise Refused(401, "A JSON web token could not be decoded")
            return Response(status=told[0], document=told[1])
        return answer(self.world, request)

    def _let_in(self, recorded: Recorded) -> Request:
        headers = recorded.headers
        if not headers.get("user-agent"):
            raise Refused(403, "Request forbidden by administrative rules. Please set a User-Agent header.")
        if not headers.get("authorization"):
            raise Refused(401, "Requires authentication")
        parts = urlsplit(recorded.path)
        path = "/".join(unquote(segment) for segment in parts.path.strip("/").split("/"))
        installation = self.apps.holder(_token(recorded))
        is_app_call = path == "app" or path.startswith("app/")
        if not is_app_call and installation is None and _token(recorded) != self.token:
            raise Refused(401, "Bad credentials")
        if installation is not None and path.startswith("repos/"):
            self._check_reach(path, installation.owner)
        if headers.get("x-github-api-version", API_VERSION) != API_VERSION:
            raise Refused(400, "The API version is not supported")
        return Request(
            method=recorded.method,
            path=path,
            query=dict(parse_qsl(parts.query)),
            accept=headers.get("accept", ""),
            document=_parsed(recorded.body),
            app=self.apps.app.id if self.apps.app and installation else None,
        )

    def _check_reach(self, path: str, owner: str) -> None:
        """A token of an installation reaches the repositories of its account, and no others."""
        if path.split("/")[1].lower() != owner.lower():
            raise Refused(404, "Not Found")


def _token(recorded: Recorded) -> str:
    kind, _, token = recorded.headers.get("authorization", "").partition(" ")
    return token if kind in ("Bearer", "token") else ""


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        raise Refused(400, "Problems parsing JSON") from None


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    """Post, with no proxy between; the status, or 0 and why there is none. Ten seconds, as GitHub waits."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=10)
    try:
        connection.request("POST", parts.path or "/", body, dict(headers))
        response = connection.getresponse()
        said = response.read().decode("utf-8", "replace")
        return response.status, "" if response.status < 300 else said[:500]
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()


def _handler(standin: GitHubStandIn) -> type[BaseHTTPRequestHandler]:
    """The request handler of one stand-in."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "GitHub.com"
        sys_version = ""

        def _serve(self) -> None:
            length = min(int(self.headers.get("content-length") or 0), LARGEST_BODY)
            headers = {name.lower(): value for name, value in self.headers.items()}
            recorded = Recorded(method=self.command, path=self.path, body=self.rfile.read(length), headers=headers)
            response = standin.respond(recorded)
            status = response.status if response else 0
            standin.requests.append(attrs.evolve(recorded, status=status))
            if response is None:
                self._cut()
            else:
                self._send(response)

        def _cut(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def _send(self, response: Response) -> None:
            content = response.raw
            if content is None:
                content = b"" if response.status in (204, 304) else json.dumps(response.document).encode()
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            if response.status not in (204, 304):
                kind = "application/vnd.github.raw" if response.raw is not None else "application/json"
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: what came in is recorded."""

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

    return Handler


__all__ = ["BOT", "Delivered", "GitHubStandIn", "Recorded"]
