"""A crowd of agents over HTTP, what serves them, what kills them, and how what they did is judged."""

from __future__ import annotations

import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
import psutil
from claimers import AnswerLost, Claimer, Client, Scene, say_done
from hubs import ADMIN_KEY, environment, running, wait_for_hub

from engines import at_once, open_hub, rows
from history import Call, Entry, Recorder, reconcile, violations
from model import Truth

CLAIMERS = 100
LEASE = 3.0
REPOSITORIES = tuple(f"acme/{name}" for name in ("api", "web", "jobs", "docs"))
FEED = "SELECT type, task_id FROM events WHERE type IN ('task.completed', 'assignment.created') ORDER BY xid, id"
SCOPES = ("tasks:read", "assignments:read", "assignments:claim", "assignments:write")

# The hub
# -------


@contextmanager
def hubs(url: str, folder: Path, pythons: Sequence[str]) -> Iterator[tuple[list[Any], Any, tuple[str, ...]]]:
    """A server of each of these Pythons on one database, and a worker: the processes, and the servers' addresses."""
    agents = "".join(f'[agents.agent-{number}]\nlease = "{LEASE}s"\nconcurrency = 50\n' for number in range(CLAIMERS))
    (folder / "nexus.toml").write_text(f'[worker]\nlease = "{LEASE}s"\n{agents}')
    shared = {"NEXUS_DATABASE_URL": url, "NEXUS_AUTO_MIGRATE": "1", "NEXUS_CONFIG": str(folder / "nexus.toml")}
    with ExitStack() as stack:
        started = []
        for number, python in enumerate(pythons):
            place = folder / f"server-{number}"
            place.mkdir()
            environ = environment(place, **shared)
            process = stack.enter_context(running(environ, place, "serve", "--quiet", python=python))
            started.append((process, place))
        found = [wait_for_hub(process, place / "data", place / "serve.log") for process, place in started]
        worker = stack.enter_context(running(environment(folder, **shared), folder, "worker", "--quiet"))
        servers = [process for process, _ in started]
        yield servers, worker, tuple(hub.url for hub in found)
        for process in (worker, *servers):
            process.terminate()


class Killer(threading.Thread):
    """Kills processes of the servers and of the worker, one at a time, at moments that a seed decides.

    Without a seed it kills nobody.
    """

    def __init__(self, servers: list[Any], worker: Any, seed: int | None) -> None:
        super().__init__()
        self.seed, self.chance = seed, random.Random(seed)
        self.servers, self.worker = servers, worker
        self.killed: Counter[str] = Counter()
        self.over = threading.Event()

    def run(self) -> None:
        while self.seed is not None and not self.over.wait(self.chance.uniform(1.0, 3.0)):
            name, parent = ("worker", self.worker)
            if len(self.killed) == 0 or (len(self.killed) > 1 and self.chance.random() < 0.75):
                name, parent = ("server", self.chance.choice(self.servers))
            children = psutil.Process(parent.pid).children()
            if children:
                with suppress(psutil.NoSuchProcess):
                    self.chance.choice(children).send_signal(signal.SIGKILL)
                    self.killed[name] += 1

    def stop(self) -> None:
        self.over.set()
        self.join()


# What there is to do
# -------------------


class Admin:
    """Who sets everything up, and looks at it afterwards."""

    def __init__(self, urls: tuple[str, ...]) -> None:
        self.client = Client(urls, ADMIN_KEY, Counter())
        self.repositories = [self.make("/repositories", name=name)["id"] for name in REPOSITORIES]
        self.some = self.repositories[:2]

    def make(self, path: str, **body: Any) -> Any:
        return self.client.ask("POST", path, body, 201)

    def agent_keys(self) -> list[str]:
        """One for each agent; a tenth of them sees some of the repositories only."""
        narrow = {"repositories": self.some}
        return [
            self.make(
                "/keys",
                name=f"agent {number}",
                agent=f"agent-{number}",
                scopes=SCOPES,
                **(narrow if is_narrow(number) else {}),
            )["key"]
            for number in range(CLAIMERS)
        ]

    def lead_key(self) -> str:
        """The key of a person who says what is done."""
        return self.make("/keys", name="lead", scopes=["tasks:read", "tasks:write"])["key"]

    def ledger(self) -> list[Entry]:
        """Every assignment that there was."""
        return [
            Entry(one["task"]["id"], one["fence"], one["agent"], one["status"])
            for one in self.client.everything("/assignments")
        ]


