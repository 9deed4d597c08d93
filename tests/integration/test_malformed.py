"""Thousands of requests that make no sense: nobody falls over, everybody is told what is wrong.

`NEXUS_MALFORMED=10000` is the whole of it, `NEXUS_MALFORMED_SEED` another selection; a build has less.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hubs
import psutil
import pytest

import malformed

NUMBER = int(os.environ.get("NEXUS_MALFORMED", "1500"))
SEED = int(os.environ.get("NEXUS_MALFORMED_SEED", "20260131"))
PUBLISHED = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


class Target:
    """A running server, asked byte for byte."""

    def __init__(self, process: Any, address: tuple[str, int], log: Path) -> None:
        self.process = psutil.Process(process.pid)
        self._address = address
        self.log = log

    def send(self, data: bytes) -> tuple[int, str, bytes]:
        """Status, content type and body of the answer; the sending side is closed behind the request."""
        with closing(socket.create_connection(self._address, timeout=30)) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            answer = http.client.HTTPResponse(connection, method="HEAD" if data.startswith(b"HEAD ") else "GET")
            answer.begin()
            return answer.status, answer.headers.get("Content-Type", ""), answer.read()

    def post(self, path: str, headers: list[tuple[str, str]], body: bytes) -> int:
        """The status of a POST."""
        given = [("Host", "x"), ("Content-Length", str(len(body))), ("Connection", "close"), *headers]
        return self.send(malformed.Sent("POST", path, given, body, "").wire())[0]

    def memory(self) -> int:
        """What all its processes hold, in bytes."""
        return sum(one.memory_info().rss for one in [self.process, *self.process.children(recursive=True)])


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server with both webhooks, in which task 1 and repository 1 exist."""
    folder = tmp_path_factory.mktemp("malformed")
    environ = hubs.environment(
        folder, NEXUS_GITHUB_WEBHOOK_SECRET=malformed.GITHUB_SECRET, NEXUS_SLACK_SIGNING_SECRET=malformed.SLACK_SECRET,
        NEXUS_RATE_LIMIT_FAILURES="1000000", NEXUS_RATE_LIMIT_ANONYMOUS="1000000",
    )  # fmt: skip
    with hubs.running(environ, folder, "serve", "--quiet") as process:
        hub = hubs.wait_for_hub(process, Path(environ["NEXUS_DATA_DIR"]), folder / "serve.log")
        place = urlsplit(hub.url)
        found = Target(process, (str(place.hostname), int(place.port or 0)), folder / "serve.log")
        bearer = [("Authorization", f"Bearer {hubs.ADMIN_KEY}"), ("Content-Type", "application/json")]
        assert 201 == found.post("/api/v1/repositories", bearer, b'{"name": "acme/api", "url": "https://x/acme/api"}')
        assert 201 == found.post("/api/v1/tasks", bearer, b'{"title": "x", "repository": 1}')
        yield found


def _fault(sent: malformed.Sent, status: int, media: str, body: bytes) -> str | None:
    """What is wrong with an answer."""
    if status >= 500:
        return f"{status}: {body[:300]!r}"
    if status < 400 or sent.method == "HEAD":
        return None
    try:
        problem = json.loads(body)
    except ValueError:
        return f"{status} is no document: {body[:300]!r}"
    if media != "application/problem+json" or problem.get("status") != status or not problem.get("code"):
        return f"{status} is no problem: {media} {body[:300]!r}"
    return None if problem.get("request_id") else f"{status} has no request id"


def test_malformed_requests_are_refused_one_by_one(target: Target, record_property: pytest.RecordProperty) -> None:
    """No 5xx; each refusal a problem with its request's id; no traceback; little memory; then good ones work."""
    faults: list[str] = []
    statuses: Counter[int] = Counter()
    before = 0
    began = time.monotonic()
    for index, sent in enumerate(malformed.malformed(SEED, NUMBER, hubs.ADMIN_KEY)):
        status, media, body = target.send(sent.wire())
        statuses[status] += 1
        if fault := _fault(sent, status, media, body):
            faults.append(f"{sent.recipe}: {fault} for {sent.wire()[:500]!r}")
        if index == NUMBER // 3:
            before = target.memory()
    growth = target.memory() / before - 1
    record_property("statuses", dict(statuses))
    print(
        f"{NUMBER} in {time.monotonic() - began:.0f} s, seed {SEED}: {sorted(statuses.items())}, memory {growth:+.1%}"
    )

    assert [] == faults[:10]
    # What the allocator takes for a first large request it takes once: a short run cannot tell that from a leak.
    assert growth < (0.10 if NUMBER >= 10_000 else 0.25)
    assert "Traceback" not in target.log.read_text()
    assert [202, 201] == [_good_delivery(target), _good_task(target)]


