"""The feed over HTTP: whoever follows it, by long poll or by stream, gets each event once, whatever is cut off."""

from __future__ import annotations

import http.client
import json
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from hubs import ADMIN_KEY, environment, running, wait_for_hub

from engines import at_once, open_hub, rows
from nexus_core.domain.access import LOCAL
from nexus_core.domain.events import NewEvent

WRITERS, EACH = 16, 30
WRITTEN = "SELECT id FROM events WHERE type LIKE 'demo.%' ORDER BY xid, id"
BROKEN = (OSError, http.client.HTTPException)


@contextmanager
def server(url: str, folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """A server on this database: its address and its process."""
    environ = environment(folder, NEXUS_DATABASE_URL=url, NEXUS_AUTO_MIGRATE="1")
    with running(environ, folder, "serve", "--quiet", "--threads", "16", python=sys.executable) as process:
        hub = wait_for_hub(process, folder / "data", folder / "serve.log")
        yield hub.url, psutil.Process(process.pid)


class Follower:
    """Follows the events `demo.*` from the first to the one that says that it is over."""

    def __init__(self, url: str, seed: int) -> None:
        self.place = urlsplit(url).netloc
        self.chance = random.Random(seed)
        self.deadline = time.monotonic() + 60
        self.seen: list[int] = []
        self.over = False
        self.broken = 0

    def __call__(self) -> list[int]:
        while not self.over:
            assert time.monotonic() < self.deadline, f"after {len(self.seen)} events nothing came any more"
            try:
                self.look()
            except BROKEN:
                self.broken += 1
                time.sleep(0.05)
        return self.seen

    def look(self) -> None:
        """Take what there is from where we are."""
        raise NotImplementedError

    def take(self, event: dict[str, Any]) -> None:
        self.seen.append(event["id"])
        self.over = event["type"] == "demo.over"

    def ask(self, path: str, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.place, timeout=20)
        connection.request("GET", f"/api/v1{path}", headers={"Authorization": f"Bearer {ADMIN_KEY}", **headers})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        return answer


class Poll(Follower):
    """By long poll, a few at a time; now and then it gives up before the answer."""

    def look(self) -> None:
        after = self.seen[-1] if self.seen else 0
        answer = self.ask(f"/events?type=demo.*&after={after}&limit={self.chance.randint(1, 9)}&wait=5")
        if self.chance.random() < 0.05:
            raise ConnectionAbortedError
        for event in json.loads(answer.read())["items"]:
            self.take(event)


class Stream(Follower):
    """By server-sent events; it cuts the connection again and again, and resumes with `Last-Event-ID`."""

    def look(self) -> None:
        headers = {"Last-Event-ID": str(self.seen[-1])} if self.seen else {}
        answer = self.ask(f"/events/stream?type=demo.*{'' if self.seen else '&after=0'}", **headers)
        left = self.chance.randint(1, 60)
        fields: dict[str, str] = {}
        while left and not self.over and (line := answer.readline()):
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
                continue
            if "data" in fields:
                assert fields["id"] == str(json.loads(fields["data"])["id"])
                self.take(json.loads(fields["data"]))
                left -= 1
            fields = {}
        answer.close()
        self.broken += 1


def writer(hub, number):
    """Transactions of different lengths, which commit in another order than they began."""
    chance = random.Random(number)

    def append(transaction: Any, name: str) -> None:
        said = NewEvent(type="demo.written", actor=LOCAL, payload={"name": name})
        transaction.events.add([said], hub.clock.now())

    def write() -> None:
        for index in range(EACH):
            with hub.store.writing() as transaction:
                append(transaction, f"{number}.{index}a")
                if hub.store.name == "postgresql":  # on SQLite one writer follows the other
                    time.sleep(chance.choice((0, 0, 0.01, 0.05)))
                append(transaction, f"{number}.{index}b")
            time.sleep(chance.uniform(0, 0.06))

    return write


def kill_some(process: psutil.Process, over: threading.Event) -> None:
    """End processes of the server, those with streams and polls on them among them."""
    chance = random.Random(5)
    while not over.wait(chance.uniform(0.5, 0.9)):
        with suppress(psutil.Error, IndexError):
            chance.choice(process.children()).send_signal(signal.SIGKILL)


@pytest.mark.parametrize("killed", [False, True], ids=["in peace", "servers killed"])
def test_followers_over_http_miss_nothing(database_url, tmp_path, killed):
    """16 writers; polls and streams that break and resume: each event once, all in one order, which is the feed's."""
    with server(database_url, tmp_path) as (url, process), open_hub(database_url) as hub:
        over = threading.Event()
        killer = threading.Thread(target=kill_some, args=(process, over))
        followers = [Poll(url, 1), Poll(url, 2), Stream(url, 3), Stream(url, 4)]
        reading = threading.Thread(target=lambda: seen.extend(at_once(followers)))
        seen: list[list[int]] = []
        reading.start()
        if killed:
            killer.start()
        at_once([writer(hub, number) for number in range(WRITERS)])
        hub.events.record("demo.over", payload={})
        reading.join(60)
        over.set()
        if killed:
            killer.join()
    written = [row["id"] for row in rows(database_url, WRITTEN)]

    assert WRITERS * EACH * 2 + 1 == len(written)
    assert [written] * 4 == seen
    assert all(follower.broken for follower in followers)
