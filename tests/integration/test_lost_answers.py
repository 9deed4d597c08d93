"""“Committed, but the answer was lost”, at any write: whoever asks again with the same key finds one effect.

Each transaction that writes may be lost in two ways: before it commits, and after, when the caller is told that the
database is away although all is stored. NEXUS_LOST_OPERATIONS sets how many operations there are (20,000 for the long
form), NEXUS_LOST_SEED which ones are hit.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from falcon import testing

from engines import open_hub
from nexus_core import Nexus, Unavailable
from nexus_core.ports.queries import TaskQuery
from nexus_core.testing import FrozenClock
from nexus_http.app import create_app

OPERATIONS = int(os.environ.get("NEXUS_LOST_OPERATIONS", "600"))
SEED = int(os.environ.get("NEXUS_LOST_SEED", "1"))
LOST, UNDONE = 0.1, 0.05
"""The share of transactions whose answer is lost, and of those that are undone."""

ENDLESS = 200


class Trouble:
    """Stands between the store and its engine."""

    def __init__(self, hub: Nexus, seed: int) -> None:
        self._random = random.Random(seed)
        self._engine: Any = hub.store.engine  # type: ignore[attr-defined]  # the engine of the test's own hub
        self._writing = self._engine.writing
        self.faults: Counter[str] = Counter()
        self.is_on = True

    @contextmanager
    def writing(self) -> Iterator[Any]:
        """A transaction, as the engine makes it, that may be in trouble."""
        chance = self._random.random() if self.is_on else 1.0
        with self._writing() as session:
            yield session
            if chance < UNDONE:
                self.faults["undone"] += 1
                raise Unavailable("the database is away")
        if chance < UNDONE + LOST:
            self.faults["lost"] += 1
            raise Unavailable("the database is away; nobody knows what became of it")


class Asker:
    """Asks until it knows, always with the same key, as a client does that must not do a thing twice."""

    def __init__(self, hub: Nexus, clock: FrozenClock) -> None:
        self._client = testing.TestClient(create_app(hub))
        self._headers = {"Authorization": f"Bearer {hub.keys.create('asker', role='admin').secret}"}
        self._clock = clock
        self.answers: Counter[str] = Counter()

    def post(self, path: str, body: Any, key: str) -> Any:
        """What came of it; None when it took effect and its answer is lost for good."""
        headers = {**self._headers, "Idempotency-Key": key}
        for _ in range(ENDLESS):
            answer = self._client.simulate_post(f"/api/v1{path}", headers=headers, json=body)
            if answer.status_code < 300:
                self.answers["known"] += 1
                return answer.json
            code = answer.json["code"]
            self.answers[code] += 1
            if code == "answer_lost":
                return None
            assert code in ("unavailable", "in_flight"), answer.text
            if code == "in_flight":  # whoever worked on it is taken for dead after a minute
                self._clock.advance(seconds=61)
        raise AssertionError(f"{path} never ended")


@pytest.mark.timeout(120 + OPERATIONS // 20)
def test_committed_but_the_answer_was_lost(database_url: str) -> None:
    """Tasks are created, claimed and completed: each once, whatever was lost on the way."""
    clock = FrozenClock()
    limits = {"rate_limit.writes": 10**6, "assignment.automatic": False}
    with open_hub(database_url, values=limits, clock=clock) as hub:
        trouble = Trouble(hub, SEED)
        asker = Asker(hub, clock)
        hub.store.engine.writing = trouble.writing  # type: ignore[attr-defined]
        rounds = OPERATIONS // 3
        for number in range(rounds):
            _one(hub, asker, trouble, number)
        trouble.is_on = False
        _reconcile(hub, rounds)
    print(f"{3 * rounds} operations, {dict(trouble.faults)}, {dict(asker.answers)}")
    assert trouble.faults["lost"] > rounds / 10 and trouble.faults["undone"] > rounds / 20
    assert asker.answers["unavailable"] > rounds / 10


def _one(hub: Nexus, asker: Asker, trouble: Trouble, number: int) -> None:
    asker.post("/tasks", {"title": f"task {number}"}, f"create-{number}")
    task_id = _known(trouble, lambda: hub.tasks.list(TaskQuery(sort="-id", limit=1)).items[0].id)
    asker.post("/tasks/claim", {"agent": "ada", "task_id": task_id}, f"claim-{number}")
    (held,) = _known(trouble, lambda: hub.assignments.list(task_id=task_id))
    fence = {"fence": held.fence, "summary": f"done {number}"}
    asker.post(f"/assignments/{held.id}/complete", fence, f"complete-{number}")


def _known(trouble: Trouble, look: Callable[[], Any]) -> Any:
    """What the store says, asked in a moment without trouble."""
    trouble.is_on = False
    try:
        return look()
    finally:
        trouble.is_on = True


def _reconcile(hub: Nexus, rounds: int) -> None:
    """Row by row: each operation took effect once, and each event tells of one."""
    after, titles = 0, []
    while page := hub.assignments.list(after=after, limit=100):
        for one in page:
            task = hub.tasks.get(one.task_id)
            assert ("review", "completed", 1) == (task.status, one.status, one.fence), task
            titles.append(task.title)
        after = page[-1].id
    assert [f"task {number}" for number in range(rounds)] == titles
    told: Counter[str] = Counter()
    last = 0
    while events := hub.events.list(after=last, limit=200):
        told.update(f"{event.type} {event.task_id}" for event in events if event.task_id is not None)
        last = events[-1].id
    assert {1, 2} >= set(told.values())
    kinds = Counter(name.split()[0] for name in told)
    expected = ("task.created", "assignment.created", "assignment.completed")
    assert [rounds] * 3 == [kinds[kind] for kind in expected]
    assert not [name for name, times in told.items() if times > 1 and not name.startswith("task.moved")]
