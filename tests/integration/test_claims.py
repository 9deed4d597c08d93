"""Many agents claim at once: never two holders of a task, none lost, no write with a stale fence."""

from __future__ import annotations

import random
import threading
import time
from datetime import timedelta

import pytest

from engines import at_once, open_hub, outcome, rows
from history import Recorder, violations
from model import CLOSED, Truth, check
from nexus_core.domain.agents import Agent
from nexus_core.errors import NoAgent, NotReady, StaleClaim
from nexus_core.ports.queries import TaskQuery
from nexus_core.testing import FrozenClock

LEASE = timedelta(milliseconds=600)


class Worker:
    """One agent that claims, works, and now and then fails, hands back or falls asleep past its lease."""

    def __init__(self, nexus, name, recorder, deadline):
        self.nexus, self.name, self.recorder, self.deadline = nexus, name, recorder, deadline
        self.random = random.Random(name)
        self.slept = 0

    def __call__(self):
        while time.monotonic() < self.deadline:
            assignment = self.recorder.claim(
                self.name, lambda: self.nexus.assignments.claim(agent=self.name),
                lambda found: found and (found.task_id, found.fence),
            )  # fmt: skip
            if assignment is not None:
                self.work(assignment)
            elif not open_tasks(self.nexus):
                return
            else:
                self.merge()
                time.sleep(0.02)

    def merge(self):
        """A person's word for work that is finished."""
        for task in self.nexus.tasks.list(TaskQuery(status=("review",))).items:
            self.nexus.tasks.move(task.id, "done")

    def write(self, kind, assignment, call):
        return self.recorder.write(kind, assignment.task_id, assignment.fence, self.name, call, StaleClaim)

    def work(self, mine):
        assignments, chance = self.nexus.assignments, self.random.random()
        self.write("write", mine, lambda: assignments.start(mine.id, mine.fence))
        if chance < 0.04:
            self.slept += 1
            time.sleep(1.6 * LEASE.total_seconds())
            self.write("write", mine, lambda: assignments.heartbeat(mine.id, mine.fence))
            self.write("write", mine, lambda: assignments.add_activity(mine.id, mine.fence, "thought", "still here?"))
        elif chance < 0.5:
            self.write("write", mine, lambda: assignments.add_activity(mine.id, mine.fence, "action", "typing"))
        if chance > 0.9:
            self.write("fail", mine, lambda: assignments.fail(mine.id, mine.fence, error="no luck"))
        elif chance > 0.8:
            self.write("release", mine, lambda: assignments.release(mine.id, mine.fence))
        elif chance < 0.6:
            self.write("complete", mine, lambda: assignments.complete(mine.id, mine.fence, summary="done"))
        elif self.write("write", mine, lambda: assignments.heartbeat(mine.id, mine.fence)):
            # A merge ends the assignment, whoever holds it.
            self.nexus.tasks.move(mine.task_id, "done")


def open_tasks(nexus):
    """How many tasks are neither done nor cancelled."""
    with nexus.store.reading() as transaction:
        return sum(number for (_, status), number in transaction.tasks.counts().items() if status not in CLOSED)


def make_graph(nexus, number, seed=7):
    """Tasks of which two thirds wait for up to three earlier ones, some with subtasks."""
    chance = random.Random(seed)
    ids = []
    for index in range(number):
        on = chance.sample(ids[-40:], min(len(ids), chance.choice((0, 1, 1, 2, 3)))) if index % 3 else []
        parent = chance.choice(ids[-10:]) if index % 11 == 10 else None
        on = on if parent is None else []
        ids.append(nexus.tasks.create(f"Task {index}", dependencies=on, parent_id=parent).id)
    return ids


def sweep(nexus, stop, lost):
    """What the worker's sweep does, often."""
    while not stop.wait(0.05):
        lost += nexus.assignments.reclaim_lost()


def crowd(nexus, number, seconds):
    """So many workers until all is done, beside a sweep; the recorder, the workers, what was reclaimed."""
    recorder, stop, lost = Recorder(), threading.Event(), []
    deadline = time.monotonic() + seconds
    workers = [Worker(nexus, f"agent-{index}", recorder, deadline) for index in range(number)]
    sweeper = threading.Thread(target=sweep, args=(nexus, stop, lost))
    sweeper.start()
    try:
        at_once(workers)
    finally:
        stop.set()
        sweeper.join()
    return recorder, workers, lost


def test_a_crowd_claims_every_task_once_at_a_time(database_url):
    """32 agents, 400 tasks with dependencies, leases that run out: no two holders, none lost, no stale write."""
    agents = {f"agent-{index}": Agent(name=f"agent-{index}", lease=LEASE, concurrency=9) for index in range(32)}
    with open_hub(database_url, agents=agents) as nexus:
        make_graph(nexus, 400)
        recorder, _workers, lost = crowd(nexus, 32, 45)
        check(nexus, database_url, explain=False)
        truth = Truth.read(database_url)
    live = rows(database_url, "SELECT id FROM agent_assignments WHERE ended_at IS NULL")

    assert [] == violations(recorder.calls, lease=LEASE.total_seconds())
    assert {"done"} == {row["status"] for row in truth.tasks.values()}
    assert [] == live
    assert lost and recorder.refused, "no lease ran out: the test shows less than it should"


