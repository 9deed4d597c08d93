"""Agents that know nothing but the API, each with a key of its own: they claim, work, fall asleep, and are killed."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import attrs

from history import Recorder

PATIENCE = 20.0
"""Seconds for an answer: longer than the server itself waits for a database."""


class AnswerLost(Exception):
    """The connection broke, or the server says that it cannot tell: the call may have had its effect."""


class Stale(Exception):
    """409 `stale_claim`."""


class Client:
    """One kept connection and one key."""

    def __init__(self, urls: Iterable[str], key: str, seen: Counter[str], seed: object = 0) -> None:
        self._places = [urlsplit(url).netloc for url in urls]
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._seen = seen
        self._random = random.Random(f"client {seed}")
        self._connection: http.client.HTTPConnection | None = None

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and document. What was not even sent is tried again. :raises AnswerLost:"""
        data = None if body is None else json.dumps(body).encode()
        connection = self._connected()
        try:
            connection.request(method, f"/api/v1{path}", data, self._headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            self._seen[f"{type(error).__name__}"] += 1
            raise AnswerLost from error
        self._seen[f"{answer.status}"] += 1
        if answer.will_close:
            self.close()
        return self._read(answer, content)

    def shout(self, method: str, path: str, body: Any) -> None:
        """Send a call and be gone before its answer. :raises AnswerLost: always"""
        with suppress(OSError):
            self._connected().request(method, f"/api/v1{path}", json.dumps(body).encode(), self._headers)
        self._seen["shouted"] += 1
        self.close()
        raise AnswerLost

    def _read(self, answer: http.client.HTTPResponse, content: bytes) -> tuple[int, Any]:
        if answer.status == 204:
            assert not content and answer.headers["Content-Type"] is None, (content, answer.headers.items())
            return 204, None
        document = json.loads(content)
        assert answer.status < 500 or answer.status == 503, document
        if answer.status == 503:
            assert document["code"] in ("unavailable", "contention"), document
            time.sleep(min(int(answer.headers["Retry-After"]), 1))
            raise AnswerLost
        return answer.status, document

    def _connected(self) -> http.client.HTTPConnection:
        deadline = time.monotonic() + PATIENCE
        while self._connection is None:
            connection = http.client.HTTPConnection(self._random.choice(self._places), timeout=PATIENCE)
            try:
                connection.connect()
                self._connection = connection
            except OSError:
                self._seen["not connected"] += 1
                assert time.monotonic() < deadline, "nobody takes connections"
                time.sleep(0.05)
        return self._connection

    def ask(self, method: str, path: str, body: Any = None, expected: int = 200) -> Any:
        """The document of a call that may be repeated, asked for until it is answered."""
        while True:
            with suppress(AnswerLost):
                status, document = self.call(method, path, body)
                assert status == expected, (status, document)
                return document

    def everything(self, path: str) -> list[Any]:
        """All pages of a list."""
        found, cursor = [], ""
        while cursor is not None:
            page = self.ask("GET", f"{path}{'&' if '?' in path else '?'}limit=200{cursor and f'&cursor={cursor}'}")
            found += page["items"]
            cursor = page["next_cursor"]
        return found

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@attrs.frozen
class Scene:
    """What the agents of one story share."""

    urls: tuple[str, ...]
    recorder: Recorder
    lease: float
    deadline: float
    seen: Counter[str] = attrs.field(factory=Counter)
    finished: threading.Event = attrs.field(factory=threading.Event)

    @property
    def is_over(self) -> bool:
        """Whether everything is done, or time is up."""
        return self.finished.is_set() or time.monotonic() > self.deadline


WRITES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "heartbeat": ("write", {}),
    "activities": ("write", {"type": "thought", "body": "hm"}),
    "complete": ("complete", {"summary": "done", "branch": "nexus/nx", "commits": 1}),
    "fail": ("fail", {"error": "no luck"}),
    "release": ("release", {"reason": "not mine"}),
}
"""Every write of a holder: what the history calls it, and its body beside the fence."""


