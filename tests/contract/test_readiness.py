"""Readiness, computed from nothing but the tables and a plain model, against every answer of the resolver."""

from __future__ import annotations

import os
import sqlite3
from contextlib import ExitStack, closing, suppress
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from engines import open_hub
from model import CLOSED, Truth, check
from nexus_core.domain.agents import Agent
from nexus_core.domain.tasks import Status
from nexus_core.errors import Conflict, Cycle, NotReady, StaleClaim, TransitionRefused, UnreadableFile
from nexus_core.testing import FrozenClock

DATA = Path(os.environ.get("NEXUS_DATA", Path(__file__).parents[3] / "shared" / "data")) / "tasksjson"
REOPENED = {
    "done": {"pending", "in-progress", "review", "cancelled"},
    "cancelled": {"pending", "done"},
}
WHILE_HELD = ("in-progress", "review", "blocked")
LEASE = timedelta(minutes=20)


# Real files
# ----------


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no task files in {DATA} (NEXUS_DATA names their folder's parent)")
def test_every_real_file_comes_in_with_the_right_counts(database_url):
    """All into one hub, each in a repository of its own, and the counts again after every third task is finished."""
    with open_hub(database_url) as nexus:
        files = sorted(DATA.glob("*.json"))
        for number, file in enumerate(files):
            with suppress(UnreadableFile):  # the files of other tools
                nexus.tasks.import_file(file.read_bytes(), f"real/file-{number}")
        before = check(nexus, database_url, explain=False)
        for task in sorted(before.ready(nexus.clock.now()))[::3]:
            nexus.tasks.move(task, "done")
        after = check(nexus, database_url, explain=False)

    assert len(before.tasks) > 1000
    assert before.ready(FrozenClock().now()) != after.ready(FrozenClock().now())


# Random sequences
# ----------------

some = st.integers(0, 30)


class Hub(RuleBasedStateMachine):
    """What people and agents do to tasks, in any order, beside a model of plain dictionaries."""

    url = ""

    def __init__(self):
        super().__init__()
        self.clock = FrozenClock()
        self.closing = ExitStack()
        empty(self.url)
        agents = {"ada": Agent(name="ada", lease=LEASE, concurrency=100)}
        self.nexus = self.closing.enter_context(open_hub(self.url, clock=self.clock, agents=agents))
        self.tasks: dict[int, dict] = {}
        self.edges: set[tuple[int, int]] = set()
        self.claims = []
        self.create(None, [])

    def teardown(self):
        self.closing.close()

    # The model ---------------------------------------------------------------------------------------------------

    def truth(self):
        return Truth(self.tasks, tuple(self.edges))

    def pick(self, number):
        return sorted(self.tasks)[number % len(self.tasks)]

    def is_ready(self, task):
        return self.truth().is_ready(task, self.clock.now())

    def waits_for(self, task, other):
        front, seen = {task}, set()
        while front:
            seen |= front
            front = {on for one, on in self.edges if one in front} - seen
        return other in seen

    def let_go(self, task, status):
        self.tasks[task].update(status=status, assignment_id=None)

    def live(self, claim):
        return self.tasks[claim.task_id]["assignment_id"] == claim.id and claim.lease_until >= self.clock.now()

    # Tasks -------------------------------------------------------------------------------------------------------

    @rule(parent=st.none() | some, on=st.lists(some, max_size=2))
    def create(self, parent, on):
        """A task, below another one or not, that depends on some."""
        above = None if parent is None else self.pick(parent)
        wanted = {self.pick(number) for number in on} if self.tasks else set()
        task = self.nexus.tasks.create("Task", parent_id=above, dependencies=sorted(wanted)).id
        row = {"id": task, "status": "pending", "parent_id": above, "not_before": None, "assignment_id": None}
        self.tasks[task] = row
        self.edges |= {(task, other) for other in wanted}

    @rule(one=some, other=some)
    def depend(self, one, other):
        """Refused exactly when the other waits for it already."""
        task, on = self.pick(one), self.pick(other)
        refused = self.waits_for(on, task)
        try:
            self.nexus.tasks.depend(task, on)
            assert not refused
            self.edges.add((task, on))
        except Cycle as error:
            path = error.details["path"]
            assert refused and path[0] == path[-1] == task
            assert set(pairwise(path[1:])) <= self.edges

    @rule(chance=some, one=some, other=some)
    def undepend(self, chance, one, other):
        """Mostly two that are tied."""
        tied = sorted(self.edges)
        pair = tied[one % len(tied)] if tied and chance else (self.pick(one), self.pick(other))
        self.nexus.tasks.undepend(*pair)
        self.edges.discard(pair)

    @rule(one=some, status=st.sampled_from([str(status) for status in Status]))
    def move(self, one, status):
        """Complete, cancel, reopen, put aside: what is closed goes only where the table lets it."""
        task = self.pick(one)
        row = self.tasks[task]
        allowed = status == row["status"] or status in REOPENED.get(row["status"], {status})
        try:
            self.nexus.tasks.move(task, status)
            assert allowed
        except TransitionRefused:
            assert not allowed
            return
        row["status"] = status
        if status not in WHILE_HELD:
            row["assignment_id"] = None

    @rule(one=some, parent=st.none() | some)
    def adopt(self, one, parent):
        """Put a task below another one, unless that one is below it."""
        task, above = self.pick(one), None if parent is None else self.pick(parent)
        refused = above is not None and task in (above, *self.truth().ancestors(above))
        try:
            self.nexus.tasks.edit(task, {"parent_id": above})
            assert not refused
            self.tasks[task]["parent_id"] = above
        except Conflict:
            assert refused

    @rule(one=some, minutes=st.none() | st.sampled_from([-5, 5, 25]))
    def park(self, one, minutes):
        """Until a little later, or no longer."""
        task = self.pick(one)
        until = None if minutes is None else self.clock.now() + timedelta(minutes=minutes)
        self.nexus.tasks.edit(task, {"not_before": until})
        self.tasks[task]["not_before"] = until

    @rule(minutes=st.sampled_from([1, 10, 30]))
    def wait(self, minutes):
        """Time passes: what is parked wakes, leases run out."""
        self.clock.advance(minutes=minutes)

    # Agents ------------------------------------------------------------------------------------------------------

    @rule(one=st.none() | some)
    def claim(self, one):
        """Given out exactly when it is ready."""
        task = None if one is None else self.pick(one)
        ready = self.truth().ready(self.clock.now())
        try:
            claim = self.nexus.assignments.claim(agent="ada", task_id=task)
        except NotReady as error:
            assert task not in ready and error.details["blockers"]
            return
        assert (claim is not None) == (bool(ready) if task is None else task in ready)
        if claim is not None:
            assert claim.task_id in ready
            self.hold(claim)

    @rule(one=some)
    def override(self, one):
        """An admin's word counts for what is open and not held."""
        task = self.pick(one)
        free = self.tasks[task]["assignment_id"] is None and self.tasks[task]["status"] not in CLOSED
        try:
            self.hold(self.nexus.agents.assign(task, "ada", override=True))
            assert free
        except NotReady:
            assert not free

    def hold(self, claim):
        self.tasks[claim.task_id].update(status="in-progress", assignment_id=claim.id)
        self.claims.append(claim)

    @precondition(lambda self: self.claims)
    @rule(one=some, how=st.sampled_from(["complete", "fail", "release"]))
    def end(self, one, how):
        """A holder finishes, fails or hands back; refused once it no longer holds."""
        claim = self.claims[one % len(self.claims)]
        live, more = self.live(claim), {"error": "no"} if how == "fail" else {}
        try:
            getattr(self.nexus.assignments, how)(claim.id, claim.fence, **more)
            assert live
            self.let_go(claim.task_id, "review" if how == "complete" else "pending")
        except StaleClaim:
            assert not live

    @precondition(lambda self: self.claims)
    @rule(one=some)
    def cancel(self, one):
        """A person ends an assignment, if it has not ended."""
        claim = self.claims[one % len(self.claims)]
        self.nexus.assignments.cancel(claim.id)
        if self.tasks[claim.task_id]["assignment_id"] == claim.id:
            self.let_go(claim.task_id, "pending")

    @rule()
    def reclaim(self):
        """What fell silent is free again."""
        silent = {
            claim.id for claim in self.claims
            if self.tasks[claim.task_id]["assignment_id"] == claim.id and not self.live(claim)
        }  # fmt: skip
        lost = self.nexus.assignments.reclaim_lost()
        assert silent == {assignment.id for assignment in lost}
        for assignment in lost:
            self.let_go(assignment.task_id, "pending")

    # What must hold ----------------------------------------------------------------------------------------------

    @invariant()
    def every_answer_is_right(self):
        """The tables are as the model; readiness and counts are what the rules of the design give."""
        truth = check(self.nexus, self.url)
        columns = ("status", "parent_id", "assignment_id")
        assert {task: [row[name] for name in columns] for task, row in self.tasks.items()} == {
            task: [row[name] for name in columns] for task, row in truth.tasks.items()
        }
        assert self.edges == set(truth.edges)
        assert self.truth().ready(self.clock.now()) == truth.ready(self.clock.now())


def empty(url):
    """Leave no task behind, where there is a schema already; events are for ever."""
    tables = (
        "jobs", "activities", "commit_links", "issues", "change_links", "changes", "agent_assignments", "task_scores",
        "task_dependencies", "tasks",
    )  # fmt: skip
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'tasks'").fetchone():
                for table in tables:
                    connection.execute(f"DELETE FROM {table}")
        return
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('tasks')").fetchone() != (None,):
            connection.execute(f"TRUNCATE {', '.join(tables)}")


def test_any_sequence_leaves_readiness_right(database_url):
    """After each step of any history, on both engines."""
    examples = 200 if database_url.startswith("sqlite:") else 15
    machine = type("HubOnThisDatabase", (Hub,), {"url": database_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
