"""Findings go back to the agent whose work it is; and the gates of changes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from nexus_core import Agent, ChangeMerged, ChangeOpened, ChangeRef, hookimpl
from nexus_core.domain.rework import Finding
from nexus_core.errors import NoAgent
from nexus_core.plugins.records import AgentRunnerFactory
from nexus_core.ports.agents import RunResult
from nexus_core.testing import nexus_for_test

URL = "https://example.com/7"


class Runner:
    """Runs every agent, and keeps what it was told."""

    NEXUS_NAME = "runner"

    def __init__(self):
        self.prompts = []

    @hookimpl
    def nexus_agent_runners(self):
        """The runner `test`."""
        yield AgentRunnerFactory(name="test", make=lambda ctx: SimpleNamespace(run=self.run))

    def run(self, request):
        """Commit something, at once."""
        self.prompts.append((request.branch, request.prompt))
        return RunResult(ok=True, summary="did it", branch=request.branch, head="abc", commits=1)


@pytest.fixture
def runner():
    return Runner()


@pytest.fixture
def hub(clock, runner):
    agents = {"claude": Agent(name="claude", command=("x",), runner="test"), "ada": Agent(name="ada")}
    with nexus_for_test(runner, clock=clock, agents=agents, values={"assignment.automatic": False}) as nexus:
        nexus.repositories.add("acme/api")
        yield nexus


def _sent_back(hub, agent="claude"):
    """A task that an agent finished on the branch `b`, and that was sent back to work."""
    task = hub.tasks.create("Add login", repository="acme/api").id
    held = hub.assignments.claim(agent=agent, task_id=task)
    hub.assignments.complete(held.id, held.fence, branch="b", commits=1)
    hub.tasks.move(task, "in-progress")
    return task


def _ask(hub, task, *texts, rounds=5):
    findings = [Finding(key=f"<{text}>", text=text) for text in texts]
    return hub.rework.ask(task, findings, branch="b", url=URL, rounds=rounds)


def test_a_launched_agent_is_launched_again(hub, runner):
    """On the same branch, with what was found as data that it cannot mistake for orders."""
    task = _sent_back(hub)
    done = _ask(hub, task, "Say why", "Close it")
    hub.jobs.drain()
    ((branch, prompt),) = runner.prompts

    assert ("claude", "b", "b") == (done.assignment.agent, done.assignment.branch, branch)
    assert "You worked on this before" in prompt
    assert "(untrusted text)\n\nSay why\n\nClose it\n\n----- end findings-" in prompt
    assert "review" == hub.tasks.get(task).status


def test_what_was_mended_is_not_told_again(hub, runner):
    """The next prompt holds what was found since the agent last finished."""
    task = _sent_back(hub)
    _ask(hub, task, "First")
    hub.jobs.drain()
    hub.tasks.move(task, "in-progress")
    _ask(hub, task, "First", "Second")
    hub.jobs.drain()

    assert [True, False] == ["First" in prompt for _, prompt in runner.prompts]
    assert [False, True] == ["Second" in prompt for _, prompt in runner.prompts]


def test_findings_are_handed_on_with_the_task(hub, runner, clock):
    """An agent that does not come back for them loses its lease; whoever gets the task next is told."""
    task = _sent_back(hub, agent="ada")
    _ask(hub, task, "Say why")
    clock.advance(days=1)
    hub.assignments.reclaim_lost()
    hub.agents.assign(task, "claude")
    hub.jobs.drain()

    assert ["Say why" in prompt for _, prompt in runner.prompts] == [True]


def test_an_agent_at_work_is_told_at_once(hub):
    """Its assignment gets a prompt; there is no second one."""
    task = _sent_back(hub, agent="ada")
    first, second = _ask(hub, task, "Say why").assignment, _ask(hub, task, "Close it").assignment

    assert first.id == second.id
    assert ["Say why", "Close it"] == [one.body for one in hub.assignments.activities(first.id)]
    assert "prompt" == hub.assignments.activities(first.id)[0].type


def test_a_busy_agent_is_waited_for(hub):
    """Nothing is recorded, so that it can be asked again."""
    task = _sent_back(hub)
    other = hub.tasks.create("Other", repository="acme/api").id
    hub.agents.assign(other, "claude")

    with pytest.raises(NoAgent):
        _ask(hub, task, "Say why")
    assert (0, None) == (len(hub.events.list(type="rework.requested")), hub.tasks.get(task).assignment_id)


@pytest.mark.parametrize("status", ["pending", "blocked", "done", "review"])
def test_a_task_that_people_moved_on_stays(hub, status):
    """Findings that come late take no task from where somebody put it."""
    task = _sent_back(hub)
    hub.tasks.move(task, status)
    done = _ask(hub, task, "Say why")

    assert (None, status) == (done.assignment, hub.tasks.get(task).status)


def test_rounds_are_counted(hub):
    """After so many the agent is left alone, and it is said."""
    task = _sent_back(hub)
    for number in range(3):
        done = _ask(hub, task, f"No {number}", rounds=2)
        hub.jobs.drain()
        hub.tasks.move(task, "in-progress")

    assert (True, None) == (done.is_exhausted, done.assignment)


def test_gates_tell_what_waits(hub):
    """A change is gated by what its tasks, and those above them, wait for; a merged one has no gate."""
    parent, before = (
        hub.tasks.create("Parent", repository="acme/api"),
        hub.tasks.create("Before", repository="acme/api"),
    )
    task = hub.tasks.create("Task", repository="acme/api", parent_id=parent.id)
    hub.tasks.depend(parent.id, before.id)
    ref = ChangeRef(
        source="github", repository="acme/api", number=7, title="T", body=f"closes NX-{task.id}", branch="b"
    )
    hub.changes.apply(ChangeOpened(change=ref))
    ((gated,),) = [gate.tasks for gate in hub.gates.around(before.id)]
    (same,) = hub.gates.of_branch("acme/api", "b")
    closed = same.is_open
    hub.tasks.move(before.id, "done")
    (now_open,) = hub.gates.around(task.id)
    hub.changes.apply(ChangeMerged(change=ref))

    assert (task.id, True, (before.id,)) == (gated.task.id, gated.closes, tuple(one.id for one in gated.waits_for))
    assert (False, True, []) == (closed, now_open.is_open, hub.gates.around(task.id))
    assert [] == hub.gates.of_branch("acme/none", "b")
