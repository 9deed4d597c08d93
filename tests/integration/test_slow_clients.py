"""A thousand clients that send a byte a second, or that do not read: nobody else waits for them.

`NEXUS_SLOW_CLIENTS=1000 NEXUS_SLOW_SECONDS=60` is the whole of it; a build has less.
"""

from __future__ import annotations

import http.client
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import hubs
import pytest

CLIENTS = int(os.environ.get("NEXUS_SLOW_CLIENTS", "300"))
SECONDS = float(os.environ.get("NEXUS_SLOW_SECONDS", "10"))
HEADERS = f"Host: x\r\nAuthorization: Bearer {hubs.ADMIN_KEY}\r\nContent-Type: application/json\r\n"

#: What each kind of slow client sends at once, and what it goes on with, a byte a second.
KINDS = (
    ("silent", b"", b""),
    ("head", b"GET /healthz HTTP/1.1\r\n", b"X-Slow: " + b"x" * 1000),
    (
        "body",
        f"POST /api/v1/tasks HTTP/1.1\r\n{HEADERS}Content-Length: 4000\r\n\r\n".encode(),
        b'{"title": "' + b"x" * 999,
    ),
    ("webhook", b"POST /api/v1/webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: 26214400\r\n\r\n", b"[" * 1000),
    ("chunks", f"POST /api/v1/tasks HTTP/1.1\r\n{HEADERS}Transfer-Encoding: chunked\r\n\r\n".encode(), b"5\r\nabcd"),
    ("reader", f"GET /openapi.json HTTP/1.1\r\n{HEADERS}\r\n".encode() * 20, b""),
)


class Health(NamedTuple):
    """How `/healthz` answered meanwhile."""

    answers: int
    p50: float
    p99: float
    longest: float


class Slow:
    """One slow client, which comes again when it is turned away."""

    def __init__(self, address: tuple[str, int], number: int) -> None:
        self._address = address
        self.kind, self._first, self._more = KINDS[number % len(KINDS)]
        self.turned_away = 0
        self._connect()

    def _connect(self) -> None:
        self.socket = socket.socket()
        if self.kind == "reader":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self.socket.settimeout(10)
        self.socket.connect(self._address)
        self.socket.setblocking(False)
        self._sent = 0
        self.socket.send(self._first)

    def go_on(self) -> None:
        """Send a byte, or read one; come again when the server has hung up."""
        try:
            if self._sent < len(self._more):
                self.socket.send(self._more[self._sent : self._sent + 1])
                self._sent += 1
            if self.kind == "reader":
                self.socket.recv(1)
            elif self.socket.recv(1000, socket.MSG_PEEK | socket.MSG_DONTWAIT) is not None:
                raise ConnectionResetError
        except BlockingIOError:
            pass
        except OSError:
            self.socket.close()
            self.turned_away += 1
            self._connect()


def health_while_slow(address: tuple[str, int], clients: list[Slow], seconds: float) -> Health:
    """Ask `/healthz` over and over, each time on a connection of its own, while the others dawdle."""
    times: list[float] = []
    began = time.monotonic()
    while (spent := time.monotonic() - began) < seconds:
        for slow in clients[
            int(spent * 20) % 20 :: 20
        ]:  # a twentieth each time round, so that each comes once a second
            slow.go_on()
        for _ in range(5):
            asked = time.perf_counter()
            connection = http.client.HTTPConnection(*address, timeout=20)
            connection.request("GET", "/healthz")
            assert 200 == connection.getresponse().status
            connection.close()
            times.append(time.perf_counter() - asked)
        time.sleep(max(0.0, began + (int(spent * 20) + 1) / 20 - time.monotonic()))
    times.sort()
    return Health(len(times), times[len(times) // 2], times[len(times) * 99 // 100], times[-1])


@pytest.fixture
def address(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """A server of two workers."""
    environ = hubs.environment(tmp_path)
    with hubs.running(environ, tmp_path, "serve", "--quiet") as process:
        hub = hubs.wait_for_hub(process, Path(environ["NEXUS_DATA_DIR"]), tmp_path / "serve.log")
        place = urlsplit(hub.url)
        yield str(place.hostname), int(place.port or 0)


@pytest.mark.alone
def test_slow_clients_keep_nobody_out(address: tuple[str, int], record_property: pytest.RecordProperty) -> None:
    """Of every kind, all at once: the 99th percentile of `/healthz` stays below 250 ms."""
    clients = [Slow(address, number) for number in range(CLIENTS)]
    try:
        found = health_while_slow(address, clients, SECONDS)
    finally:
        for slow in clients:
            slow.socket.close()
    record_property("health", found._asdict())
    print(f"{CLIENTS} slow clients for {SECONDS:.0f} s: {found}; turned away {sum(one.turned_away for one in clients)}")

    assert found.p99 < 0.25, found


def test_a_body_that_comes_slowly_is_answered_once_it_is_there(address: tuple[str, int]) -> None:
    """In four parts: 201. The head of a second request in the last packet, its body later: 201 too."""
    body = b'{"title": "slow but sure"}'
    head = f"POST /api/v1/tasks HTTP/1.1\r\n{HEADERS}Content-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(address, timeout=20) as client:
        for part in (head[:50], head[50:] + body[:3], body[3:10], body[10:] + head):
            client.sendall(part)
            time.sleep(0.4)
        first = client.recv(65536)
        client.sendall(body)
        second = client.recv(65536)

    assert [b"HTTP/1.1 201", b"HTTP/1.1 201"] == [first[:12], second[:12]]


def test_who_asks_whether_to_send_is_told(address: tuple[str, int]) -> None:
    """`Expect: 100-continue` is answered before the body comes, and once; not when the body is too large anyway."""
    head = f"POST /api/v1/tasks HTTP/1.1\r\n{HEADERS}Expect: 100-continue\r\nConnection: close\r\nContent-Length: "
    with socket.create_connection(address, timeout=20) as client:
        client.sendall(head.encode() + b"14\r\n\r\n")
        told = client.recv(1000)
        client.sendall(b'{"title": "x"}')
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    with socket.create_connection(address, timeout=20) as client:
        client.sendall(head.encode() + b"1048577\r\n\r\n")
        refused = b"".join(iter(lambda: client.recv(65536), b""))

    assert (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 201") == (told, answer[:12])
    assert b"HTTP/1.1 413" == refused[:12]


def test_an_answer_is_taken_as_slowly_as_one_likes(address: tuple[str, int]) -> None:
    """A reader of a few bytes at a time gets the whole document in the end."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.settimeout(20)
        client.connect(address)
        client.sendall(
            b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 2
            + b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        time.sleep(1)
        answer = b"".join(iter(lambda: client.recv(3000), b""))

    assert (3, b'{"status":"ok"}') == (answer.count(b"HTTP/1.1 200 OK"), answer[-15:])


def test_half_a_request_is_told_that_its_time_is_over(address: tuple[str, int]) -> None:
    """408, as a problem, some ten seconds after it began."""
    with socket.create_connection(address, timeout=20) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nX-")
        answer = b"".join(iter(lambda: client.recv(65536), b""))

    assert b"HTTP/1.1 408" == answer[:12]
    assert b"application/problem+json" in answer