def graph(url: str, tasks: int) -> dict[int, list[int]]:
    """Tasks of which most wait for one to three earlier ones in any repository: who waits for whom."""
    chance = random.Random(tasks)
    made: dict[int, list[int]] = {}
    with open_hub(url) as hub:
        for number in range(tasks):
            before = [*made][-400:-100]
            waits = chance.sample(before, chance.choice((1, 1, 2, 3))) if len(before) > 2 and number % 5 else []
            task = hub.tasks.create("Task", repository=REPOSITORIES[number % 4], dependencies=waits)
            made[task.id] = sorted(waits)
    return made


def is_narrow(number: int) -> bool:
    """Whether an agent's key covers some of the repositories only."""
    return number % 10 == 0


class Reviewer(threading.Thread):
    """The lead: says `done` where an agent could not, and when all is over."""

    def __init__(self, scene: Scene, key: str) -> None:
        super().__init__()
        self.scene = scene
        self.client = Client(scene.urls, key, scene.seen, "lead")

    def run(self) -> None:
        still_open = "/tasks?limit=1&status=pending&status=in-progress&status=review&status=blocked"
        while not self.scene.is_over:
            for task in self.client.ask("GET", "/tasks?status=review&limit=50")["items"]:
                say_done(self.client, self.scene.recorder, task["id"])
            if not self.client.ask("GET", still_open)["items"]:
                self.scene.finished.set()
            self.scene.finished.wait(0.25)
        self.client.close()


# The story
# ---------


@attrs.frozen
class Story:
    """What was done, and what the hub has kept of it."""

    crowd: list[Claimer]
    calls: list[Call]
    depends: dict[int, list[int]]
    ledger: list[Entry]
    killed: Counter[str]
    seen: Counter[str]
    some: list[int]


def perform(
    url: str, folder: Path, tasks: int, *, seed: int | None = None, pythons: Sequence[str] = (), seconds: float = 90.0
) -> Story:
    """A hundred agents at work until everything is done, or time is up; without a seed nothing is killed."""
    usual = [sys.executable] * (1 if url.startswith("sqlite") else 2)
    with hubs(url, folder, pythons or usual) as (servers, worker, urls):
        admin = Admin(urls)
        keys, lead, depends = admin.agent_keys(), admin.lead_key(), graph(url, tasks)
        scene = Scene(urls, Recorder(lost=AnswerLost), LEASE, time.monotonic() + seconds)
        crowd = [Claimer(scene, f"agent-{number}", key, lead, calm=seed is None) for number, key in enumerate(keys)]
        killer, reviewer = Killer(servers, worker, seed), Reviewer(scene, lead)
        began = time.monotonic()
        for one in (killer, reviewer):
            one.start()
        try:
            at_once(crowd)
        finally:
            scene.finished.set()
            killer.stop()
            reviewer.join()
        print(f"{len(scene.recorder.calls)} calls in {time.monotonic() - began:.1f} s; {dict(scene.seen)}")
        return Story(crowd, scene.recorder.calls, depends, admin.ledger(), killer.killed, scene.seen, admin.some)


def judge(story: Story, url: str) -> None:
    """Hold the story against what the clients saw, what the hub says, and the tables themselves."""
    truth = Truth.read(url)
    completed = rows(
        url, "SELECT task_id, count(*) AS times FROM events WHERE type = 'task.completed' GROUP BY task_id"
    )
    narrow = {place for number, one in enumerate(story.crowd) if is_narrow(number) for place in one.repositories}

    assert [] == violations(story.calls, lease=LEASE, depends=story.depends)
    assert [] == reconcile(story.calls, story.ledger)
    assert {("done", None)} == {(row["status"], row["assignment_id"]) for row in truth.tasks.values()}
    assert dict.fromkeys(story.depends, 1) == {row["task_id"]: row["times"] for row in completed}
    assert {} == truth.wrong_counts()
    assert [] == too_early(url, story.depends)
    assert narrow <= set(story.some)


def too_early(url: str, depends: dict[int, list[int]]) -> list[tuple[int, int]]:
    """The grants that stand in the feed before the completion of what they waited for, lost answers among them."""
    done: set[int] = set()
    found = []
    for event in rows(url, FEED):
        if event["type"] == "task.completed":
            done.add(event["task_id"])
        else:
            found += [(event["task_id"], other) for other in depends[event["task_id"]] if other not in done]
    return found
