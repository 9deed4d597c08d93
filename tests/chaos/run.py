"""Webhooks sent into a hub to which everything happens; then what was sent is reconciled with what is there."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import socket
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import psycopg

from nexus_core import Nexus
from nexus_core.config import Config

from .house import SECRET, House
from .ledger import FAILED, OK, UNKNOWN, Ledger
from .schedule import Fault, fingerprint, schedule
from .stories import ADMIN, STEPS, Teller, reconcile_stories

REPOSITORY = {"id": 4711, "full_name": "acme/api", "name": "api", "default_branch": "main", "owner": {"login": "acme"}}
ADA = {"id": 1, "login": "ada", "type": "User"}
EVERY = 5
"""Each fifth webhook is a merge that completes a task; the others are stars, which are put on record."""

PATIENCE = 120.0
"""Seconds without any progress after which what is not done counts as lost."""


@attrs.define
class Load:
    """What is sent, and what happens meanwhile."""

    seed: int
    events: int  #: webhooks
    stories: int  #: tasks on their way through the API, four writes each
    faults: int
    seconds: float


@attrs.define
class Report:
    """What a run came to."""

    load: Load
    schedule: str  #: the faults' fingerprint
    faults: Counter[str]
    answers: Counter[str]
    writes: Counter[str]
    refused: Counter[str]  #: answers to writes that were not 2xx, by step, status and code
    seconds: float
    settled: float  #: seconds after the last answer until all was done
    wrong: list[str] = attrs.field(factory=list)

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"{self.load.events} webhooks in {self.seconds:.0f} s ({self.load.events / self.seconds:.0f}/s): "
            f"{_told(self.answers)}",
            f"{self.load.stories} tasks through the API, {self.writes.total()} writes: {_told(self.writes)}",
            f"not answered 2xx, and repeated where that may help: {_told(self.refused)}",
            f"{self.faults.total()} faults, schedule {self.schedule}: {_told(self.faults)}",
            f"all was done {self.settled:.1f} s after the last answer",
            *(self.wrong[:20] or ["nothing lost, no effect twice"]),
        ]


def _told(counted: Counter[str]) -> str:
    return ", ".join(f"{number} × {name}" for name, number in sorted(counted.items()))


def chaos(load: Load, keep: Path | None = None) -> Report:
    """Run it; the logs are copied to the folder `keep`."""
    with tempfile.TemporaryDirectory(prefix="nexus-chaos-") as name:
        folder = Path(name)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = int(free.getsockname()[1])
        house = House(folder, port=port, environ={"NEXUS_BOOTSTRAP_ADMIN_KEY": ADMIN})
        try:
            tasks = prepare(house.database, folder, -(-load.events // EVERY))
            house.serve()
            _await(port)
            return _run(house, Ledger(folder / "ledger"), tasks, load)
        finally:
            house.close()
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                for log in folder.glob("*.log"):
                    (keep / log.name).write_bytes(log.read_bytes())


def prepare(database: str, folder: Path, number: int) -> list[int]:
    """The tasks that the merges complete."""
    import nexus_plugin_github.hooks as github
    import nexus_plugin_postgres.hooks as postgres

    config = Config(values={"database_url": database, "auto_migrate": True, "data_dir": str(folder / "d")})
    with Nexus.open(config, plugins=[postgres, github], load_plugins=False) as hub:
        hub.repositories.add("acme/api", url="https://github.com/acme/api")
        return [hub.tasks.create(f"task {index}", repository="acme/api").id for index in range(number)]


def _await(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError("the server does not start")


def _run(house: House, ledger: Ledger, tasks: list[int], load: Load) -> Report:
    planned: list[Fault] = schedule(load.seed, load.faults, load.seconds)
    stop = threading.Event()
    trouble = threading.Thread(target=house.trouble, args=(planned, stop))
    began = time.monotonic()
    trouble.start()
    sender, teller = Sender(house.port, ledger, tasks), Teller(house.port, ledger)
    with ThreadPoolExecutor(48) as webhooks, ThreadPoolExecutor(16) as stories:
        for number in range(load.events):
            time.sleep(max(0.0, began + number * load.seconds / load.events - time.monotonic()))
            webhooks.submit(sender.send, number)
            if number * load.stories // load.events < (number + 1) * load.stories // load.events:
                stories.submit(teller.tell, number * load.stories // load.events)
    took = time.monotonic() - began
    stop.set()
    trouble.join()
    ended = time.monotonic()
    outcomes = ledger.read()
    wrong = _settled(house, outcomes, tasks, load.stories)
    hooks = Counter(word for name, word in outcomes.items() if name.startswith("chaos-"))
    writes = Counter(word for name, word in outcomes.items() if name.endswith(STEPS))
    settled = time.monotonic() - ended
    return Report(load, fingerprint(planned), house.faults, hooks, writes, teller.refused, took, settled, wrong)


class Sender:
    """Sends webhooks as GitHub does: once, signed, with an id of their own."""

    def __init__(self, port: int, ledger: Ledger, tasks: list[int]) -> None:
        self._port = port
        self._ledger = ledger
        self._tasks = tasks

    def send(self, number: int) -> None:
        """Send one, and note what became of it."""
        event, payload = self._payload(number)
        body = json.dumps(payload).encode()
        headers = {
            "Content-Type": "application/json", "X-GitHub-Event": event, "X-GitHub-Delivery": f"chaos-{number}",
            "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
        }  # fmt: skip
        name = f"chaos-{number}"
        self._ledger.note(name, "sent")
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("POST", "/api/v1/webhooks/github", body, headers)
            status = connection.getresponse().status
            self._ledger.note(name, OK if 200 <= status < 300 else f"{FAILED} with {status}")
        except ConnectionRefusedError:
            self._ledger.note(name, FAILED)  # nothing was sent
        except (OSError, http.client.HTTPException):
            self._ledger.note(name, UNKNOWN)
        finally:
            connection.close()

    def _payload(self, number: int) -> tuple[str, dict[str, Any]]:
        around = {"repository": REPOSITORY, "sender": ADA}
        if number % EVERY or number // EVERY >= len(self._tasks):
            return "star", {"action": "created", "starred_at": "2026-11-26T12:00:00Z", "n": number, **around}
        task = self._tasks[number // EVERY]
        pull = {
            "id": 10**6 + number, "number": number + 1, "state": "closed", "merged": True, "draft": False,
            "title": f"Do it (closes NX-{task})", "body": f"closes NX-{task}", "user": ADA,
            "html_url": f"https://github.com/acme/api/pull/{number + 1}", "author_association": "MEMBER",
            "head": {"ref": f"nexus/nx-{task}", "sha": f"{number:040x}", "repo": REPOSITORY},
            "base": {"ref": "main", "sha": "0" * 40, "repo": REPOSITORY}, "merge_commit_sha": f"{number + 1:040x}",
            "created_at": "2026-11-26T11:00:00Z", "updated_at": "2026-11-26T12:00:00Z",
            "merged_at": "2026-11-26T12:00:00Z", "closed_at": "2026-11-26T12:00:00Z",
        }  # fmt: skip
        return "pull_request", {"action": "closed", "number": number + 1, "pull_request": pull, **around}


# What came of it
# ---------------


def _settled(house: House, outcomes: dict[str, str], tasks: list[int], stories: int) -> list[str]:
    """What is wrong when all has been done, or nothing more was done for two minutes."""
    end, wrong, least = time.monotonic() + PATIENCE, ["it was never looked at"], float("inf")
    took = 0.0
    while wrong and time.monotonic() < end:
        time.sleep(max(0.5, 5 * took))  # to look is work for the database, too
        began = time.monotonic()
        try:
            wrong = reconcile(house.database, outcomes, tasks)
            wrong += reconcile_stories(house.database, outcomes, stories)
        except psycopg.OperationalError as error:
            wrong = [f"the database does not answer: {error}"]
            continue
        took = time.monotonic() - began
        if len(wrong) < least:
            least, end = len(wrong), time.monotonic() + PATIENCE
    return wrong


def reconcile(url: str, outcomes: dict[str, str], tasks: list[int]) -> list[str]:
    """Row by row: whatever was answered 2xx is there with its effect, nothing is there twice."""
    with psycopg.connect(url) as connection:
        stored = dict(connection.execute("SELECT delivery_id, state FROM deliveries").fetchall())
        told = Counter(
            row[0] for row in connection.execute(
                "SELECT delivery FROM events WHERE type IN ('github.star.created', 'github.pull_request.closed')"
            ).fetchall()
        )  # fmt: skip
        completed = Counter(
            row[0] for row in connection.execute("SELECT task_id FROM events WHERE type = 'task.completed'").fetchall()
        )
        status = dict(connection.execute("SELECT id, status FROM tasks").fetchall())
        left = connection.execute(
            "SELECT state, kind, count(*), max(attempt), min(run_at), min(last_error) FROM jobs"
            " WHERE state IN ('running', 'dead') OR (state = 'pending' AND kind NOT LIKE 'core.seal%') GROUP BY 1, 2"
        ).fetchall()
    wrong = [
        f"{number} jobs {kind} are {state}, in attempt {attempt}, due at {due}: {error}"
        for state, kind, number, attempt, due, error in left
        if state in ("running", "dead") or kind == "core.delivery"
    ]
    due = [name for name, outcome in outcomes.items() if outcome == OK and name.startswith("chaos-")]
    wrong += [f"{name} was answered 2xx and is lost" for name in due if name not in stored]
    wrong += [f"{name} is {state}" for name, state in stored.items() if state not in ("done", "ignored")]
    wrong += [f"{name} is on record {times} times" for name, times in told.items() if times > 1]
    wrong += [f"{name} is not on record" for name in stored if not told[f"github:{name}"]]
    for number in range(0, len(tasks) * EVERY, EVERY):
        task = tasks[number // EVERY]
        is_there = f"chaos-{number}" in stored
        if completed[task] > 1 or (status[task] == "done") != is_there or completed[task] != is_there:
            wrong.append(f"task {task} of chaos-{number} is {status[task]}, completed {completed[task]} times")
    return wrong
