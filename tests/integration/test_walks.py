"""Walking through every list while others write: each row that was there is met once, and late pages cost no more."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import count
from typing import Any

import pytest
from falcon import testing

from engines import execute, open_hub
from nexus_core import Nexus, VerifiedDelivery, hookimpl
from nexus_core.plugins.records import DeliverySource
from nexus_http.app import create_app

ROWS = 90
LIMIT = 7
WRITERS = 2
"""One alone does not come to a hundred rows a second on PostgreSQL, each of which is a request."""
SORTS = ("id", "-id", "-updated_at", "order")
LISTS = (
    *(f"/tasks?sort={sort}" for sort in SORTS), "/tasks?ready=true&sort=order", "/tasks?ready=true&status=pending",
    "/assignments?live=true", "/assignments/1/activities", "/events?type=task.*", "/jobs", "/deliveries", "/keys",
    "/users", "/repositories", "/inbox",
)  # fmt: skip
PRIORITIES = ("low", "medium", "high", "critical")


class Post:
    """A plugin that takes any webhook."""

    @hookimpl
    def nexus_delivery_sources(self) -> Iterator[DeliverySource]:
        yield DeliverySource(name="post", verify=self._verify, translate=lambda delivery, ctx: ())

    def _verify(self, body: bytes, headers: Mapping[str, str], ctx: Any) -> VerifiedDelivery:
        return VerifiedDelivery(source="post", id=headers["x-id"], kind="ping", body=body)


class Api:
    """The API, with an admin's key, as often as threads want it."""

    def __init__(self, hub: Nexus) -> None:
        self._client = testing.TestClient(create_app(hub))
        self._headers = {"Authorization": f"Bearer {hub.keys.create('walker', role='admin').secret}"}

    def get(self, path: str) -> Any:
        answer = self._client.simulate_get(f"/api/v1{path}", headers=self._headers)
        assert 200 == answer.status_code, answer.text
        return answer.json

    def post(self, path: str, body: Any) -> Any:
        answer = self._client.simulate_post(
            f"/api/v1{path}", headers={**self._headers, "X-Id": path + str(body)[-40:]}, json=body
        )
        assert answer.status_code < 300, answer.text
        return answer.json

    def walk(self, path: str) -> list[int]:
        """The ids of every page."""
        found: list[int] = []
        cursor = ""
        joined = path + ("&" if "?" in path else "?") + f"limit={LIMIT}"
        while True:
            page = self.get(joined + cursor)
            found += [item["id"] for item in page["items"]]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"


def add_one(api: Api, number: int) -> None:
    """One more of everything that is listed."""
    hard = {"priority": PRIORITIES[number % 4], "complexity_manual": 1 + number % 10}
    task = api.post("/tasks", {"title": f"t{number}", **hard})
    api.post("/users", {"username": f"user-{number}", "role": "viewer"})
    api.post("/keys", {"name": f"key {number}", "role": "viewer"})
    api.post("/repositories", {"name": f"acme/r{number}"})
    api.post("/webhooks/post", {"n": number})
    if number % 2:
        held = api.post("/tasks/claim", {"agent": f"agent-{number}", "task_id": task["id"]})
        said = {"fence": held["fence"], "type": "elicitation", "body": f"{number}?"}
        api.post(f"/assignments/{held['id']}/activities", said)


@pytest.fixture
def walked(database_url: str) -> Iterator[tuple[Api, str]]:
    """A hub with so many of everything."""
    with open_hub(database_url, Post(), values={"assignment.automatic": False}) as hub:
        api = Api(hub)
        for number in range(ROWS):
            add_one(api, number)
        first = api.get("/assignments/1")
        for number in range(20):
            hub.assignments.add_activity(1, first["fence"], "thought", f"{number}")
        yield api, database_url


