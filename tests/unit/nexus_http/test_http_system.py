"""Repositories, people, keys, jobs, health, metrics, reference."""

import base64
import hashlib
import re

import pytest

from nexus_http import schemas
from nexus_http.fields import check_body
from nexus_http.openapi import describe, operations, problem_codes
from nexus_http.routes import all_routes


def test_a_repository_is_added_and_edited(api):
    """201, then PATCH; the same name twice is a conflict."""
    added = api.post("/repositories", {"name": "acme/api", "url": "https://example.org/acme/api"})

    assert (201, "/api/v1/repositories/1") == (added.status_code, added.headers["location"])
    assert (409, "duplicate") == (
        (again := api.post("/repositories", {"name": "acme/api"})).status_code,
        again.json["code"],
    )
    assert "trunk" == api.patch("/repositories/1", {"default_branch": "trunk"}).json["default_branch"]
    assert ["acme/api"] == [one["name"] for one in api.get("/repositories?name=ACME/api").json["items"]]


def test_a_repository_is_brought_in_step(api):
    """202; the event tells the plugins."""
    api.post("/repositories", {"name": "acme/api"})

    assert 202 == api.post("/repositories/1/sync").status_code
    assert ["acme/api"] == [one["payload"]["name"] for one in api.get("/events?type=repository.synced").json["items"]]


def test_documents_are_rendered_and_published(api):
    """As they would be committed; 202 and the event for publishing."""
    api.post("/repositories", {"name": "acme/api"})
    api.task(repository="acme/api")
    rendered = [one["path"] for one in api.get("/repositories/1/documents").json["items"]]
    published = api.post("/repositories/1/documents/sync")

    assert rendered
    assert (202, set(rendered)) == (published.status_code, set(published.json["paths"]))
    assert rendered == sorted(api.get("/events?type=documents.changed").json["items"][-1]["payload"]["paths"])


def test_people_are_invited_and_given_roles(api):
    """201, then the role changes; a role that is none is refused."""
    api.post("/users", {"username": "ada", "role": "admin"})
    api.post("/users", {"username": "bob"})

    assert ["admin", "developer"] == [one["role"] for one in api.get("/users").json["items"]]
    assert "viewer" == api.patch("/users/2", {"role": "viewer"}).json["role"]
    assert 400 == api.patch("/users/2", {"role": "god"}).status_code


def test_a_key_is_shown_once(api):
    """In the answer to its making, and never again."""
    made = api.post("/keys", {"name": "ci", "scopes": ["tasks:read"], "expires_at": "2999-01-01T00:00:00Z"})
    listed = api.get("/keys")

    assert (201, "2999-01-01T00:00:00.000000Z") == (made.status_code, made.json["expires_at"])
    assert "ci" in listed.text and made.json["key"] not in listed.text


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"name": "x", "role": "viewer", "scopes": []},
        {"name": "x", "role": "viewer", "expires_at": "soon"},
    ],
)
def test_a_key_that_makes_no_sense_is_refused(api, body):
    """Neither or both of scopes and role; a time that is none."""
    assert 400 == api.post("/keys", body).status_code


def test_a_dead_job_is_set_to_work_again(api, nexus):
    """Listed by state; a retry of one that is not dead is a conflict."""
    nexus.jobs.enqueue("probe.fail", {})
    nexus.jobs.drain()
    (job,) = api.get("/jobs?kind=probe.fail&state=dead").json["items"]

    assert "always" == api.get(f"/jobs/{job['id']}").json["last_error"]
    assert "pending" == api.post(f"/jobs/{job['id']}/retry").json["state"]
    assert 409 == api.post(f"/jobs/{job['id']}/retry").status_code
    assert 400 == api.get("/jobs?state=asleep").status_code


