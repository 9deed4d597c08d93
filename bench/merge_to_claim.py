"""From a merged pull request to the claim of the task that waited for it, through all that runs in production.

    python bench/merge_to_claim.py [--rounds 200] [--engine postgresql|sqlite] [--postgres URL] [--broker URL] [--json]

Two processes, as people start them: `nexus serve` (gunicorn) and `nexus worker`, on one database, with a broker
between them. In each round GitHub's signed webhook `pull_request`, closed and merged, is sent for a task on which
another one depends; the clock runs from before the request until an agent's claim of the dependent is answered with
201. The agent waits in one of two ways: it follows the feed by long poll (`GET /events?type=task.ready&wait=25`) and
claims what it reads of, or it asks for a claim every 20 ms. The goal: below one second, without load.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parent))
from databases import empty_database
from serving import free_port, running

KEY = f"an-admin-key-for-the-bench-{secrets.token_hex(16)}"
SECRET = secrets.token_hex(32)
GOAL = 1000.0  #: milliseconds
REPOSITORY = {"id": 4401, "name": "api", "full_name": "acme/api", "default_branch": "main", "owner": {"login": "acme"}}


def merged(number: int, task: str) -> dict[str, Any]:
    """What GitHub sends when a pull request was merged."""
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "action": "closed", "number": number, "repository": REPOSITORY, "sender": {"login": "lead", "id": 41},
        "pull_request": {
            "id": 9000 + number, "number": number, "state": "closed", "title": f"{task}: do it", "draft": False,
            "body": f"Closes {task}", "merged": True, "merged_by": {"login": "lead", "id": 41}, "merged_at": at,
            "merge_commit_sha": secrets.token_hex(20), "user": {"login": "mona", "id": 31}, "created_at": at,
            "updated_at": at, "html_url": f"https://github.com/acme/api/pull/{number}",
            "head": {"ref": f"work-{number}", "sha": secrets.token_hex(20)}, "base": {"ref": "main"},
        },
    }  # fmt: skip


def send(client: httpx.Client, payload: Mapping[str, Any]) -> None:
    """Send a signed webhook. :raises SystemExit: it was not taken"""
    body = json.dumps(payload).encode()
    answer = client.post(
        "/webhooks/github", content=body,
        headers={
            "Content-Type": "application/json", "X-GitHub-Event": "pull_request",
            "X-GitHub-Delivery": secrets.token_hex(16),
            "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
        },
    )  # fmt: skip
    if answer.status_code != 202:
        sys.exit(f"the webhook was answered {answer.status_code}: {answer.text[:300]}")


class Agent(threading.Thread):
    """An agent that waits for a task and claims it."""

    def __init__(self, base: str, task: int, after: int, *, follows: bool) -> None:
        super().__init__(daemon=True)
        self._base, self._task, self._after, self._follows = base, task, after, follows
        self.began = threading.Event()
        self.claimed_at = 0.0

    def run(self) -> None:
        with opened(self._base) as client:
            self.began.set()
            if self._follows:
                self._wait(client)
            while not self._claims(client):
                time.sleep(0.02)
            self.claimed_at = time.perf_counter()

    def _wait(self, client: httpx.Client) -> None:
        while True:
            found = client.get("/events", params={"type": "task.ready", "after": self._after, "wait": 25}).json()[
                "items"
            ]
            if any(event["task_id"] == self._task for event in found):
                return
            self._after = max([self._after, *(event["id"] for event in found)])

    def _claims(self, client: httpx.Client) -> bool:
        answer = client.post("/tasks/claim", json={"task_id": self._task, "agent": "bench"})
        if answer.status_code not in (201, 204, 409):
            sys.exit(f"a claim was answered {answer.status_code}: {answer.text[:300]}")
        return answer.status_code == 201


@contextmanager
def opened(base: str) -> Iterator[httpx.Client]:
    """A client with the admin's key."""
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=f"{base}/api/v1", headers=headers, timeout=60, trust_env=False) as client:
        yield client