def test_every_row_is_met_once_while_others_write(walked: tuple[Api, str]) -> None:
    """In every list and every order, while a hundred rows a second are added and some of them taken away again."""
    api, url = walked
    before = {path: set(api.walk(path)) for path in LISTS}
    numbers, stop = count(ROWS), threading.Event()
    faults: list[BaseException] = []

    def write() -> None:
        try:
            while not stop.is_set():
                number = next(numbers)
                add_one(api, number)
                execute(url, f"DELETE FROM users WHERE username = 'user-{number}'")
                if number % 6 == 0:
                    gone = f"IN (SELECT id FROM tasks WHERE title = 't{number}')"
                    execute(url, f"DELETE FROM task_scores WHERE task_id {gone}", f"DELETE FROM tasks WHERE id {gone}")
        except BaseException as fault:  # told in the end
            faults.append(fault)

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    met = {path: Counter(api.walk(path)) for path in LISTS}
    stop.set()
    for thread in threads:
        thread.join(30)
    added = (next(numbers) - ROWS) * 5 / (time.monotonic() - began)
    missed = {path: rows for path in LISTS if (rows := {row for row in before[path] if met[path][row] == 0})}
    twice = {path: rows for path in LISTS if (rows := [row for row, times in met[path].items() if times > 1])}

    assert ([], {}, {}) == (faults, missed, twice)
    assert all(before.values())
    print(f"{added:.0f} rows a second were added meanwhile")


# What a page costs
# -----------------

COSTLY = tuple(
    f"/{path}limit=1"
    for path in (
        "tasks?sort=id&",
        "tasks?ready=true&",
        "assignments?",
        "events?",
        "jobs?",
        "deliveries?",
    )
)

APART = {"tasks": {"external_key": "NULL"}, "jobs": {"unique_key": "NULL"}, "deliveries": {"delivery_id": "n"},
         "agent_assignments": {"ended_at": "assigned_at", "fence": "n + 1000"}}  # fmt: skip


def multiply(path: str, table: str, times: int) -> None:
    """So many more rows like the first one of a table."""
    with closing(sqlite3.connect(path)) as connection:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] != "id"]
        values = ", ".join(APART.get(table, {}).get(column, column) for column in columns)
        connection.execute(
            f"WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {times}) "
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM counted, "
            f"(SELECT * FROM {table} ORDER BY id LIMIT 1)"
        )
        connection.execute("ANALYZE")
        connection.commit()


def steps_of(hub: Nexus, ask: Callable[[], Any]) -> int:
    """How many steps SQLite's machine takes for a request: the same on every computer."""
    taken = count()
    connection = hub.store.engine.connection()  # type: ignore[attr-defined]  # the engine of the test's own hub
    connection.set_progress_handler(lambda: next(taken) * 0, 1)
    try:
        ask()
    finally:
        connection.set_progress_handler(None, 1)
    return next(taken)


def cursor_at(api: Api, path: str, rows: int) -> str:
    """The cursor behind so many rows."""
    cursor, left = "", rows
    while left:
        page = api.get(path.replace("limit=1", f"limit={min(left, 200)}") + cursor)
        left -= len(page["items"])
        cursor = f"&cursor={page['next_cursor']}"
    return cursor


def test_the_ten_thousandth_page_costs_what_the_first_did(tmp_path: Any) -> None:
    """In steps of the database's machine: less than twice as many."""
    url = f"sqlite:///{tmp_path / 'nexus.db'}"
    with open_hub(url, Post(), values={"assignment.automatic": False}) as hub:
        api = Api(hub)
        add_one(api, 2)
        add_one(api, 1)
        for table in ("tasks", "events", "jobs", "deliveries", "agent_assignments"):
            multiply(str(tmp_path / "nexus.db"), table, 10_200)
        cost = {}
        for path in COSTLY:
            behind = cursor_at(api, path, 9_999)
            cost[path] = [steps_of(hub, lambda path=path, at=at: api.get(path + at)) for at in ("", behind)]
    print(json.dumps(cost, indent=1))

    assert {} == {path: pair for path, pair in cost.items() if pair[1] >= 2 * pair[0]}