def test_lists_by_id_walk_to_their_end(api, nexus):
    """Jobs in pages of two, every one once."""
    for _ in range(5):
        nexus.jobs.enqueue("probe.fail", {})
    found, cursor = [], ""
    while cursor is not None:
        page = api.get(f"/jobs?kind=probe.fail&limit=2{cursor and f'&cursor={cursor}'}").json
        found += [job["id"] for job in page["items"]]
        cursor = page["next_cursor"]

    assert 5 == len(found) == len(set(found))


def test_me_says_who_and_what(viewer):
    """The key's name and its scopes."""
    me = viewer.get("/me").json

    assert ("key", "viewer") == (me["kind"], me["name"])
    assert "tasks:read" in me["scopes"] and "tasks:write" not in me["scopes"]


def test_health_needs_no_key_and_tells_nothing(anonymous):
    """Alive and ready."""
    assert {"status": "ok"} == anonymous.get("//healthz").json == anonymous.get("//readyz").json


def test_a_hub_without_its_store_is_alive_and_not_ready(anonymous, nexus):
    """503 with Retry-After; calls of the API are 503 problems."""
    nexus.store.close()
    nexus.config.data_dir.joinpath("nexus.db").rename(nexus.config.data_dir / "gone")
    nexus.config.data_dir.joinpath("nexus.db").mkdir()
    ready = anonymous.get("//readyz")

    assert 200 == anonymous.get("//healthz").status_code
    assert (503, "2") == (ready.status_code, ready.headers["retry-after"])


def test_the_doctor_lists_what_it_found(api):
    """The database and the schema at least."""
    assert {"database", "schema"} <= {one["name"] for one in api.get("/doctor").json["items"] if one["ok"]}


def test_plugins_are_listed_with_what_they_bring(api):
    """The core's own too."""
    found = {one["name"]: one["records"] for one in api.get("/plugins").json["items"]}

    assert found["core"]["nexus_task_formats"]
    assert ["probe.fail"] == found["Probe"]["nexus_job_handlers"]


