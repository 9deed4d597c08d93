"""Slack's side of the wire without any I/O: whether a request is Slack's, and what it says.

`slack_sdk`'s own verifier raises on hostile headers (ValueError, TypeError, UnicodeDecodeError) and takes
digits of any script for a timestamp. Here the only outcomes are a value, `Unauthenticated`, or `Invalid`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import attrs

from nexus_core.domain.deliveries import VerifiedDelivery
from nexus_core.errors import Invalid, Unauthenticated

SOURCE = "slack"
WINDOW = 300  #: seconds that a timestamp may be off, either way
MAX_CHALLENGE = 500  #: characters of a challenge that are echoed
SIGNATURE = "x-slack-signature"
TIMESTAMP = "x-slack-request-timestamp"

_DIGITS = re.compile(r"[0-9]{1,12}")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,59}")
_TOKEN = re.compile(r"[A-Za-z0-9._-]{1,100}")
_HEADER = re.compile(r"[ -~]{1,200}")
_KEPT_HEADERS = ("content-type", "x-slack-retry-num", "x-slack-retry-reason")
_MAX_FIELDS = 100


@attrs.frozen(kw_only=True)
class Request:
    """What a signed request says, whatever its form: a command, an interaction, an event."""

    kind: str  #: `slash_command`, `block_actions`, `url_verification`, `event.app_mention` …
    data: Mapping[str, Any]  #: the form's fields, or the JSON object

    def text(self, *path: str) -> str:
        """The text at a path of keys; empty when there is none."""
        here: Any = self.data
        for key in path:
            here = here.get(key) if isinstance(here, Mapping) else None
        return here if isinstance(here, str) else ""

    @property
    def user(self) -> str:
        """Slack's id of the person who asks."""
        return self.text("user_id") or self.text("user", "id") or self.text("event", "user")

    @property
    def team(self) -> str:
        """Slack's id of the workspace; of the person's own in a shared channel."""
        return self.text("user", "team_id") or self.text("team_id") or self.text("team", "id")

    @property
    def channel(self) -> str:
        """Slack's id of the channel."""
        return self.text("channel_id") or self.text("channel", "id") or self.text("container", "channel_id")

    @property
    def message_ts(self) -> str:
        """Slack's id of the message that a button belongs to."""
        return self.text("container", "message_ts") or self.text("message", "ts") or self.text("message_ts")

    @property
    def actions(self) -> tuple[Mapping[str, Any], ...]:
        """The buttons that were pressed."""
        found = self.data.get("actions")
        return tuple(item for item in found if isinstance(item, Mapping)) if isinstance(found, list) else ()


def verify(body: bytes, headers: Mapping[str, str], now: datetime, secrets: Sequence[str]) -> VerifiedDelivery:
    """The delivery, when Slack signed it within the last five minutes.

    Slack's check of the certificate (`ssl_check=1`) comes unsigned. It is let through without its content,
    always under one id, so that nobody can store anything by it.

    :raises Unauthenticated: it is not Slack's, is too old, or no secret is configured
    :raises Invalid: Slack signed it and it still makes no sense
    """
    if not secrets:
        raise Unauthenticated("Slack's requests are refused: NEXUS_SLACK_SIGNING_SECRET is not set")
    if SIGNATURE not in headers and TIMESTAMP not in headers and _is_ssl_check(body):
        return VerifiedDelivery(source=SOURCE, id="ssl_check", kind="ssl_check", body=b"")
    signature = check_signature(body, headers, now, secrets)
    request = parse(body)
    return VerifiedDelivery(
        source=SOURCE,
        id=delivery_id(request, signature),
        kind=request.kind,
        body=body,
        headers={name: headers[name] for name in _KEPT_HEADERS if _HEADER.fullmatch(headers.get(name) or "")},
        subject=f"{request.channel}:{request.message_ts}" if request.message_ts else None,
    )


