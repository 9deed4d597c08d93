"""Tasks over HTTP."""

import json

import pytest


def test_a_task_is_created_and_read_again(api):
    """201 with its address and ETag; the same task comes back."""
    made = api.post("/tasks", {"title": "Ship it", "labels": ["python"], "priority": "high"})

    assert (201, "/api/v1/tasks/1", '"1"') == (made.status_code, made.headers["location"], made.headers["etag"])
    assert made.json == api.get("/tasks/1").json


def test_a_task_is_found_by_its_key(api):
    """`NX-1`, as people write it, is an address too."""
    api.task()

    assert "NX-1" == api.get("/tasks/nx-1").json["key"]


@pytest.mark.parametrize("name", ["0", "abc", "99", "99999999999999999999999", "NX-", "1.5", "-1", "١"])
def test_what_names_no_task_is_not_found(api, name):
    """Never a 500, whatever stands in the address."""
    assert 404 == api.get(f"/tasks/{name}").status_code


def test_every_fault_of_a_body_is_told(api):
    """The problem lists each with its pointer."""
    answer = api.post("/tasks", {"priority": "urgent", "labels": "x", "colour": 1})

    assert "application/problem+json" == answer.headers["content-type"]
    assert {"/title", "/priority", "/labels", "/colour"} == {fault["pointer"] for fault in answer.json["errors"]}


def test_filters_leave_what_they_say(api):
    """Status may be repeated; ready, labels and parents are filters too."""
    parent = api.task("parent")["id"]
    child = api.task("child", parent_id=parent, labels=["x"])["id"]
    other = api.task("other")["id"]
    api.patch(f"/tasks/{other}/status", {"status": "deferred"})

    def ids(query):
        return [task["id"] for task in api.get(f"/tasks?{query}").json["items"]]

    assert [child] == ids("ready=true")
    assert [child] == ids("label=x") == ids(f"parent=NX-{parent}")
    assert [parent, child, other] == ids("status=deferred&status=pending") == ids("status=deferred,pending")


def test_pages_hold_every_task_once(api):
    """Following `next_cursor` to its end gives all of them."""
    made = [api.task(f"task {number}")["id"] for number in range(5)]
    found, cursor = [], ""
    while cursor is not None:
        page = api.get(f"/tasks?limit=2{cursor and f'&cursor={cursor}'}").json
        found += [task["id"] for task in page["items"]]
        cursor = page["next_cursor"]

    assert made == found


def test_fields_cut_tasks_short(api):
    """Only what was asked for, and a name that is none is refused."""
    api.task()

    assert [{"id": 1, "title": "Do it"}] == api.get("/tasks?fields=id,title").json["items"]
    assert 400 == api.get("/tasks?fields=colour").status_code


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "cursor=tampered", "statsu=done", "sort=colour", "ready=maybe"]
)
def test_a_query_that_makes_no_sense_is_refused(api, query):
    """A misspelt filter must not answer with everything."""
    assert (400, "invalid") == ((answer := api.get(f"/tasks?{query}")).status_code, answer.json["code"])


def test_an_edit_needs_the_version_that_was_read(api):
    """428 without If-Match, 412 with a stale one, and the ETag goes up."""
    api.task()

    assert 428 == api.patch("/tasks/1", {"title": "b"}).status_code
    assert '"2"' == api.patch("/tasks/1", {"title": "b"}, headers={"If-Match": '"1"'}).headers["etag"]
    assert 412 == api.patch("/tasks/1", {"title": "c"}, headers={"If-Match": '"1"'}).status_code


@pytest.mark.parametrize(
    ("tag", "status"), [("*", 200), ('"7", "1"', 200), ('W/"1"', 412), ('"x"', 412), ('"1-gzip"', 412)]
)
def test_if_match_is_read_as_http_has_it(api, tag, status):
    """Any version, one of several, and never a weak or a foreign one."""
    api.task()

    assert status == api.patch("/tasks/1", {"title": "b"}, headers={"If-Match": tag}).status_code


def test_an_unchanged_task_is_not_sent_again(api):
    """304 for the ETag that the client has."""
    api.task()

    assert 304 == api.get("/tasks/1", headers={"If-None-Match": '"1"'}).status_code
    assert 400 == api.get("/tasks/1", headers={"If-None-Match": "1" * 501}).status_code


def test_a_status_moves_with_its_reason(api):
    """The reason stands in the event; a stale If-Match is refused."""
    api.task()
    moved = api.patch("/tasks/1/status", {"status": "done", "reason": "merged"})
    event = api.get("/events?type=task.moved").json["items"][0]

    assert (200, "done") == (moved.status_code, moved.json["status"])
    assert {"from": "pending", "to": "done", "reason": "merged"}.items() <= event["payload"].items()
    assert 412 == api.patch("/tasks/1/status", {"status": "pending"}, headers={"If-Match": '"1"'}).status_code


def test_a_cycle_is_refused_with_its_path(api):
    """409 with the ids on the way."""
    api.task("a")
    api.task("b", dependencies=[1])
    answer = api.call("PUT", "/tasks/1/dependencies/NX-2")

    assert (409, "cycle", [1, 2, 1]) == (answer.status_code, answer.json["code"], answer.json["path"])


def test_a_dependency_comes_and_goes(api):
    """PUT twice is PUT once; DELETE ends it."""
    api.task("a")
    api.task("b")
    api.call("PUT", "/tasks/2/dependencies/1")

    assert [1] == api.call("PUT", "/tasks/2/dependencies/1").json["dependencies"]
    assert [] == api.call("DELETE", "/tasks/2/dependencies/1").json["dependencies"]