def one(client: httpx.Client, base: str, number: int, *, follows: bool) -> float:
    """One round, in milliseconds."""
    first = client.post("/tasks", json={"title": f"First {number}", "repository": "acme/api"}).json()
    second = client.post(
        "/tasks", json={"title": f"Second {number}", "repository": "acme/api", "dependencies": [first["id"]]}
    ).json()
    newest = client.get("/events", params={"newest": "true", "limit": 1}).json()["items"]
    agent = Agent(base, second["id"], newest[-1]["id"] if newest else 0, follows=follows)
    agent.start()
    agent.began.wait()
    time.sleep(0.1)  # it waits by now, as it would
    begun = time.perf_counter()
    send(client, merged(number, first["key"]))
    agent.join(60)
    if not agent.claimed_at:
        sys.exit("the dependent was not claimed within a minute")
    return (agent.claimed_at - begun) * 1000


def percentile(found: list[float], share: float) -> float:
    """The value below which this share of them lies."""
    ordered = sorted(found)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def measure(base: str, rounds: int) -> dict[str, dict[str, float]]:
    """Both ways of waiting, in turns."""
    took: dict[str, list[float]] = {"long poll": [], "asking every 20 ms": []}
    with opened(base) as client:
        client.post("/repositories", json={"name": "acme/api", "url": "https://github.com/acme/api.git"})
        for number in range(1, 2 * (rounds + 5) + 1):
            name = list(took)[number % 2]
            found = one(client, base, number, follows=name == "long poll")
            if number > 10:  # the first ones warm up
                took[name].append(found)
    return {
        name: {
            "rounds": len(found), "p50": statistics.median(found), "p99": percentile(found, 0.99), "max": max(found),
        }
        for name, found in took.items()
    }  # fmt: skip


@contextmanager
def worker(environ: Mapping[str, str], folder: Path) -> Iterator[None]:
    """A worker; ended afterwards."""
    passed = {key: value for key, value in os.environ.items() if not key.startswith("NEXUS_")}
    with (folder / "worker.log").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "nexus_cli", "worker"], env={**passed, **environ}, stdout=said, stderr=said
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(40)


def drop_queues(broker: str) -> None:
    """Leave nothing of ours at the broker."""
    import kombu

    from nexus_core.domain.jobs import LANES
    from nexus_worker.bell import Address

    address = Address.from_url(broker)
    with kombu.Connection(address.url) as connection:
        for lane in LANES:
            address.queue(lane)(connection.default_channel).delete()


def main() -> None:
    """Measure, and say whether the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200, help="of each way of waiting")
    parser.add_argument("--engine", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--postgres", default="postgresql://postgres@127.0.0.1:5432/postgres")
    parser.add_argument(
        "--broker", default="amqp://guest:guest@127.0.0.1:5672//", help="empty = the worker asks the store"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    broker = f"{options.broker}#bench-{secrets.token_hex(4)}" if options.broker else ""
    with tempfile.TemporaryDirectory() as scratch, empty_database(options.engine, options.postgres) as database:
        folder, port = Path(scratch), free_port()
        environ = {
            "HOME": scratch, "NEXUS_DATA_DIR": scratch, "NEXUS_BIND": f"127.0.0.1:{port}",
            "NEXUS_DATABASE_URL": database if "://" in database else f"sqlite:///{database}",
            "NEXUS_BOOTSTRAP_ADMIN_KEY": KEY, "NEXUS_GITHUB_WEBHOOK_SECRET": SECRET,
            **({"NEXUS_BROKER_URL": broker} if broker else {}),
        }  # fmt: skip
        serve = [sys.executable, "-m", "nexus_cli", "serve"]
        try:
            with running(serve, port, environ, folder, folder / "serve.log"), worker(environ, folder):
                found = measure(f"http://127.0.0.1:{port}", options.rounds)
        finally:
            if broker:
                drop_queues(broker)
    load = os.getloadavg()[0]
    if options.json:
        print(json.dumps({"engine": options.engine, "broker": bool(broker), "load": load, "milliseconds": found}))
        return
    by = options.broker.partition(":")[0] or "none"
    print(f"From the merge to the claim on {options.engine}, broker {by}, load {load:.1f}:\n")
    for name, said in found.items():
        holds = "holds" if said["max"] < GOAL else "FAILS"
        print(
            f"  {name:<20} p50 {said['p50']:6.0f} ms   p99 {said['p99']:6.0f} ms   max {said['max']:6.0f} ms   "
            f"of {said['rounds']:.0f}: below {GOAL:.0f} ms {holds}"
        )


if __name__ == "__main__":
    main()