def check_signature(body: bytes, headers: Mapping[str, str], now: datetime, secrets: Sequence[str]) -> str:
    """The signature as Slack sent it, when it is right.

    :raises Unauthenticated: it is missing, malformed, wrong, or outside the window
    """
    timestamp, signature = headers.get(TIMESTAMP), headers.get(SIGNATURE)
    if not isinstance(timestamp, str) or not isinstance(signature, str):
        raise Unauthenticated("the request carries no signature of Slack")
    if not _DIGITS.fullmatch(timestamp):
        raise Unauthenticated("the request's timestamp is not one")
    if abs(now.timestamp() - int(timestamp)) > WINDOW:
        raise Unauthenticated("the request's timestamp is more than five minutes off")
    given = signature.encode("utf-8", "surrogatepass")
    if not any(hmac.compare_digest(sign(body, timestamp, secret).encode(), given) for secret in secrets):
        raise Unauthenticated("the signature is wrong")
    return signature


def sign(body: bytes, timestamp: str, secret: str) -> str:
    """Slack's signature of a body.

    >>> sign(b"", "1531420618", "secret")[:10]
    'v0=0010fce'
    """
    message = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def parse(body: bytes) -> Request:
    """What a body says: a form with a command or an interaction, or a JSON object with an event.

    :raises Invalid: it is neither
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("the body is not UTF-8") from None
    if text.lstrip().startswith("{"):
        return _event(_json(text))
    form = _form(text)
    if "payload" in form:
        data = _json(form["payload"])
        return Request(kind=_word(data.get("type")), data=data)
    if "command" in form:
        return Request(kind="slash_command", data=form)
    if form.get("ssl_check") == "1":
        return Request(kind="ssl_check", data=form)
    raise Invalid("the body is neither a command nor an interaction nor an event of Slack")


def delivery_id(request: Request, signature: str) -> str:
    """An id that a repetition of the same thing shares, and nothing else does.

    Slack repeats what was not answered in time, with a new timestamp and signature; an attacker repeats what
    was overheard. Both repeat what makes the request what it is: the event's id, the command's trigger, the
    press of a button by this person on this message. Where Slack gives no such thing, its signature decides.
    """
    if _TOKEN.fullmatch(request.text("event_id")):
        return f"event:{request.text('event_id')}"
    parts = _identity(request)
    return f"{request.kind}:{_digest(parts)}" if parts else f"{request.kind}:{_digest([signature])}"


def _identity(request: Request) -> list[str]:
    who = [request.team, request.user]
    if request.kind == "slash_command":
        command = [request.text("trigger_id"), request.text("command"), request.text("text")]
        return [*who, *command] if request.text("trigger_id") else []
    times = [request.text("action_ts"), *(str(action.get("action_ts") or "") for action in request.actions)]
    if any(times):
        pressed = [str(action.get(key)) for action in request.actions for key in ("action_id", "value")]
        return [*who, request.channel, request.message_ts, *times, *pressed]
    view = [request.text("view", "id"), request.text("view", "hash"), request.text("trigger_id")]
    return [*who, *view] if any(view) else []


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _event(data: Mapping[str, Any]) -> Request:
    if data.get("type") == "event_callback":
        event = data.get("event")
        inner = event.get("type") if isinstance(event, Mapping) else None
        return Request(kind=f"event.{_word(inner)}", data=data)
    request = Request(kind=_word(data.get("type")), data=data)
    if request.kind == "url_verification" and not 0 < len(request.text("challenge")) <= MAX_CHALLENGE:
        raise Invalid("the verification of the address carries no challenge")
    return request


def _word(value: Any) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else "unknown"


def _json(text: str) -> Mapping[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid("the body is not valid JSON") from None
    if not isinstance(data, dict):
        raise Invalid("the body is not a JSON object")
    return data


def _form(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:
        raise Invalid("the body is not a form") from None
    return dict(pairs)


def _is_ssl_check(body: bytes) -> bool:
    try:
        return len(body) <= 1000 and _form(body.decode("utf-8")).get("ssl_check") == "1"
    except (Invalid, UnicodeDecodeError):
        return False
