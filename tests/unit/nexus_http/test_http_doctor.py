"""The doctor of tasks over HTTP."""

import json

import pytest

from nexus_core.domain.access import Scope

FILE = {
    "tasks": [
        {"id": 1, "title": "A", "status": "done", "subtasks": [{"id": 1, "title": "B"}, {"id": 2, "title": "C"}]},
        {"id": 2, "title": "D", "dependencies": [2, 9]},
    ]
}


@pytest.fixture
def repo(nexus):
    """A repository with a task file in which things are wrong."""
    nexus.tasks.import_file(json.dumps(FILE, indent=2).encode(), "acme/api", path="tasks/tasks.json")
    return "acme/api"


def by_code(answer):
    return {finding["code"]: finding for finding in answer.json["items"]}


def test_a_finding_has_everything_that_one_needs_to_act(api, repo):
    """What, how grave, where by both names of the task, and each way to mend it with its exact command."""
    found = by_code(api.get(f"/tasks/doctor?repository={repo}"))["done_with_open_subtasks"]
    [case] = found["cases"]
    doctor = "nexus task doctor --repo acme/api --fix --only done_with_open_subtasks"

    assert ("warning", {"id": 1, "name": repo}, 1) == (found["severity"], found["repository"], found["count"])
    assert "a task is done, but not all of its subtasks" == found["message"]
    assert ("NX-1", "master:1", "A", "tasks/tasks.json:3") == (
        case["task"]["key"], case["external_key"], case["task"]["title"], case["place"],
    )  # fmt: skip
    assert ["NX-2", "NX-3"] == [other["key"] for other in case["others"]]
    assert "nexus task status NX-2 done" in case["commands"]
    assert [("nexus", f"{doctor}:complete", False), ("nexus", f"{doctor}:reopen", False)] == [
        (mend["by"], mend["command"], mend["automatic"]) for mend in found["mends"]
    ]


def test_what_only_a_person_can_mend_says_so(api, nexus):
    """With the command, where there is a single one."""
    nexus.tasks.import_file(json.dumps({"tasks": [{"id": 1, "title": "A"}] * 2}).encode(), "acme/api")
    [mend] = by_code(api.get("/tasks/doctor"))["duplicate_id"]["mends"]

    assert ("person", None, False) == (mend["by"], mend["command"], mend["automatic"])
    assert mend["does"].startswith("Give it an id of its own in the file")


def test_the_shape_is_as_the_description_says(api, repo):
    """The OpenAPI document names every field that an answer has."""
    shapes = api.get("//openapi.json").json["components"]["schemas"]
    finding = by_code(api.get("/tasks/doctor"))["done_with_open_subtasks"]
    report = api.post("/tasks/doctor", {"repository": repo, "dry_run": True}).json

    for shape, value in (
        ("Finding", finding), ("Case", finding["cases"][0]), ("TaskRef", finding["cases"][0]["task"]),
        ("Mend", finding["mends"][0]), ("MendReport", report), ("Mended", report["mended"][0]),
    ):  # fmt: skip
        assert shapes[shape]["properties"].keys() == value.keys(), shape


def test_pages_hold_every_finding_once(api, nexus):
    """Following `next_cursor` to its end; a cursor that is none is refused."""
    for name in ("a/a", "a/b", "a/c"):
        nexus.tasks.import_file(json.dumps(FILE).encode(), name)
    whole = api.get("/tasks/doctor").json["items"]
    found, cursor = [], ""
    while cursor is not None:
        page = api.get(f"/tasks/doctor?limit=1{cursor and f'&cursor={cursor}'}").json
        found += page["items"]
        cursor = page["next_cursor"]

    assert whole == found and {"a/a", "a/b", "a/c"} == {one["repository"]["name"] for one in found}
    assert 400 == api.get("/tasks/doctor?cursor=x").status_code


def test_only_and_cases_narrow_the_answer(api, repo):
    """Checks by code, separated or repeated; cases by number, with the count of all."""
    api.task("x", repository=repo, dependencies=[1])
    found = by_code(api.get("/tasks/doctor?only=self_dependency,dangling_dependency&only=missing_fields&cases=2"))

    assert {"self_dependency", "dangling_dependency", "missing_fields"} == found.keys()
    assert (2, True) == (len(found["missing_fields"]["cases"]), found["missing_fields"]["count"] > 2)


