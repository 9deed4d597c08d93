"""The shapes of the API: what stands here is promised to programs that others wrote."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from nexus_core import wire
from nexus_core.domain.agents import Agent, AgentState
from nexus_core.domain.tasks import Priority, Status
from nexus_core.ports.queries import TaskQuery
from nexus_core.testing import nexus_for_test

TASK_FIELDS = {
    "id",
    "key",
    "repository",
    "parent_id",
    "title",
    "description",
    "details",
    "test_strategy",
    "status",
    "priority",
    "complexity",
    "complexity_auto",
    "complexity_manual",
    "dependencies",
    "open_dependencies",
    "ready",
    "labels",
    "agent",
    "external_key",
    "raw_data",
    "version",
    "created_at",
    "updated_at",
}
ASSIGNMENT_FIELDS = {
    "id",
    "task",
    "agent",
    "status",
    "fence",
    "lease_until",
    "assigned_at",
    "attempt",
    "branch",
    "last_activity",
}
EVENT_FIELDS = {"id", "type", "actor", "task_id", "repository_id", "delivery", "payload", "created_at"}


@pytest.fixture
def hub():
    """A hub with an agent that is launched."""
    with nexus_for_test(agents={"ada": Agent(name="ada", command=("true",))}) as nexus:
        yield nexus


def test_a_task_has_the_promised_fields(make_task):
    """Every name and type of the published example."""
    task = make_task(
        12, title="…", status=Status.PENDING, priority=Priority.HIGH, repository_id=1, repository="acme/api",
        complexity_auto=6, complexity_manual=7, dependencies=(3, 9), open_dependencies=1, labels=("python",),
        external_key="master:3.2", version=4,
    )  # fmt: skip
    shown = wire.task_to_wire(task)

    assert {
        "id": 12, "key": "NX-12", "repository": {"id": 1, "name": "acme/api"}, "parent_id": None, "title": "…",
        "description": "", "details": "", "test_strategy": "", "status": "pending", "priority": "high",
        "complexity": 7, "complexity_auto": 6, "complexity_manual": 7, "dependencies": [3, 9],
        "open_dependencies": 1, "ready": False, "labels": ["python"], "agent": None, "external_key": "master:3.2",
        "raw_data": {}, "version": 4, "created_at": "2026-01-31T12:00:00.000000Z",
        "updated_at": "2026-01-31T12:00:00.000000Z",
    } == {name: shown[name] for name in TASK_FIELDS}  # fmt: skip


def test_a_parked_task_is_ready_by_the_clock_that_is_given(make_task):
    """The hub says what time it is."""
    until = datetime(2026, 2, 1, tzinfo=UTC)
    task = make_task(not_before=until)

    assert [False, True] == [wire.task_to_wire(task, now=now)["ready"] for now in (until - timedelta(seconds=1), until)]


def test_the_prefix_is_the_hubs_own(make_task):
    """`key_prefix` shows wherever a key does."""
    assert "AC-3" == wire.task_to_wire(make_task(3), "AC")["key"]


def test_an_assignment_shows_its_key_only_when_it_is_given(hub):
    """The answer to a claim is the one place for it."""
    task = hub.tasks.create("Build")
    assignment = hub.agents.assign(task.id, "ada")
    held = hub.tasks.get(task.id)
    shown = wire.assignment_to_wire(assignment, held)

    assert ASSIGNMENT_FIELDS <= shown.keys()
    assert "key" not in shown
    assert "nxs_x" == wire.assignment_to_wire(assignment, held, key="nxs_x")["key"]
    assert ("ada", "assigned", 1, task.id) == (shown["agent"], shown["status"], shown["fence"], shown["task"]["id"])


def test_an_event_has_the_promised_fields(hub):
    """Type, actor, what it is about, payload."""
    task = hub.tasks.create("Build")
    hub.tasks.move(task.id, "review", reason="acme/api#7 opened")
    shown = wire.event_to_wire(hub.events.list(type="task.moved")[0])

    assert EVENT_FIELDS <= shown.keys()
    assert ("task.moved", task.id, "system") == (shown["type"], shown["task_id"], shown["actor"]["kind"])
    assert {"from": "pending", "to": "review", "reason": "acme/api#7 opened"}.items() <= shown["payload"].items()


def test_a_new_key_shows_its_secret_and_a_kept_one_never(hub):
    """The only moment at which it is known."""
    new = hub.keys.create("ci", role="viewer")

    assert new.secret == wire.new_key_to_wire(new)["key"]
    assert new.secret not in json.dumps([wire.key_to_wire(key) for key in hub.keys.list()])
    assert new.secret not in repr(new)


def test_an_agent_says_whether_it_has_time(hub):
    """Idle, then busy, with what it does."""
    idle = wire.agent_state_to_wire(hub.agents.list()[0], {})
    task = hub.tasks.create("Build")
    hub.agents.assign(task.id)
    busy = wire.agent_state_to_wire(hub.agents.list()[0], {task.id: hub.tasks.get(task.id)})

    assert ["idle", "busy"] == [idle["state"], busy["state"]]
    assert [task.id] == [one["task"]["id"] for one in busy["assignments"]]


def test_an_agent_with_time_left_is_working():
    """Between idle and busy."""
    assert "idle" == wire.agent_state_to_wire(AgentState(agent=Agent(name="x")), {})["state"]


def test_everything_is_json(hub):
    """Each shape goes through the standard library's encoder as it is."""
    one, two = hub.tasks.create("One"), hub.tasks.create("Two")
    hub.tasks.depend(two.id, one.id)
    hub.users.invite("ada-l")
    hub.repositories.add("acme/api")
    hub.agents.assign(one.id)
    shapes = [
        [wire.task_to_wire(task) for task in hub.tasks.list(TaskQuery()).items],
        wire.readiness_to_wire(hub.tasks.readiness(two.id)),
        wire.graph_to_wire(hub.tasks.graph()),
        wire.recommendation_to_wire(hub.tasks.next()),
        [wire.event_to_wire(event) for event in hub.events.list(limit=200)],
        [wire.job_to_wire(job) for job in hub.jobs.list()],
        [wire.lane_to_wire(lane) for lane in hub.jobs.lanes()],
        wire.connection_to_wire(hub.connections.connect("acme/api")),
        [wire.user_to_wire(user) for user in hub.users.list()],
        [wire.repository_to_wire(repository) for repository in hub.repositories.list()],
        wire.report_to_wire(hub.tasks.import_file(b'{"tasks": [{"id": 1, "title": "T"}]}', "acme/web")),
    ]

    assert shapes == json.loads(json.dumps(shapes))


def test_readiness_lists_conditions_and_impact(hub):
    """What `why` answers, for a task that waits and for the one that it waits for."""
    one, two = hub.tasks.create("One"), hub.tasks.create("Two")
    hub.tasks.depend(two.id, one.id)
    waiting = wire.readiness_to_wire(hub.tasks.readiness(two.id))

    assert (False, [{"code": "dependencies", "message": "it waits for 1 task", "tasks": [one.id]}]) == (
        waiting["ready"], waiting["why"],
    )  # fmt: skip
    assert {"unblocks": [two.id], "waiting": 1, "at_least": False, "longest_chain": 1} == wire.readiness_to_wire(
        hub.tasks.readiness(one.id)
    )["impact"]


def test_nothing_ready_is_a_null():
    """`{"task": null}`, as a program expects it."""
    assert {"task": None, "reasons": []} == wire.recommendation_to_wire(None)
