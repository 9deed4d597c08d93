"""Tasks that are created, edited, claimed and completed through the API, each request with a key, until it is known."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg

from .ledger import FAILED, OK, UNKNOWN, Ledger

ADMIN = "nxs_admin_key_of_the_long_runs_alone_000000000000"
PAUSE = 0.5  #: seconds before a request is repeated
TITLE = "story"
STEPS = ("create", "edit", "claim", "complete")


class Told(Exception):
    """The story cannot go on: what became of its last request is in the ledger."""


class Teller:
    """Tells stories: one is a task's way from its creation to its review."""

    def __init__(self, port: int, ledger: Ledger, *, patience: float = 150.0, prefix: str = TITLE) -> None:
        self._port = port
        self._ledger = ledger
        self._patience = patience  #: seconds for which a request is repeated: longer than a dead server keeps its key
        self._prefix = prefix
        self.answers: Counter[str] = Counter()

    @property
    def refused(self) -> Counter[str]:
        """The answers that were not 2xx; of status 0 are those that did not come."""
        return Counter({word: times for word, times in self.answers.items() if not word.split()[1].startswith("2")})

    def tell(self, number: int) -> None:
        """Tell one, as far as it comes."""
        try:
            task, etag = self._ask(number, "create", "POST", "/tasks", {"title": f"{self._prefix} {number}"})
            self._ask(number, "edit", "PATCH", f"/tasks/{task['id']}", {"priority": "high"}, {"If-Match": etag})
            wanted = {"agent": f"teller-{number}", "task_id": task["id"]}
            held, _ = self._ask(number, "claim", "POST", "/tasks/claim", wanted)
            said = {"fence": held["fence"], "summary": "told"}
            self._ask(number, "complete", "POST", f"/assignments/{held['id']}/complete", said)
        except Told:
            pass

    def _ask(
        self, number: int, step: str, method: str, path: str, body: Any, headers: Mapping[str, str] | None = None
    ) -> tuple[Any, str]:
        """The answer and its ETag. :raises Told: it was refused, or never known"""
        name = f"{self._prefix} {number} {step}"
        sent = {"Idempotency-Key": name.replace(" ", "-"), **(headers or {})}
        end = time.monotonic() + self._patience
        while True:
            self._ledger.note(name, "sent")
            status, answer, etag = self._once(method, path, body, sent)
            code = answer.get("code", "") if isinstance(answer, dict) else ""
            self.answers[f"{step} {status} {code}".strip()] += 1
            if 200 <= status < 300:
                self._ledger.note(name, OK)
                return answer, etag
            if code == "answer_lost":  # we are told that it took effect, and what came of it is not known
                self._ledger.note(name, OK)
                raise Told
            self._ledger.note(name, f"{FAILED} with {status}" if status else UNKNOWN)
            if (0 < status < 500 and code != "in_flight") or time.monotonic() > end:
                raise Told
            time.sleep(PAUSE)

    def _once(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> tuple[int, Any, str]:
        """Status, document and ETag; status 0 when there was no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        kept = {"Authorization": f"Bearer {ADMIN}", "Content-Type": "application/json", **headers}
        try:
            connection.request(method, f"/api/v1{path}", json.dumps(body), kept)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null"), answer.getheader("ETag", "")
        except (OSError, http.client.HTTPException, ValueError):
            return 0, None, ""
        finally:
            connection.close()


def reconcile_stories(url: str, outcomes: Mapping[str, str], number: int, prefix: str = TITLE) -> list[str]:
    """Row by row: whatever was answered 2xx is there, and no request had its effect twice."""
    with psycopg.connect(url) as connection:
        seen = dict(_effects(connection, prefix))
    wrong = []
    for index in range(number):
        for step in STEPS:
            name = f"{prefix} {index} {step}"
            times = seen.get((f"{prefix} {index}", step), 0)
            if times > 1 or (outcomes.get(name) == OK and times != 1):
                wrong.append(f"{name} was {outcomes.get(name)}, and took effect {times} times")
    return wrong


_EFFECTS: Sequence[tuple[str, str]] = (
    ("create", "SELECT t.title, count(*) FROM tasks t WHERE t.title LIKE %s GROUP BY 1"),
    ("edit", "SELECT t.title, count(*) FROM tasks t JOIN events e ON e.task_id = t.id"
             " WHERE t.title LIKE %s AND e.type = 'task.edited' AND t.priority = 'high' GROUP BY 1"),
    ("claim", "SELECT t.title, count(*) FROM tasks t JOIN agent_assignments a ON a.task_id = t.id"
              " WHERE t.title LIKE %s GROUP BY 1"),
    ("complete", "SELECT t.title, count(*) FROM tasks t JOIN events e ON e.task_id = t.id"
                 " WHERE t.title LIKE %s AND e.type = 'assignment.completed' AND t.status = 'review' GROUP BY 1"),
)  # fmt: skip


def _effects(connection: psycopg.Connection[Any], prefix: str) -> Iterator[tuple[tuple[str, str], int]]:
    for step, statement in _EFFECTS:
        for title, times in connection.execute(statement, [f"{prefix} %"]).fetchall():
            yield (title, step), times
