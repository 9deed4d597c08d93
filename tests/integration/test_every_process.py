"""What one process of a server does holds for all of them: limits, keys that end, requests sent again."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hubs
import pytest

WRITES = 40


class Server:
    """A server of four processes, asked on a connection of its own each time."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> http.client.HTTPResponse:
        """The answer, read to its end."""
        sent = {"Authorization": f"Bearer {hubs.ADMIN_KEY}", "Content-Type": "application/json", **headers}
        with closing(http.client.HTTPConnection(*self._address, timeout=30)) as connection:
            connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), sent)
            answer = connection.getresponse()
            answer.document = json.loads(answer.read() or b"null")  # type: ignore[attr-defined]  # kept with its answer
            return answer

    def key(self) -> tuple[int, str]:
        """The id of a new developer's key, and the key as a header has it."""
        made = self.ask("POST", "/keys", {"name": "x", "role": "developer"}).document  # type: ignore[attr-defined]
        return made["id"], f"Bearer {made['key']}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Four processes with a small limit for changes."""
    folder = tmp_path_factory.mktemp("processes")
    environ = hubs.environment(folder, NEXUS_RATE_LIMIT_WRITES=str(WRITES))
    with hubs.running(environ, folder, "serve", "--quiet", "--workers", "4") as process:
        hub = hubs.wait_for_hub(process, Path(environ["NEXUS_DATA_DIR"]), folder / "serve.log")
        place = urlsplit(hub.url)
        yield Server((str(place.hostname), int(place.port or 0)))


def test_a_limit_holds_over_all_processes(server: Server) -> None:
    """Of 120 at once, from invented addresses, exactly as many pass as may; the others are told when to come again."""
    _, key = server.key()
    first = server.ask("POST", "/tasks", {"title": "x"}, Authorization=key)
    left, seconds = re.fullmatch(r'"writes";r=(\d+);t=(\d+)', first.headers["RateLimit"]).groups()  # type: ignore[union-attr]
    if int(seconds) < 20:  # the next minute is about to begin
        time.sleep(int(seconds) + 1)
        left = str(WRITES)

    def post(number: int) -> http.client.HTTPResponse:
        invented = {"X-Forwarded-For": f"10.0.{number}.1", "X-Real-IP": f"10.0.{number}.2"}
        return server.ask("POST", "/tasks", {"title": "x"}, Authorization=key, **invented)

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(post, range(120)))
    refused = [answer for answer in answers if answer.status == 429]

    assert Counter({201: int(left), 429: 120 - int(left)}) == Counter(answer.status for answer in answers)
    assert all(1 <= int(answer.headers["Retry-After"]) <= 60 for answer in refused)


def test_a_key_that_ends_ends_everywhere(server: Server) -> None:
    """A second after the revocation, a hundred requests over all processes are refused; none knew the key longer."""
    number, key = server.key()
    with ThreadPoolExecutor(8) as pool:
        before = list(pool.map(lambda _: server.ask("GET", "/me", Authorization=key).status, range(40)))
        server.ask("DELETE", f"/keys/{number}")
        time.sleep(1)
        after = list(pool.map(lambda _: server.ask("GET", "/me", Authorization=key).status, range(100)))

    assert ([200] * 40, {401}) == (before, set(after))


def test_fifty_at_once_over_all_processes_make_one(server: Server) -> None:
    """With one Idempotency-Key: one task, whoever answers; repeated, each answers alike."""
    _, key = server.key()
    title = f"once {time.monotonic()}"

    def post(_: int) -> http.client.HTTPResponse:
        return server.ask("POST", "/tasks", {"title": title}, Authorization=key, **{"Idempotency-Key": "fifty"})

    with ThreadPoolExecutor(WRITES - 5) as pool:
        answers = list(pool.map(post, range(WRITES - 5)))
    later = [post(0) for _ in range(4)]
    found = server.ask("GET", f"/tasks?q={title.replace(' ', '%20')}").document["items"]  # type: ignore[attr-defined]

    assert {201} <= {answer.status for answer in answers} <= {201, 409}
    assert {(201, "true", found[0]["id"])} == {
        (one.status, one.headers["Idempotency-Replayed"], one.document["id"])  # type: ignore[attr-defined]
        for one in later
    }
    assert 1 == len(found)
