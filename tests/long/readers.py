"""Readers of the API, as browsers and the CLI are: some keep their connections, others open one for each request."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Sequence

from tests.chaos.stories import ADMIN

PATHS = ("/tasks?limit=20", "/events?limit=20", "/jobs?limit=20", "/repositories", "/me")


class Readers:
    """So many threads that read, each so often a second."""

    def __init__(self, port: int, *, keeping: int, opening: int, rate: float, paths: Sequence[str] = PATHS) -> None:
        self._port = port
        self._rate = rate
        self._paths = paths
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.answers: Counter[str] = Counter()
        self.longest = 0.0  #: seconds
        self._threads = [
            threading.Thread(target=self._read, args=(number < keeping,)) for number in range(keeping + opening)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """End, after the answers that are due."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def failures(self) -> dict[str, int]:
        """What a user would have seen fail."""
        return {word: number for word, number in self.answers.items() if word not in ("200", "closed while idle")}

    def _read(self, keeps: bool) -> None:
        connection, number = self._connection(), 0
        while not self._stop.wait(1 / self._rate):
            number += 1
            path = self._paths[number % len(self._paths)]
            is_used = keeps and number > 1 and connection.sock is not None
            began = time.monotonic()
            word = self._ask(connection, path)
            if is_used and not word.isdigit():
                # Closed between two requests, as any server may; clients ask again (RFC 9112, 9.3.1).
                self._count("closed while idle", 0.0)
                connection.close()
                word = self._ask(connection, path)
            self._count(word, time.monotonic() - began)
            if not keeps or not word.isdigit():
                connection.close()
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)

    def _ask(self, connection: http.client.HTTPConnection, path: str) -> str:
        try:
            connection.request("GET", f"/api/v1{path}", headers={"Authorization": f"Bearer {ADMIN}"})
            answer = connection.getresponse()
            answer.read()
            return str(answer.status)
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__

    def _count(self, word: str, seconds: float) -> None:
        with self._lock:
            self.answers[word] += 1
            self.longest = max(self.longest, seconds)
