"""A stand-in for Slack on this machine: it takes what Slack would take, and refuses what Slack would refuse.

It speaks the few methods of Slack's Web API that Nexus calls, and sends signed commands and presses of
buttons to a hub as Slack would.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any

import attrs

Json = dict[str, Any]

TOKEN = "xoxb-stand-in"  # noqa: S105 - a made-up token that only this stand-in takes
BLOCK_TYPES = frozenset({"section", "header", "divider", "context", "actions", "image", "input", "rich_text"})
MAX_BLOCKS = 50
MAX_TEXT = 3000
MAX_FALLBACK = 40_000


@attrs.frozen(kw_only=True)
class Request:
    """One call that reached the stand-in."""

    method: str  #: such as `chat.postMessage`
    arguments: Json
    token: str | None
    at: float  #: seconds, by the machine's clock


class SlackStandIn:
    """Slack's Web API on a free port of the loopback interface, for the time of a `with` block."""

    def __init__(self, *, token: str = TOKEN, channels: tuple[str, ...] = ("nexus", "general")) -> None:
        self.token = token
        self.channels = {f"C0{place:08d}": name for place, name in enumerate(channels, 1)}
        self.messages: list[Json] = []  #: what stands in the channels, oldest first
        self.ephemeral: list[Json] = []  #: what only one person was shown
        self.requests: list[Request] = []  #: every call, refused ones too
        self._lock = Lock()
        self._limited, self._retry_after, self._dropped = 0, 1, 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """What NEXUS_SLACK_API_URL is to be."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/api/"

    def __enter__(self) -> SlackStandIn:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def limit(self, calls: int, retry_after: int = 1) -> None:
        """Answer the next `calls` calls with 429, asking to wait `retry_after` seconds."""
        with self._lock:
            self._limited, self._retry_after = calls, retry_after

    def drop(self, calls: int = 1) -> None:
        """Do what the next `calls` calls that post ask for, then break the connection without an answer."""
        with self._lock:
            self._dropped = calls

    def called(self, method: str) -> list[Request]:
        """The calls of one method."""
        return [request for request in self.requests if request.method == method]

    def answer(self, request: Request) -> tuple[int, Json] | None:
        """Status and document for a call; None = the connection is to break."""
        with self._lock:
            self.requests.append(request)
            if self._limited:
                self._limited -= 1
                return 429, {"ok": False, "error": "ratelimited", "retry_after": self._retry_after}
            if request.token != self.token:
                return 200, _no("invalid_auth" if request.token else "not_authed")
            method = _METHODS.get(request.method)
            document = method(self, request.arguments) if method else _no("unknown_method")
            if self._dropped and document["ok"] and request.method.startswith("chat."):
                self._dropped -= 1
                return None
            return 200, document

    def channel_id(self, name: Any, *, by_name: bool = False) -> str | None:
        """The id of a channel that exists; names count only where Slack takes them."""
        if by_name and isinstance(name, str):
            wanted = name.removeprefix("#")
            return next((found for found, known in self.channels.items() if wanted in (known, found)), None)
        return name if name in self.channels else None


def _no(error: str, **details: Any) -> Json:
    return {"ok": False, "error": error, **details}


# --- The methods ---


def _auth_test(slack: SlackStandIn, arguments: Json) -> Json:
    return {
        "ok": True,
        "url": "https://stand-in.slack.com/",
        "team": "Stand-in",
        "user": "nexus",
        "team_id": "T00000001",
        "user_id": "U00000001",
        "bot_id": "B00000001",
    }


def _post_message(slack: SlackStandIn, arguments: Json) -> Json:
    channel = slack.channel_id(arguments.get("channel"), by_name=True)
    fault = message_fault(arguments)
    if channel is None or fault:
        return _no("channel_not_found") if channel is None else _no("invalid_blocks", errors=[fault])
    ts = f"{time.time():.3f}{len(slack.messages):03d}"
    message = {
        "type": "message",
        "ts": ts,
        "channel": channel,
        "user": "U00000001",
        "bot_id": "B00000001",
        "text": arguments.get("text", ""),
        "blocks": arguments.get("blocks", []),
        "metadata": arguments.get("metadata"),
        "unfurl_links": arguments.get("unfurl_links", True),
    }
    slack.messages.append(message)
    return {"ok": True, "channel": channel, "ts": ts, "message": message}


def _update(slack: SlackStandIn, arguments: Json) -> Json:
    place = (slack.channel_id(arguments.get("channel")), arguments.get("ts"))
    found = next((message for message in slack.messages if (message["channel"], message["ts"]) == place), None)
    if found is None:
        return _no("message_not_found" if place[0] else "channel_not_found")
    if fault := message_fault(arguments):
        return _no("invalid_blocks", errors=[fault])
    found.update(text=arguments.get("text", ""), blocks=arguments.get("blocks", []), edited={"ts": found["ts"]})
    return {"ok": True, "channel": place[0], "ts": place[1], "text": found["text"]}


def _post_ephemeral(slack: SlackStandIn, arguments: Json) -> Json:
    channel = slack.channel_id(arguments.get("channel"), by_name=True)
    if channel is None:
        return _no("channel_not_found")
    if not isinstance(arguments.get("user"), str) or not arguments["user"]:
        return _no("user_not_in_channel")
    if fault := message_fault(arguments):
        return _no("invalid_blocks", errors=[fault])
    slack.ephemeral.append({**arguments, "channel": channel})
    return {"ok": True, "message_ts": f"{time.time():.6f}"}


def _history(slack: SlackStandIn, arguments: Json) -> Json:
    channel = slack.channel_id(arguments.get("channel"))
    if channel is None:
        return _no("channel_not_found")
    oldest = float(arguments.get("oldest") or 0)
    with_metadata = str(arguments.get("include_all_metadata", "")).lower() in ("1", "true")
    found = [
        message if with_metadata else {**message, "metadata": None}
        for message in reversed(slack.messages)
        if message["channel"] == channel and float(message["ts"]) > oldest
    ]
    return {"ok": True, **_page("messages", found, arguments)}


def _list(slack: SlackStandIn, arguments: Json) -> Json:
    channels = [{"id": found, "name": name, "is_channel": True} for found, name in slack.channels.items()]
    return {"ok": True, **_page("channels", channels, arguments)}


def _page(key: str, items: list[Json], arguments: Json) -> Json:
    start, limit = int(arguments.get("cursor") or 0), int(arguments.get("limit") or 100)
    end = start + limit
    cursor = str(end) if end < len(items) else ""
    return {key: items[start:end], "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}


_METHODS: Mapping[str, Callable[[SlackStandIn, Json], Json]] = {
    "auth.test": _auth_test,
    "chat.postMessage": _post_message,
    "chat.postEphemeral": _post_ephemeral,
    "chat.update": _update,
    "conversations.history": _history,
    "conversations.list": _list,
}


# --- What Slack accepts as a message ---


def message_fault(arguments: Json) -> str | None:
    """What Slack would find wrong with a message; None when it would take it."""
    text, blocks = arguments.get("text", ""), arguments.get("blocks") or []
    if not isinstance(text, str) or len(text) > MAX_FALLBACK:
        return "text: expected a text of at most 40000 characters"
    if not text and not blocks:
        return "no_text: expected a text or blocks"
    if not isinstance(blocks, list) or len(blocks) > MAX_BLOCKS:
        return "blocks: expected a list of at most 50 blocks"
    faults = (fault for place, block in enumerate(blocks) if (fault := _block_fault(block, f"blocks/{place}")))
    return next(faults, None)


def _block_fault(block: Any, where: str) -> str | None:
    if not isinstance(block, dict) or block.get("type") not in BLOCK_TYPES:
        return f"{where}/type: no such block"
    if len(str(block.get("block_id", ""))) > 255:
        return f"{where}/block_id: at most 255 characters"
    check = {
        "section": _section_fault,
        "header": _header_fault,
        "context": _context_fault,
        "actions": _actions_fault,
    }
    found = check.get(block["type"])
    return found(block, where) if found else None


def _section_fault(block: Json, where: str) -> str | None:
    fields = block.get("fields", [])
    if "text" not in block and not fields:
        return f"{where}: a section needs a text or fields"
    if not isinstance(fields, list) or len(fields) > 10:
        return f"{where}/fields: at most 10"
    faults = [_text_fault(field, f"{where}/fields", 2000) for field in fields]
    own = _text_fault(block["text"], f"{where}/text", MAX_TEXT) if "text" in block else None
    return own or next((fault for fault in faults if fault), None)


def _header_fault(block: Json, where: str) -> str | None:
    return _text_fault(block.get("text"), f"{where}/text", 150, kinds=("plain_text",))


def _context_fault(block: Json, where: str) -> str | None:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= 10:
        return f"{where}/elements: expected 1 to 10"
    faults = (_text_fault(element, f"{where}/elements", MAX_TEXT) for element in elements)
    return next((fault for fault in faults if fault), None)


def _actions_fault(block: Json, where: str) -> str | None:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= 25:
        return f"{where}/elements: expected 1 to 25"
    ids = [element.get("action_id") if isinstance(element, dict) else None for element in elements]
    if len(set(ids)) != len(ids) or not all(isinstance(id_, str) and 0 < len(id_) <= 255 for id_ in ids):
        return f"{where}/elements: each needs an action_id of its own"
    faults = (_button_fault(element, f"{where}/elements/{place}") for place, element in enumerate(elements))
    return next((fault for fault in faults if fault), None)


def _button_fault(button: Json, where: str) -> str | None:
    if button.get("type") != "button":
        return f"{where}/type: the stand-in knows buttons only"
    if len(str(button.get("value", ""))) > 2000:
        return f"{where}/value: at most 2000 characters"
    return _text_fault(button.get("text"), f"{where}/text", 75, kinds=("plain_text",))


def _text_fault(text: Any, where: str, limit: int, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")) -> str | None:
    if not isinstance(text, dict) or text.get("type") not in kinds:
        return f"{where}/type: expected {' or '.join(kinds)}"
    said = text.get("text")
    if not isinstance(said, str) or not 1 <= len(said) <= limit:
        return f"{where}/text: expected 1 to {limit} characters"
    return None


# --- The wire ---


def _handler(slack: SlackStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Reads calls as Slack does: arguments in the query, in a form or as JSON; the token in a header."""

        def do_POST(self) -> None:
            """Answer one call."""
            split = urllib.parse.urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            arguments = dict(urllib.parse.parse_qsl(split.query)) | _arguments(self.headers.get_content_type(), body)
            scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
            request = Request(
                method=split.path.removeprefix("/api/"),
                arguments=arguments,
                token=token if scheme == "Bearer" and token else None,
                at=time.time(),
            )
            self._send(slack.answer(request))

        do_GET = do_POST

        def _send(self, answer: tuple[int, Json] | None) -> None:
            if answer is None:
                self.close_connection = True
                self.connection.close()
                return
            status, document = answer
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            if status == 429:
                self.send_header("Retry-After", str(document["retry_after"]))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet; the calls are recorded."""

    return Handler


def _arguments(content_type: str, body: bytes) -> Json:
    if not body:
        return {}
    if content_type == "application/json":
        document = json.loads(body)
        return document if isinstance(document, dict) else {}
    return dict(urllib.parse.parse_qsl(body.decode()))


# --- What Slack sends ---


def signed_command(
    hub_url: str, secret: str, text: str, user: str = "U1", *, command: str = "/nexus", team: str = "T1"
) -> tuple[int, Any]:
    """Send a slash command to a hub as Slack would: its answer's status and JSON (or text)."""
    now = f"{time.time_ns()}"
    fields = {
        "token": "unused",
        "team_id": team,
        "team_domain": "stand-in",
        "channel_id": "C000000001",
        "channel_name": "nexus",
        "user_id": user,
        "user_name": user.lower(),
        "command": command,
        "text": text,
        "api_app_id": "A1",
        "response_url": "https://hooks.slack.com/commands/T1/1/stand-in",
        "trigger_id": f"{now}.1.stand-in",
    }
    return send_signed(hub_url, secret, urllib.parse.urlencode(fields).encode())


