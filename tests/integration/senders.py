"""Webhooks sent at a steady rate, whatever becomes of each."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

SECRET = "a-secret-of-the-tests-alone"


class Sent(NamedTuple):
    """What became of one."""

    number: int
    status: int  #: 0 = no answer
    seconds: float
    spooled: bool


class Senders:
    """Sends deliveries `<prefix>-<number>`, so many a second, from a pool of connections."""

    def __init__(self, port: int, prefix: str, *, size: int = 2000, threads: int = 64) -> None:
        self._port = port
        self._prefix = prefix
        self._size = size
        self._local = threading.local()
        self._threads = ThreadPoolExecutor(threads)
        self._connections: list[http.client.HTTPConnection] = []
        self.sent: list[Sent] = []

    def run(self, number: int, rate: float, *, first: int = 0) -> None:
        """Send so many, evenly; returns when all were answered. The clock starts when each was due."""
        begun = time.monotonic()
        waiting = []
        for index in range(number):
            due = begun + index / rate
            time.sleep(max(0.0, due - time.monotonic()))
            waiting.append(self._threads.submit(self.one, first + index, due))
        for one in waiting:
            one.result()

    def one(self, number: int, due: float | None = None) -> Sent:
        """Send one."""
        due = time.monotonic() if due is None else due
        payload = {
            "action": "opened", "issue": {"number": number, "title": "x", "body": "y" * self._size},
            "repository": {"id": 5, "full_name": "acme/api"}, "n": f"{self._prefix}-{number}",
        }  # fmt: skip
        status, answer = self._post(json.dumps(payload).encode(), f"{self._prefix}-{number}")
        sent = Sent(number, status, time.monotonic() - due, bool(answer.get("spooled")))
        self.sent.append(sent)
        return sent

    def _post(self, body: bytes, delivery: str) -> tuple[int, dict[str, object]]:
        headers = {
            "Content-Type": "application/json", "X-GitHub-Event": "issues", "X-GitHub-Delivery": delivery,
            "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
        }  # fmt: skip
        try:
            connection = self._connection()
            connection.request("POST", "/api/v1/webhooks/github", body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        except (OSError, http.client.HTTPException):
            self._local.__dict__.pop("connection", None)
            return 0, {}

    def _connection(self) -> http.client.HTTPConnection:
        """The thread's own."""
        if "connection" not in self._local.__dict__:
            self._local.connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
            self._connections.append(self._local.connection)
        found: http.client.HTTPConnection = self._local.connection
        return found

    def close(self) -> None:
        """Hang up, so that the server need not wait for more."""
        for one in self._connections:
            one.close()

    def summary(self) -> str:
        """The figures, in a line."""
        times = sorted(one.seconds for one in self.sent)
        good = sum(200 <= one.status < 300 for one in self.sent)
        return (
            f"{good} of {len(self.sent)} answered 2xx, {sum(one.spooled for one in self.sent)} of them spooled; "
            f"p50 {times[len(times) // 2] * 1000:.0f} ms, p99 {times[len(times) * 99 // 100] * 1000:.0f} ms, "
            f"longest {times[-1] * 1000:.0f} ms"
        )
