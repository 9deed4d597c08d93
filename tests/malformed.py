"""Requests that nobody in their right mind would send, made from good ones by a seed, for every door."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import random
import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

from nexus_http.fields import Field
from nexus_http.routes import all_routes

GITHUB_SECRET = "It's a Secret to Everybody"
SLACK_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
LEAVES: tuple[Any, ...] = (
    None, [], {}, "", "\u202e", "é" * 2000, -1, 0, 2**63, -(2**63) - 1, 10**400, 1.5, True, [None],
    {"a": [1]}, "x" * 70_000,
)  # fmt: skip
RAW = ("NaN", "1e400", "-Infinity", r'"\ud800"', r'"\u0000"', "01", "{,}", "'x'", "1" * 5000, '"\\x"', "tru")
HEADER_VALUES = (
    "",
    "é",
    "\x7f",
    "x" * 4000,
    "a,b",
    '"',
    "W/",
    "*",
    "-1",
    "1e3",
    "\u0661",
    "sha256=é",
    "null",
    "%00",
    "; ;=",
)
HEADERS = (
    "Content-Type", "Accept", "If-Match", "If-None-Match", "Idempotency-Key", "X-Request-Id", "Content-Encoding",
    "Host", "Authorization", "X-Hub-Signature-256", "X-GitHub-Event", "X-GitHub-Delivery", "X-Slack-Signature",
    "Last-Event-ID", "X-Slack-Request-Timestamp", "Origin", "Cookie", "Range", "X-Forwarded-For",
    "Content-Length", "Expect", "Connection",
)  # fmt: skip
QUERIES = (
    "limit=0",
    "limit=1e9",
    "cursor=%00",
    "fields=",
    "%ff=%fe",
    "a=1&a=2",
    "token=x",
    "dry_run=maybe",
    "=",
    "&&",
    "x" * 3000,
)
PATHS = (
    "/api/v1/tasks/9223372036854775808",
    "/api/v1/tasks/%00",
    "/api/v1/keys/%ff",
    "/api/v1/" + "x" * 9000,
    "/..//",
    "//x",
)
METHODS = ("TRACE", "BREW", "PROPFIND", "get", "OPTIONS", "HEAD", "DELETE", "PUT", "PATCH")


class Sent(NamedTuple):
    """A request as it goes over the wire."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    recipe: str

    def wire(self) -> bytes:
        """Its bytes."""
        head = f"{self.method} {self.target} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in self.headers
        )
        return head.encode("latin-1", "replace") + b"\r\n" + self.body


class Door(NamedTuple):
    """An address that takes a body, with a good one."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    document: Any
    form: bool = False


def doors(key: str) -> list[Door]:
    """Every operation of the API that takes a JSON body, and both webhooks."""
    bearer = (("Authorization", f"Bearer {key}"), ("Content-Type", "application/json"), ("If-Match", '"1"'))
    found = []
    for path, entry in all_routes():
        for method in entry.methods:
            declared = getattr(entry.load(), f"on_{method.lower()}").operation
            if declared.body is not None:
                concrete = path
                for part in [part for part in path.split("/") if part.startswith("{")]:
                    concrete = concrete.replace(part, "1")
                found.append(Door(method, concrete, bearer, {field.name: _example(field) for field in declared.body}))
    found += [
        Door("POST", "/api/v1/webhooks/github", (("X-GitHub-Event", event),), body) for event, body in github_payloads()
    ]
    return found + [Door("POST", "/api/v1/webhooks/slack", (), body, form=True) for body in slack_forms()]


def _example(field: Field) -> Any:
    examples: dict[str, Any] = {
        "text": "x", "number": 1, "flag": True, "texts": ["x"], "ids": [1], "object": {"a": 1}, "name": 1, "task": 1,
    }  # fmt: skip
    if field.choices:
        return [field.choices[0]] if field.type == "texts" else field.choices[0]
    return examples.get(field.type, "2026-01-31T12:00:00Z")


def github_payloads() -> list[tuple[str, dict[str, Any]]]:
    """Payloads with what GitHub's have, as far as anybody here reads it."""
    repository = {"id": 5, "full_name": "acme/api", "default_branch": "main", "html_url": "https://x/acme/api"}
    sender = {"id": 1, "login": "mira", "type": "User"}
    pull = {
        "number": 7, "title": "Do NX-1", "body": "closes NX-1", "merged": True, "draft": False, "state": "closed",
        "updated_at": "2026-01-31T12:00:00Z", "user": sender, "html_url": "https://x/7",
        "merged_at": "2026-01-31T12:00:00Z",
        "head": {"ref": "nexus/nx-1", "sha": "a" * 40, "repo": repository}, "base": {"ref": "main", "repo": repository},
    }  # fmt: skip
    common = {"repository": repository, "sender": sender}
    commit = {
        "id": "a" * 40,
        "message": "fixes NX-1",
        "added": [],
        "modified": [".taskmaster/tasks/tasks.json"],
        "removed": [],
    }
    issue = {
        "number": 3,
        "title": "t",
        "body": None,
        "state": "open",
        "user": sender,
        "updated_at": "2026-01-31T12:00:00Z",
    }
    review = {"state": "changes_requested", "body": "no", "user": sender, "submitted_at": "2026-01-31T12:00:00Z"}
    return [
        ("pull_request", {"action": "closed", "number": 7, "pull_request": pull, **common}),
        ("pull_request_review", {"action": "submitted", "review": review, "pull_request": pull, **common}),
        ("push", {"ref": "refs/heads/main", "after": "a" * 40, "commits": [commit], "head_commit": commit, **common}),
        ("issues", {"action": "opened", "issue": issue, **common}),
        (
            "check_suite",
            {"action": "completed", "check_suite": {"head_sha": "a" * 40, "conclusion": "failure"}, **common},
        ),
        ("repository", {"action": "renamed", "changes": {"repository": {"name": {"from": "old"}}}, **common}),
        ("ping", {"zen": "Design for failure.", "hook_id": 1}),
    ]