def test_readiness_says_why_not(api):
    """Each condition with the tasks that cause it."""
    api.task("a")
    api.task("b", dependencies=[1])
    found = api.get("/tasks/2/readiness").json

    assert (False, [1]) == (found["ready"], found["why"][0]["tasks"])


def test_the_next_task_comes_with_reasons(api):
    """The best ready task; null when there is none."""
    assert {"task": None, "reasons": []} == api.get("/tasks/next").json

    api.task("low", priority="low")
    api.task("high", priority="high")
    found = api.get("/tasks/next?skills=python&max_complexity=9").json

    assert ("high", "high priority") == (found["task"]["title"], found["reasons"][0])


def test_the_graph_comes_as_it_is_accepted(api):
    """JSON, Mermaid or SVG; 406 for anything else."""
    api.task("a")
    api.task("b", dependencies=[1])

    def graph(accept):
        answer = api.get("/tasks/graph", headers={"Accept": accept})
        return answer.status_code, answer.headers["content-type"].partition(";")[0]

    assert [{"task": 2, "depends_on": 1}] == api.get("/tasks/graph").json["edges"]
    assert (200, "text/vnd.mermaid") == graph("text/vnd.mermaid")
    assert (200, "image/svg+xml") == graph("image/svg+xml, */*;q=0.1")
    assert (406, "application/problem+json") == graph("image/png")


def test_a_graph_is_refused_that_is_too_large_for_one_answer(api, monkeypatch):
    """Whatever it is wanted as, with a code, and with what to do instead."""
    monkeypatch.setattr("nexus_core.services.outlook.MOST_SHOWN", 1)
    api.task("a")
    api.task("b")
    for accept in ("application/json", "text/vnd.mermaid", "image/svg+xml"):
        answer = api.get("/tasks/graph", headers={"Accept": accept})

        assert (400, "too_many", 1) == (answer.status_code, answer.json["code"], answer.json["most"])
        assert "list the tasks page by page" in answer.json["detail"]


def test_readiness_says_where_counting_ended(api, monkeypatch):
    """A number that is so many or more is marked."""
    for module in ("behind", "outlook"):
        monkeypatch.setattr(f"nexus_core.services.{module}.MOST_COUNTED", 1)
    first = api.task("a")["id"]
    for title in "bc":
        api.task(title, dependencies=[first])
    answer = api.get(f"/tasks/{first}/readiness").json["impact"]

    assert {"unblocks": [2, 3], "waiting": 1, "at_least": True, "longest_chain": 1} == answer


FILE = {"master": {"tasks": [{"id": 1, "title": "One", "status": "pending", "dependencies": []}], "metadata": {}}}


def test_a_file_is_imported_as_it_is_and_exported(api):
    """The raw file as the body; byte for byte the same comes out again."""
    raw = json.dumps(FILE, indent=2).encode()
    report = api.client.simulate_post(
        "/api/v1/tasks/import?repository=acme/api&path=.taskmaster/tasks/tasks.json", body=raw,
        headers={"Authorization": f"Bearer {api.key}", "Content-Type": "application/octet-stream"},
    )  # fmt: skip

    assert (200, 1) == (report.status_code, report.json["created"])
    assert raw == api.get("/tasks/export?repository=acme/api").content


def test_a_file_is_imported_from_json(api):
    """`{"repository", "content"}`; a dry run changes nothing."""
    body = {"repository": "acme/api", "content": json.dumps(FILE), "dry_run": True}

    assert 1 == api.post("/tasks/import", body).json["created"]
    assert [] == api.get("/tasks").json["items"]


def test_a_broken_file_is_bad_input(api):
    """400 with the code that says so."""
    answer = api.post("/tasks/import", {"repository": "acme/api", "content": '{"master": '})

    assert (409, "unreadable_file") == (answer.status_code, answer.json["code"])


def test_a_task_is_parked_and_unparked(api):
    """When it is made or edited; null ends it."""
    made = api.task("Later", not_before="2999-01-01T00:00:00+01:00")
    why = api.get(f"/tasks/{made['id']}/readiness").json["why"]
    freed = api.patch(f"/tasks/{made['id']}", {"not_before": None}, headers={"If-Match": '"1"'}).json
    again = api.patch(f"/tasks/{made['id']}", {"not_before": "2999-01-01"}, headers={"If-Match": '"2"'}).json

    assert ("2998-12-31T23:00:00.000000Z", False) == (made["not_before"], made["ready"])
    assert [("parked", "it is parked until 2998-12-31 23:00 UTC")] == [(one["code"], one["message"]) for one in why]
    assert ((None, True), "2999-01-01T00:00:00.000000Z") == ((freed["not_before"], freed["ready"]), again["not_before"])


@pytest.mark.parametrize(
    "text", ["soon", "", "2026-13-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", 5]
)
def test_what_is_no_time_is_named(api, text):
    """By its place; a time that no calendar of ours has is none."""
    refused = api.post("/tasks", {"title": "Later", "not_before": text})

    assert (400, ["/not_before"]) == (refused.status_code, [fault["pointer"] for fault in refused.json["errors"]])


@pytest.mark.parametrize("text", ["1900-01-01T00:00:00Z", "2999-12-31T23:59:59.999999Z"])
def test_the_first_and_the_last_time_can_be_read_again(api, text):
    """A task is never lost over its time."""
    made = api.task("Odd", not_before=text)

    assert text[:19] == api.get(f"/tasks/{made['id']}").json["not_before"][:19]