def test_figures_for_prometheus(api, anonymous, nexus):
    """Tasks by status, jobs by lane and state, requests; every line in its format."""
    api.task()
    nexus.jobs.drain()
    nexus.jobs.enqueue("probe.fail", {})
    answer = anonymous.get("//metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'nexus_tasks{status="pending"} 1\n' in answer.text
    assert 'nexus_http_requests_total{method="POST",status="2xx"} 1\n' in answer.text
    assert re.search(r'nexus_jobs\{lane="default",state="pending"\} [1-9]', answer.text)
    assert re.search(r'nexus_jobs_ended_per_minute\{lane="default",state="done"\} [1-9]', answer.text)
    assert 'nexus_jobs_ended_per_minute{lane="agents",state="dead"} 0\n' in answer.text
    assert all(
        re.fullmatch(r'(# (HELP|TYPE) .+|\w+\{(\w+="[^"]*",?)*\} [0-9.e+-]+)', line)
        for line in answer.text.splitlines()
    )


@pytest.mark.parametrize("extra", [{"remote_addr": "192.0.2.1"}, {"headers": {"X-Forwarded-For": "127.0.0.1"}}])
def test_figures_for_others_need_a_key(api, viewer, anonymous, extra):
    """From another machine, or through a proxy on this one."""
    assert 401 == anonymous.get("//metrics", **extra).status_code
    assert 200 == viewer.get("//metrics", **extra).status_code


def test_the_description_covers_every_route(nexus):
    """And every reference in it leads somewhere."""
    document = describe(nexus)
    routes = {
        (re.sub(r"{(\w+)(:[^}]*)?}", r"{\1}", path), method.lower())
        for path, entry in all_routes()
        for method in entry.methods
    }
    references = set(re.findall(r"'#/components/schemas/(\w+)'", str(document)))

    assert routes == {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert references <= set(document["components"]["schemas"])


def test_operation_ids_are_unique(nexus):
    """Clients are generated from them."""
    ids = [one["operationId"] for methods in describe(nexus)["paths"].values() for one in methods.values()]

    assert len(ids) == len(set(ids))


def test_every_operation_says_what_it_may_answer(nexus):
    """Each status with its problem codes; an example for every body, which its own operation takes."""
    codes = problem_codes()
    for path, methods in describe(nexus)["paths"].items():
        for method, one in methods.items():
            refused = {int(status): answer for status, answer in one["responses"].items() if status >= "400"}
            assert {400, 431, 500, 503} <= set(refused), (method, path)
            assert all(
                code in codes and (codes[code]["status"] == status or status == 412)
                for status, answer in refused.items()
                for code in answer["x-problem-codes"]
            ), (method, path)
            assert "default" not in one["responses"]


def test_examples_of_bodies_are_taken(nexus):
    """As the operation itself reads them."""
    for path, method, operation, _ in operations(nexus):
        if operation.body is not None:
            described = describe_operation(nexus, path, method)
            example = described["requestBody"]["content"]["application/json"]["example"]
            assert example == check_body(example, operation.body), (method, path)


def describe_operation(nexus, path, method):
    """One operation of the document."""
    return describe(nexus)["paths"][re.sub(r"{(\w+)(:[^}]*)?}", r"{\1}", path)][method.lower()]


def test_the_reference_works_offline(anonymous):
    """One page, nothing loaded from elsewhere, its own script alone, an anchor for every problem and operation."""
    answer = anonymous.get("//docs")

    assert not re.findall(r"(?:src|href)=\"(?!#|/openapi\.json)", answer.text)
    scripts = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    allowed = re.findall(r"script-src 'sha256-([^']+)'", answer.headers["content-security-policy"])
    assert allowed == [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts]
    assert not re.search(r"<script[^>]|\son\w+=|unsafe", answer.text + answer.headers["content-security-policy"])
    assert all(f'id="problem-{code}"' in answer.text for code in problem_codes())


def _fits(value, schema, document):
    """Whether a value has exactly the members of its shape, each of its kind; a small JSON Schema check."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return any(_fits(value, one, document) for one in schema["anyOf"])
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if value is None:
        return not kinds or "null" in kinds
    if "enum" in schema:
        return value in schema["enum"]
    if isinstance(value, list):
        return "array" in kinds and all(_fits(item, schema.get("items", {}), document) for item in value)
    if isinstance(value, dict) and "properties" in schema:
        same = set(value) == set(schema["properties"])
        return same and all(_fits(value[name], inner, document) for name, inner in schema["properties"].items())
    python = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict}
    return not kinds or any(isinstance(value, python.get(kind, ())) for kind in kinds)


def test_answers_are_as_described(api, nexus):
    """Every list and every object that a full hub answers has exactly the members of its shape."""
    api.post("/repositories", {"name": "acme/api"})
    api.task("a", repository="acme/api")
    api.task("b", repository="acme/api", dependencies=[1])
    claimed = api.post("/tasks/claim", {"agent": "claude"}).json
    said = {"fence": claimed["fence"], "type": "elicitation", "body": "?", "choices": ["A"]}
    api.post(f"/assignments/{claimed['id']}/activities", said)
    api.post("/users", {"username": "ada"})
    nexus.jobs.enqueue("probe.fail", {})
    document = describe(nexus)

    def check(path, described=None):
        answer = api.get(path).json
        schema = document["paths"][f"/api/v1{described or path}"]["get"]["responses"]["200"]["content"][
            "application/json"
        ]
        return _fits(answer, schema["schema"], document), answer

    lists = "tasks repositories users agents assignments keys events jobs deliveries inbox plugins doctor"
    for path in [*lists.split(), "me", "tasks/graph", "tasks/next"]:
        assert (True, path) == (check(f"/{path}")[0], path), check(f"/{path}")[1]
    assert check("/tasks/2", "/tasks/{task}")[0] and check("/tasks/2/readiness", "/tasks/{task}/readiness")[0]
    assert _fits(claimed, schemas.reference("Claim"), document)
    assert check("/assignments/1", "/assignments/{assignment_id}")[0]