class Claimer:
    """One agent: claims, works, and now and then fails, hands back, falls asleep past its lease, or is killed.

    One that is calm lets nobody kill it.
    """

    def __init__(self, scene: Scene, name: str, key: str, done_key: str, *, calm: bool = False) -> None:
        self.scene, self.name, self.calm = scene, name, calm
        self.random = random.Random(name)
        self.client = Client(scene.urls, key, scene.seen, name)
        self.lead = Client(scene.urls, done_key, scene.seen, name)
        self.repositories: set[int | None] = set()
        self.slept = self.killed = 0

    def __call__(self) -> None:
        pause = 0.1
        while not self.scene.is_over:
            claimed = self._claim()
            if claimed is not None:
                self.repositories.add((claimed["task"]["repository"] or {}).get("id"))
                self._work(claimed)
            pause = 0.1 if claimed is not None else min(pause * 2, 2.0)
            if claimed is None:
                self.scene.finished.wait(pause * self.random.uniform(0.5, 1.0))
        self.client.close()
        self.lead.close()

    def _claim(self) -> Any:
        def ask() -> Any:
            if not self.calm and self.random.random() < 0.01:
                self.client.shout("POST", "/tasks/claim", {})
            status, document = self.client.call("POST", "/tasks/claim", {})
            assert status in (201, 204), (status, document)
            return document

        with suppress(AnswerLost):
            return self.scene.recorder.claim(
                self.name, ask, lambda found: found and (found["task"]["id"], found["fence"])
            )
        return None

    def _work(self, mine: Any) -> None:
        chance = self.random.random()
        if chance < 0.02 and not self.calm:
            self._be_killed(mine)
        elif chance < 0.04:
            self._sleep(mine)
        elif chance < 0.08:
            self._use_a_wrong_fence(mine)
            self._end(mine, "release")
        else:
            self._write(mine, self.random.choice(("heartbeat", "activities")))
            self._end(mine, "fail" if chance < 0.12 else "release" if chance < 0.16 else "complete")

    def _be_killed(self, mine: Any) -> None:
        """End in the middle, mostly with a write on the wire; a successor of the same name begins anew."""
        self.killed += 1
        verb = self.random.choice(("heartbeat", "complete", "release", None))
        if verb is not None:
            self._write(mine, verb, shout=True)
        self.client.close()

    def _sleep(self, mine: Any) -> None:
        """Past the lease; each write is refused then, with either key."""
        self.slept += 1
        time.sleep(self.scene.lease * 1.2)
        own = Client(self.scene.urls, mine["key"], self.scene.seen, mine["key"])
        for verb in WRITES:
            for client in (self.client, own):
                assert self._write(mine, verb, client=client) is not True, f"{verb} after the lease: {mine}"
        own.close()

    def _use_a_wrong_fence(self, mine: Any) -> None:
        """Another's number opens nothing, and costs the holder nothing."""
        for wrong in (mine["fence"] - 1, mine["fence"] + 1):
            for verb in ("heartbeat", "complete"):
                with suppress(AnswerLost):
                    assert (409, "stale_claim") == self._post(mine, verb, wrong, self.client.call)

    def _end(self, mine: Any, verb: str) -> None:
        """Until there is an answer: an end may be asked for again."""
        ended = None
        while ended is None and not self.scene.is_over:
            ended = self._write(mine, verb)
        if ended and verb == "complete":
            say_done(self.lead, self.scene.recorder, mine["task"]["id"])

    def _post(self, mine: Any, verb: str, fence: int, ask: Callable[..., Any]) -> tuple[int, str]:
        status, document = ask("POST", f"/assignments/{mine['id']}/{verb}", {"fence": fence, **WRITES[verb][1]})
        assert status in (200, 201, 409), (verb, mine, document)
        return status, document.get("code", "")

    def _write(self, mine: Any, verb: str, *, client: Client | None = None, shout: bool = False) -> bool | None:
        """Whether it was accepted; None when nobody knows."""
        client = client or self.client

        def ask() -> None:
            status, code = self._post(mine, verb, mine["fence"], client.shout if shout else client.call)
            if (status, code) == (409, "stale_claim"):
                raise Stale
            assert status in (200, 201), (verb, status, code)

        with suppress(AnswerLost):
            return self.scene.recorder.write(WRITES[verb][0], mine["task"]["id"], mine["fence"], self.name, ask, Stale)
        return None


def say_done(client: Client, recorder: Recorder, task: int) -> None:
    """Move a task to `done`, again until it is answered."""

    def ask() -> None:
        status, document = client.call("PATCH", f"/tasks/{task}/status", {"status": "done", "reason": "merged"})
        assert status == 200, document

    said = False
    while not said:
        with suppress(AnswerLost):
            said = recorder.write("done", task, 0, "lead", ask, Stale)