@pytest.mark.parametrize("query", ["only=nonsense", "cases=0", "cases=201", "colour=1"])
def test_a_question_that_makes_no_sense_is_refused(api, repo, query):
    """With its place."""
    answer = api.get(f"/tasks/doctor?{query}")

    assert (400, f"?{query.partition('=')[0]}") == (answer.status_code, answer.json["errors"][0]["pointer"])


def test_a_mend_answers_what_was_done_and_what_remains(api, repo):
    """Without names only what asks for no decision; then what is named."""
    first = api.post("/tasks/doctor", {"repository": repo}).json
    second = api.post("/tasks/doctor", {"repository": repo, "mend": ["done_with_open_subtasks:complete"]}).json

    assert (repo, False) == (first["repository"], first["dry_run"])
    assert [("self_dependency", "drop", 1, ["master:2 dependencies: 2 → taken out"])] == [
        (one["code"], one["mend"], one["count"], one["changes"]) for one in first["mended"]
    ]
    assert "done_with_open_subtasks" in [finding["code"] for finding in first["findings"]]
    assert ["NX-3: pending → done", "NX-2: pending → done"] == second["mended"][0]["changes"]
    assert "done_with_open_subtasks" not in [finding["code"] for finding in second["findings"]]


def test_the_moves_of_a_mend_name_the_key_that_asked(api, repo):
    """In the feed, with the reason."""
    api.post("/tasks/doctor", {"repository": repo, "mend": ["done_with_open_subtasks:reopen"]})
    [event] = api.get("/events?type=task.moved").json["items"]

    assert ("admin", "done", "pending") == (event["actor"]["name"], event["payload"]["from"], event["payload"]["to"])
    assert "nexus task doctor: a task is done, but not all of its subtasks" == event["payload"]["reason"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/repository"),
        ({"repository": None}, "/repository"),
        ({"repository": "acme/api", "mend": "self_dependency"}, "/mend"),
        ({"repository": "acme/api", "mend": ["done_with_open_subtasks"]}, "/mend/0"),
        ({"repository": "acme/api", "mend": ["self_dependency", "nonsense"]}, "/mend/1"),
    ],
)
def test_a_mend_that_is_not_clear_is_refused(api, repo, body, pointer):
    """With the place of each fault, and nothing was changed."""
    answer = api.post("/tasks/doctor", body)

    assert (400, pointer) == (answer.status_code, answer.json["errors"][0]["pointer"])
    assert [] == api.get("/events?type=tasks.mended").json["items"]


def test_looking_is_for_readers_and_mending_for_writers(api, viewer, repo):
    """A viewer looks."""
    assert 200 == viewer.get("/tasks/doctor").status_code
    assert 403 == viewer.post("/tasks/doctor", {"repository": repo}).status_code


def test_a_narrowed_key_is_told_of_its_own_alone(nexus, client, repo):
    """Foreign repositories are not found, and what holds up from there has a key and no words."""
    nexus.tasks.import_file(b'{"tasks": [{"id": 1, "title": "Secret", "status": "deferred"}]}', "acme/web")
    nexus.tasks.depend(4, 5)
    made = nexus.keys.create("own", scopes=[Scope.TASKS_READ, Scope.TASKS_WRITE], repositories=[1])
    headers = {"Authorization": f"Bearer {made.secret}", "Content-Type": "application/json"}

    def call(method, query="", body=None):
        path = f"/api/v1/tasks/doctor{query}"
        return client.simulate_request(method, path, headers=headers, body=body and json.dumps(body))

    seen = call("GET")

    assert {"acme/api"} == {finding["repository"]["name"] for finding in seen.json["items"]}
    assert ("NX-5", None, None) == tuple(
        by_code(seen)["waits_for_deferred"]["cases"][0]["task"][name] for name in ("key", "title", "repository")
    )
    assert "Secret" not in seen.text and "acme/web" not in seen.text
    for place in ("acme/web", 2, "none"):
        assert 404 == call("GET", f"?repository={place}").status_code
        assert 404 == call("POST", body={"repository": place}).status_code


def test_tasks_of_no_repository_are_a_place_too(api):
    """By the word `none`."""
    task = api.task()["id"]
    api.patch(f"/tasks/{task}/status", {"status": "in-progress"})
    [finding] = api.get("/tasks/doctor?repository=none").json["items"]
    report = api.post("/tasks/doctor", {"repository": "none", "mend": ["in_progress_unheld"]}).json

    assert (None, None) == (finding["repository"], finding["cases"][0]["place"])
    assert "--repo none --fix --only in_progress_unheld" in finding["mends"][0]["command"]
    assert (None, 1, []) == (report["repository"], len(report["mended"]), report["findings"])
