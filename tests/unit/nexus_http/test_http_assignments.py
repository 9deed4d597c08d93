"""Claims, assignments, agents and the inbox over HTTP."""

import pytest

from nexus_core import Nexus
from nexus_core.domain.agents import Agent


@pytest.fixture
def nexus(config):
    """A hub that knows one attached agent with one place, and one that Nexus would launch."""
    import attrs

    agents = {"solo": Agent(name="solo", concurrency=1), "robot": Agent(name="robot", command=("true",))}
    config.data_dir.mkdir(parents=True)
    with Nexus.open(attrs.evolve(config, agents=agents), load_plugins=False) as opened:
        yield opened


@pytest.fixture
def claim(api):
    """A claimed task."""
    api.task()
    return api.post("/tasks/claim", {"agent": "claude"}).json


def _with(api, key):
    return type(api)(api.client, key)


def test_a_claim_gives_the_task_a_fence_and_a_key(api):
    """201 with the lease; 204 when nothing is left."""
    api.task()
    claimed = api.post("/tasks/claim", {"agent": "claude", "skills": [], "max_complexity": 10})

    assert (201, "claude", 1) == (claimed.status_code, claimed.json["agent"], claimed.json["task"]["id"])
    assert claimed.json["key"].startswith("nxs_agt_") and claimed.json["fence"] >= 1
    assert (204, b"") == ((again := api.post("/tasks/claim", {"agent": "claude"})).status_code, again.content)


def test_a_claim_of_what_is_not_ready_is_refused_with_the_blockers(api):
    """409 `not_ready`."""
    api.task("a")
    api.task("b", dependencies=[1])
    answer = api.post("/tasks/claim", {"agent": "claude", "task_id": "NX-2"})

    assert (409, "not_ready") == (answer.status_code, answer.json["code"])
    assert answer.json["blockers"]


def test_a_key_that_is_bound_to_an_agent_claims_for_it_alone(api):
    """`agent` is the key's own; another's name is refused; without either there is a fault."""
    api.task()
    body = {"name": "a", "scopes": ["assignments:claim", "tasks:read"], "agent": "claude"}
    bound = _with(api, api.post("/keys", body).json["key"])

    assert 403 == bound.post("/tasks/claim", {"agent": "codex"}).status_code
    assert "claude" == bound.post("/tasks/claim", {}).json["agent"]
    assert "/agent" == api.post("/tasks/claim", {}).json["errors"][0]["pointer"]


def test_the_key_of_an_assignment_works_for_it_alone(api, claim):
    """Its holder reports; another assignment does not exist for it, and it makes no keys."""
    api.task("other")
    other = api.post("/tasks/claim", {"agent": "codex"}).json
    holder = _with(api, claim["key"])

    assert 200 == holder.post(f"/assignments/{claim['id']}/heartbeat", {"fence": claim["fence"]}).status_code
    assert 404 == holder.post(f"/assignments/{other['id']}/heartbeat", {"fence": other["fence"]}).status_code
    assert 404 == holder.get(f"/assignments/{other['id']}").status_code
    assert 403 == holder.post("/keys", {"name": "x", "role": "viewer"}).status_code


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("heartbeat", {}), ("activities", {"type": "thought", "body": "hm"}), ("complete", {}),
        ("fail", {"error": "x"}), ("release", {}),
    ],
)  # fmt: skip
def test_the_key_of_an_assignment_that_ended_says_so(api, claim, verb, body):
    """409 `stale_claim` for every write, as with any other key; for all else the key is gone."""
    holder, place, fence = _with(api, claim["key"]), f"/assignments/{claim['id']}", claim["fence"]
    api.post(f"{place}/cancel", {})
    late = holder.post(f"{place}/{verb}", {"fence": fence, **body})

    assert (409, "stale_claim") == (late.status_code, late.json["code"])
    for elsewhere in (holder.get(place), holder.get("/me"), holder.post("/assignments/99/heartbeat", {"fence": 1})):
        assert 401 == elsewhere.status_code