WRITES = {
    "start": lambda nexus, one: nexus.assignments.start(one.id, one.fence),
    "heartbeat": lambda nexus, one: nexus.assignments.heartbeat(one.id, one.fence),
    "add_activity": lambda nexus, one: nexus.assignments.add_activity(one.id, one.fence, "thought", "hm"),
    "complete": lambda nexus, one: nexus.assignments.complete(one.id, one.fence),
    "fail": lambda nexus, one: nexus.assignments.fail(one.id, one.fence, error="no"),
    "release": lambda nexus, one: nexus.assignments.release(one.id, one.fence),
}


@pytest.mark.parametrize("reclaimed", [False, True], ids=["not swept yet", "handed on"])
def test_every_write_of_a_stale_holder_is_refused(database_url, reclaimed):
    """From the end of the lease on, whether or not somebody else has the task, and nothing changes by it."""
    clock = FrozenClock()
    with open_hub(database_url, clock=clock, agents={"ada": Agent(name="ada", lease=LEASE)}) as nexus:
        task = nexus.tasks.create("One")
        stale = nexus.assignments.claim(agent="ada")
        clock.advance(seconds=1)
        if reclaimed:
            nexus.assignments.reclaim_lost()
            nexus.assignments.claim(agent="bob")
        before, events = nexus.tasks.get(task.id), len(nexus.events.list(limit=200))
        refused = [type(outcome(lambda call=call: call(nexus, stale))()) for call in WRITES.values()]
        after = (nexus.tasks.get(task.id), len(nexus.events.list(limit=200)))

    assert [StaleClaim] * len(WRITES) == refused
    assert (before, events) == after


def test_of_many_claims_of_one_task_one_wins(database_url):
    """The others are told that it is held."""
    with open_hub(database_url) as nexus:
        task = nexus.tasks.create("One")
        claims = [
            outcome(lambda name=f"agent-{index}": nexus.assignments.claim(agent=name, task_id=task.id))
            for index in range(24)
        ]
        answers = at_once(claims)
    lost = [answer for answer in answers if isinstance(answer, NotReady)]

    assert 23 == len(lost), answers
    assert all("held" in {blocker["code"] for blocker in answer.details["blockers"]} for answer in lost)


def test_an_agent_never_holds_more_than_it_may(database_url):
    """However many claims, hand-outs and dispatches come at once."""
    agents = {
        "ada": Agent(name="ada", concurrency=2),
        "bob": Agent(name="bob", concurrency=2, command=("true",)),
    }
    with open_hub(database_url, agents=agents) as nexus:
        ids = [nexus.tasks.create(f"Task {index}").id for index in range(30)]
        calls = [lambda: nexus.assignments.claim(agent="ada")] * 8
        calls += [lambda number=number: nexus.agents.assign(number, "ada") for number in ids[:4]]
        calls += [lambda number=number: nexus.agents.assign(number, "bob") for number in ids[4:10]]
        calls += [nexus.agents.dispatch] * 3
        answers = at_once([outcome(call) for call in calls])
        held = [one.agent for one in nexus.assignments.list(live=True)]

    assert {"ada": 2, "bob": 2} == {name: held.count(name) for name in agents}
    assert {NoAgent, NotReady} >= {type(answer) for answer in answers if isinstance(answer, Exception)}, answers


def test_a_skilled_agent_finds_its_work_behind_everybody_elses(database_url):
    """However many tasks come first that need other skills."""
    with open_hub(database_url) as nexus:
        nexus.repositories.add("acme/api")
        for index in range(45):
            nexus.tasks.create(f"Rust {index}", labels=("rust",), priority="high")
        mine = nexus.tasks.create("Python", labels=("python",), priority="low")
        recommended = nexus.tasks.next(skills=("python",))
        claimed = nexus.assignments.claim(agent="ada", skills=("python",))

    assert mine.id == getattr(getattr(recommended, "task", None), "id", None)
    assert mine.id == getattr(claimed, "task_id", None)


def test_dispatch_finds_what_an_agent_can_take_behind_what_none_can(database_url):
    """However many tasks come first that are too hard for everybody."""
    agents = {"bob": Agent(name="bob", max_complexity=3, command=("true",))}
    with open_hub(database_url, agents=agents) as nexus:
        for index in range(25):
            nexus.tasks.create(f"Hard {index}", complexity_manual=9, priority="high")
        easy = nexus.tasks.create("Easy", complexity_manual=2, priority="low")
        given = nexus.agents.dispatch()

    assert [easy.id] == [assignment.task_id for assignment in given]


@pytest.mark.parametrize("status", ["done", "cancelled"])
def test_an_override_does_not_wake_what_is_closed(database_url, status):
    """Others went on from there; it is reopened first, which takes that back."""
    with open_hub(database_url, agents={"bob": Agent(name="bob")}) as nexus:
        first = nexus.tasks.create("First")
        nexus.tasks.create("Second", dependencies=[first.id])
        nexus.tasks.move(first.id, status)
        refused = outcome(lambda: nexus.agents.assign(first.id, "bob", override=True))()
        check(nexus, database_url)

    assert isinstance(refused, NotReady)