def signed_press(
    hub_url: str,
    secret: str,
    message: Mapping[str, Any],
    button: Mapping[str, Any],
    user: str = "U1",
    team: str = "T1",
) -> tuple[int, Any]:
    """Press a button of a message in the channel as a person would: the hub's status and answer."""
    now = time.time()
    payload = {
        "type": "block_actions",
        "user": {"id": user, "username": user.lower(), "team_id": team},
        "api_app_id": "A1",
        "container": {"type": "message", "message_ts": message["ts"], "channel_id": message["channel"]},
        "trigger_id": f"{now}.1.stand-in",
        "team": {"id": team, "domain": "stand-in"},
        "channel": {"id": message["channel"], "name": "nexus"},
        "response_url": "https://hooks.slack.com/actions/T1/1/stand-in",
        "actions": [{**button, "block_id": "b", "action_ts": f"{now:.6f}"}],
    }
    return send_signed(hub_url, secret, urllib.parse.urlencode({"payload": json.dumps(payload)}).encode())


def send_signed(
    hub_url: str, secret: str, body: bytes, content_type: str = "application/x-www-form-urlencoded"
) -> tuple[int, Any]:
    """Send a body to a hub's Slack webhook, signed at this moment: status and JSON (or text)."""
    timestamp = str(int(time.time()))
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": content_type,
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={digest}",
    }
    url = f"{hub_url.rstrip('/')}/api/v1/webhooks/slack"
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310 - the hub's address
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - the hub's address
            return response.status, _document(response.read())
    except urllib.error.HTTPError as error:
        return error.code, _document(error.read())


def _document(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")