def test_the_work_goes_to_its_good_end(api, claim):
    """Activities, then complete with the branch."""
    place, fence = f"/assignments/{claim['id']}", claim["fence"]
    said = api.post(f"{place}/activities", {"fence": fence, "type": "thought", "body": "hm"})
    done = api.post(f"{place}/complete", {"fence": fence, "summary": "did it", "branch": "nexus/nx-1", "commits": 2})

    assert (201, "thought") == (said.status_code, said.json["type"])
    assert ["hm"] == [one["body"] for one in api.get(f"{place}/activities").json["items"]]
    assert (200, "completed") == (done.status_code, done.json["status"])


@pytest.mark.parametrize(
    ("action", "more"),
    [
        ("heartbeat", {}), ("complete", {}), ("fail", {"error": "x"}), ("release", {}),
        ("activities", {"type": "thought", "body": "x"}),
    ],
)  # fmt: skip
def test_a_stale_fence_is_refused_everywhere(api, claim, action, more):
    """409 `stale_claim`, and a write without a fence is bad input."""
    place = f"/assignments/{claim['id']}/{action}"

    assert (409, "stale_claim") == (
        (answer := api.post(place, {"fence": claim["fence"] + 1, **more})).status_code, answer.json["code"]
    )  # fmt: skip
    assert "/fence" == api.post(place, more).json["errors"][0]["pointer"]


@pytest.mark.parametrize(("action", "status"), [("fail", "failed"), ("release", "cancelled"), ("cancel", "cancelled")])
def test_the_other_ends_free_the_task(api, claim, action, status):
    """It can be claimed again."""
    body = {"fail": {"error": "x"}, "release": {"reason": "x"}, "cancel": {"reason": "x"}}[action]
    fence = {} if action == "cancel" else {"fence": claim["fence"]}
    ended = api.post(f"/assignments/{claim['id']}/{action}", {**fence, **body})

    assert (200, status) == (ended.status_code, ended.json["status"])
    assert 201 == api.post("/tasks/claim", {"agent": "codex"}).status_code


def test_assignments_are_listed_by_their_filters(api, claim):
    """Of an agent, of a task, live or ended; with their tasks."""

    def ids(query):
        return [(one["id"], one["task"]["key"]) for one in api.get(f"/assignments?{query}").json["items"]]

    assert [(1, "NX-1")] == ids("live=true&agent=claude") == ids("task_id=1&status=assigned")
    assert [] == ids("live=false")


def test_a_question_is_answered_by_the_first(api, claim):
    """It waits in the inbox until then; later answers are told so."""
    question = {"fence": claim["fence"], "type": "elicitation", "body": "Which?", "choices": ["A", "B"]}
    asked = api.post(f"/assignments/{claim['id']}/activities", question).json
    waiting = api.get("/inbox").json["items"]
    first = api.post(f"/inbox/{asked['id']}/answer", {"answer": "A"})

    assert [asked["id"]] == [one["id"] for one in waiting]
    assert (200, "A") == (first.status_code, first.json["answer"])
    assert 409 == api.post(f"/inbox/{asked['id']}/answer", {"answer": "B"}).status_code
    assert [] == api.get("/inbox").json["items"]


def test_agents_are_listed_with_what_they_do(api):
    """By name, with their assignments."""
    api.task()
    api.post("/agents/assign", {"task_id": "NX-1", "agent": "solo"})
    found = api.get("/agents").json["items"]

    assert [("robot", []), ("solo", [1])] == [
        (one["name"], [held["task"]["id"] for held in one["assignments"]]) for one in found
    ]


def test_the_policy_picks_when_nobody_is_named(api):
    """201 with the reason; the same task twice is refused."""
    api.task()
    assigned = api.post("/agents/assign", {"task_id": 1})

    assert (201, "robot") == (assigned.status_code, assigned.json["agent"])
    assert 409 == api.post("/agents/assign", {"task_id": 1}).status_code


def test_only_an_admin_overrides(api, nexus, client):
    """A task that is not ready, handed out all the same."""
    api.task("a")
    api.task("b", dependencies=[1])
    body = {"task_id": 2, "agent": "solo", "override": True}
    developer = _with(api, nexus.keys.create("dev", role="developer").secret)

    assert 403 == developer.post("/agents/assign", body).status_code
    assert 201 == api.post("/agents/assign", body).status_code