def slack_forms() -> list[dict[str, Any]]:
    """A command, a button, a view and an event."""
    person = {"id": "U1", "team_id": "T1", "username": "mira"}
    press = {
        "type": "block_actions", "user": person, "team": {"id": "T1"}, "trigger_id": "1.2", "actions": [
            {"action_id": "nexus_answer", "block_id": "b", "value": "1", "action_ts": "1.2"}],
        "container": {"message_ts": "1.2", "channel_id": "C1"}, "response_url": "https://hooks.slack.com/actions/T1/1/x",
    }  # fmt: skip
    command = {
        "command": "/nexus",
        "text": "next",
        "user_id": "U1",
        "team_id": "T1",
        "trigger_id": "1",
        "channel_id": "C1",
    }
    return [
        command,
        {"payload": press},
        {"payload": {"type": "view_submission", "user": person, "view": {"state": {}}}},
    ]


def malformed(seed: int, number: int, key: str) -> Iterator[Sent]:
    """So many requests; the same seed makes the same ones."""
    random_ = random.Random(seed)
    all_doors = doors(key)
    for index in range(number):
        yield _one(random_, random_.choice(all_doors), index)


def _one(random_: random.Random, door: Door, index: int) -> Sent:
    recipe = random_.choice(sorted(_RECIPES))
    document = json.loads(json.dumps(door.document))
    body = _RECIPES[recipe](random_, document, door)
    headers = [("Host", "x"), *door.headers, *_signed(random_, door, body, index)]
    target, method = door.path, door.method
    if random_.random() < 0.25:
        headers = _bend(random_, headers)
    if random_.random() < 0.08:
        target += "?" + random_.choice(QUERIES)
    if random_.random() < 0.04:
        target = random_.choice(PATHS)
    if random_.random() < 0.06:
        method = random_.choice(METHODS)
    if not any(name.lower() == "content-length" for name, _ in headers):
        lie = random_.choice((1, 100, -1, -(len(body) // 2))) if random_.random() < 0.05 else 0
        headers.append(("Content-Length", str(len(body) + lie)))
    headers.append(("Connection", "close"))
    return Sent(method, target, headers, body, f"{index} {recipe} {door.method} {door.path}")


def _signed(random_: random.Random, door: Door, body: bytes, index: int) -> list[tuple[str, str]]:
    """The signature of a webhook, mostly a good one."""
    wrong = b"x" if random_.random() < 0.3 else b""
    if door.path.endswith("/github"):
        digest = hmac.new(GITHUB_SECRET.encode(), body + wrong, hashlib.sha256).hexdigest()
        media = "application/x-www-form-urlencoded" if random_.random() < 0.1 else "application/json"
        return [
            ("X-Hub-Signature-256", f"sha256={digest}"),
            ("X-GitHub-Delivery", f"d-{index}"),
            ("Content-Type", media),
        ]
    if door.path.endswith("/slack"):
        now = str(int(time.time()))
        digest = hmac.new(
            SLACK_SECRET.encode(), b"v0:" + now.encode() + b":" + body + wrong, hashlib.sha256
        ).hexdigest()
        media = "application/x-www-form-urlencoded"
        return [("X-Slack-Signature", f"v0={digest}"), ("X-Slack-Request-Timestamp", now), ("Content-Type", media)]
    return []


def _bend(random_: random.Random, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Lose a header, double it, or give it another value."""
    what = random_.choice(("lose", "double", "change", "add"))
    place = random_.randrange(1, len(headers)) if len(headers) > 1 else 0
    if what == "lose":
        return headers[:place] + headers[place + 1 :]
    if what == "double":
        return [*headers, headers[place]]
    bent = (headers[place][0] if what == "change" else random_.choice(HEADERS), random_.choice(HEADER_VALUES))
    return [*headers[:place], bent, *headers[place + (what == "change") :]]


# Bodies
# ------


def _wrap(door: Door, document: Any) -> bytes:
    if not door.form or not isinstance(document, dict):
        return json.dumps(document).encode()
    flat = {name: value if isinstance(value, str) else json.dumps(value) for name, value in document.items()}
    return urlencode(flat).encode("utf-8", "replace")


def _places(document: Any) -> list[tuple[Any, Any]]:
    """Every place in a document: (what holds it, its key)."""
    found: list[tuple[Any, Any]] = []
    left = [document]
    while left:
        outer = left.pop()
        for key in outer if isinstance(outer, dict) else range(len(outer)) if isinstance(outer, list) else ():
            found.append((outer, key))
            left.append(outer[key])
    return found


def _swap(random_: random.Random, document: Any, door: Door) -> bytes:
    if places := _places(document):
        outer, key = random_.choice(places)
        outer[key] = random_.choice(LEAVES)
    return _wrap(door, document)


def _drop(random_: random.Random, document: Any, door: Door) -> bytes:
    if places := _places(document):
        outer, key = random_.choice(places)
        del outer[key]
    return _wrap(door, document)


def _add(random_: random.Random, document: Any, door: Door) -> bytes:
    if isinstance(document, dict):
        document[random_.choice(("role", "__proto__", "id", "é", "", "version", "a/b~c"))] = random_.choice(LEAVES)
    return _wrap(door, document)


def _insert_raw(random_: random.Random, document: Any, door: Door) -> bytes:
    if places := _places(document):
        outer, key = random_.choice(places)
        outer[key] = "\ue000"
    return _wrap(door, document).replace(b'"\\ue000"', random_.choice(RAW).encode())


def _truncate(random_: random.Random, document: Any, door: Door) -> bytes:
    body = _wrap(door, document)
    return body[: random_.randrange(len(body))]


def _double_key(random_: random.Random, document: Any, door: Door) -> bytes:
    body = _wrap(door, document)
    return b'{"title": 1, "fence": 1, ' + body[1:] if body.startswith(b"{") else body + b"&" + body


def _deepen(random_: random.Random, document: Any, door: Door) -> bytes:
    depth = random_.choice((64, 65, 100, 1000, 20_000, 100_000))
    opened, closed = random_.choice(((b"[", b"]"), (b'{"a":', b"}")))
    whole = opened * depth + b"1" + closed * depth
    return whole if random_.random() < 0.5 else b'{"title": ' + whole + b"}"


def _encode(random_: random.Random, document: Any, door: Door) -> bytes:
    body = _wrap(door, document)
    text = body.decode()
    choices = [
        b"\xef\xbb\xbf" + body, text.encode("utf-16"), (text + "é").encode("latin-1"), gzip.compress(body),
        body + b"\x00", b"\xff\xfe\x00", b"", b" ", b"null", b"[]", b'"x"', body * 2, random_.randbytes(300),
        b"payload=%ff", b"a=" + body,
    ]  # fmt: skip
    return random_.choice(choices)


_RECIPES = {
    "swap": _swap, "drop": _drop, "add": _add, "raw": _insert_raw, "truncate": _truncate, "double": _double_key,
    "deepen": _deepen, "encode": _encode,
}  # fmt: skip
