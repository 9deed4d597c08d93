"""Bodies at the limit: to the byte, and many at once. `NEXUS_LARGE=100` is the whole of it; a build has less."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import hubs
import psutil
import pytest

from nexus_http.operations import FILE_LIMIT, JSON_LIMIT

AT_ONCE = int(os.environ.get("NEXUS_LARGE", "16"))
SECRET = "It's a Secret to Everybody"
MOST_MEMORY = 1536 * 1024 * 1024


class Server:
    """A server of two processes with GitHub's webhook."""

    def __init__(self, pid: int, address: tuple[str, int], data_dir: Path) -> None:
        self.process = psutil.Process(pid)
        self.address = address
        self.data_dir = data_dir

    def post(self, path: str, body: bytes, **headers: str) -> int:
        """The status of a POST."""
        with closing(http.client.HTTPConnection(*self.address, timeout=120)) as connection:
            sent = {"Content-Type": "application/json", "Authorization": f"Bearer {hubs.ADMIN_KEY}", **headers}
            connection.request("POST", path, body, sent)
            return connection.getresponse().status

    def head_alone(self, path: str, length: int) -> bytes:
        """The first line of the answer to a request of which only the head is sent."""
        with socket.create_connection(self.address, timeout=10) as connection:
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {hubs.ADMIN_KEY}\r\n"
            connection.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n".encode())
            return connection.recv(1000).partition(b"\r\n")[0]

    def memory(self) -> int:
        """What all its processes hold of their own, in bytes."""
        return sum(one.memory_info().rss for one in [self.process, *self.process.children(recursive=True)])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server."""
    folder = tmp_path_factory.mktemp("large")
    environ = hubs.environment(folder, NEXUS_GITHUB_WEBHOOK_SECRET=SECRET)
    with hubs.running(environ, folder, "serve", "--quiet") as process:
        hub = hubs.wait_for_hub(process, Path(environ["NEXUS_DATA_DIR"]), folder / "serve.log")
        place = urlsplit(hub.url)
        yield Server(process.pid, (str(place.hostname), int(place.port or 0)), Path(environ["NEXUS_DATA_DIR"]))


def _signed(body: bytes) -> dict[str, str]:
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Event": "ping", "X-GitHub-Delivery": digest[:20]}


def test_a_webhook_may_be_25_mebibytes_and_no_byte_more(server: Server) -> None:
    """The largest is stored; one byte more is refused by its length alone, before a byte of it is read."""
    body = b'{"zen": "' + b"x" * (FILE_LIMIT - 11) + b'"}'

    assert (FILE_LIMIT, 202) == (len(body), server.post("/api/v1/webhooks/github", body, **_signed(body)))
    assert b"HTTP/1.1 413 Content Too Large" == server.head_alone("/api/v1/webhooks/github", FILE_LIMIT + 1)


def test_a_document_may_be_a_mebibyte_and_no_byte_more(server: Server) -> None:
    """Also where the address is one that nobody knows, or one whose method takes none."""
    body = b'{"title": "x"' + b" " * (JSON_LIMIT - 14) + b"}"

    assert (JSON_LIMIT, 201) == (len(body), server.post("/api/v1/tasks", body))
    assert b"HTTP/1.1 413 Content Too Large" == server.head_alone("/api/v1/tasks", JSON_LIMIT + 1)
    assert b"HTTP/1.1 404 Not Found" == server.head_alone("/api/v1/nowhere", JSON_LIMIT + 1)


@pytest.mark.alone
def test_many_of_the_largest_at_once(server: Server) -> None:
    """With a bad signature, so that nothing is stored: each hears so; memory stays small, `/healthz` below a second."""
    body = b'{"zen": "' + b"x" * (FILE_LIMIT - 11) + b'"}'
    bad = _signed(b"another") | {"Authorization": "none"}
    over, most, slowest = threading.Event(), 0, 0.0

    def watch() -> None:
        nonlocal most, slowest
        while not over.wait(0.05):
            most = max(most, server.memory())
            began = time.perf_counter()
            with closing(http.client.HTTPConnection(*server.address, timeout=20)) as connection:
                connection.request("GET", "/healthz")
                connection.getresponse().read()
            slowest = max(slowest, time.perf_counter() - began)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = Counter(pool.map(lambda _: server.post("/api/v1/webhooks/github", body, **bad), range(AT_ONCE)))
    over.set()
    watcher.join(30)
    print(f"{AT_ONCE} at once: {most / 2**20:.0f} MiB at most, /healthz {slowest * 1000:.0f} ms at most")

    assert {401: AT_ONCE} == statuses
    assert (True, True) == (most < MOST_MEMORY, slowest < 1)
    assert not [path for path in server.data_dir.iterdir() if path.name.startswith("tmp")]