def _good_delivery(target: Target) -> int:
    body = json.dumps(malformed.github_payloads()[0][1]).encode()
    signature = "sha256=" + hmac.new(malformed.GITHUB_SECRET.encode(), body, hashlib.sha256).hexdigest()
    return _github(target, body, [("X-Hub-Signature-256", signature)])


def _good_task(target: Target) -> int:
    bearer = [("Authorization", f"Bearer {hubs.ADMIN_KEY}"), ("Content-Type", "application/json")]
    return target.post("/api/v1/tasks", bearer, b'{"title": "good"}')


# Signatures
# ----------


def _github(target: Target, body: bytes, headers: list[tuple[str, str]], event: str = "pull_request") -> int:
    named = [
        ("X-GitHub-Event", event),
        ("X-GitHub-Delivery", os.urandom(8).hex()),
        ("Content-Type", "application/json"),
    ]
    return target.post("/api/v1/webhooks/github", [*named, *headers], body)


@pytest.mark.parametrize(
    ("body", "signature", "status"),
    [
        (b"Hello, World!", PUBLISHED[7:], 400),
        (b"", "66a0c074deaa0f489ead6537e0d32f9a344b90bbeda705b6ed45ecd3b413fb40", 400),
        (
            b'{"zen":"Design for failure.","hook_id":1}',
            "65cf1e1aeb36f098c67ba0ea5421c7ce1f94fd30c73bb51911a847c2e3480f52",
            202,
        ),
        ('{"t":"café 😀"}'.encode(), "d4c41f77df4cc8ac4eeeb0e286586a177eed1692d87e5c495d6f19e8c7d9c290", 202),
        (b"\xff\xfe\x00", "e613c2bc219ee993974f32b29becea173b61d355bd32b7794c1ebf250a139ebd", 400),
    ],
)
def test_githubs_vectors_are_accepted(target: Target, body: bytes, signature: str, status: int) -> None:
    """The signature is right: what follows depends on the body alone, and is never 401."""
    assert status == _github(target, body, [("X-Hub-Signature-256", f"sha256={signature}")], "ping")


def _neighbours() -> dict[str, list[tuple[str, str]]]:
    name, digest = "X-Hub-Signature-256", PUBLISHED[7:]
    flipped = {
        f"digit {place}": [
            (name, "sha256=" + digest[:place] + ("0" if digest[place] != "0" else "1") + digest[place + 1 :])
        ]
        for place in (0, 31, 63)
    }
    return flipped | {
        "missing": [], "empty": [(name, "")], "no digits": [(name, "sha256=")], "not ascii": [(name, "sha256=é")],
        "10 kB": [(name, "sha256=" + "a" * 10_000)], "two": [(name, PUBLISHED), (name, PUBLISHED)],
        "sha1 alone": [("X-Hub-Signature", "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59")],
        "sha1 in its place": [(name, "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59")],
        "capitals": [(name, "sha256=" + digest.upper())], "no scheme": [(name, digest)],
        "one more": [(name, PUBLISHED + "0")],
        "one less": [(name, PUBLISHED[:-1])], "inner space": [(name, "sha256= " + digest)],
    }  # fmt: skip


@pytest.mark.parametrize("which", sorted(_neighbours()))
def test_neighbours_of_githubs_vector_are_refused(target: Target, which: str) -> None:
    """401, each of them."""
    assert 401 == _github(target, b"Hello, World!", _neighbours()[which])


def test_a_header_of_twenty_kilobytes_is_refused(target: Target) -> None:
    """431: it never reaches whoever reads signatures."""
    assert 431 == _github(target, b"Hello, World!", [("X-Hub-Signature-256", "sha256=" + "a" * 20_000)])


def _slack(target: Target, stamp: str, *, body: bytes = b"command=%2Fnexus&text=", bend: str = "") -> int:
    digest = hmac.new(malformed.SLACK_SECRET.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    headers = [("X-Slack-Request-Timestamp", stamp), ("X-Slack-Signature", f"v0={digest}{bend}")]
    media = ("Content-Type", "application/x-www-form-urlencoded")
    return target.post("/api/v1/webhooks/slack", [*headers, media], body)


@pytest.mark.parametrize("stamp", ["abc", "", "1.5", "-1", "9" * 5000, "+1", "1531420618", "0x10", "1e9"])
def test_slacks_timestamps_that_are_none_are_refused(target: Target, stamp: str) -> None:
    """401, also with the right signature over them."""
    assert 401 == _slack(target, stamp)


def test_slacks_neighbours_are_refused(target: Target) -> None:
    """A good one is answered; a bent signature is not, nor one from before five minutes or after."""
    now = int(time.time())

    assert 200 == _slack(target, str(now))
    assert [401] * 4 == [
        _slack(target, str(now), bend="0"), _slack(target, str(now), bend="é"), _slack(target, str(now - 320)),
        _slack(target, str(now + 320)),
    ]  # fmt: skip
