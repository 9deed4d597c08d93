"""Complexity on the wire: its factors, and reports that bring published scores."""

import json

import pytest

FILE = json.dumps({"tasks": [{"id": 1, "title": "Build a retry queue"}, {"id": 2, "title": "Rename a button"}]})
REPORT = json.dumps({"complexityAnalysis": [
    {"taskId": 1, "complexityScore": 8.5, "reasoning": "Many parts move."}, {"taskId": 7, "complexityScore": 1},
]})  # fmt: skip
RAW = {"Content-Type": "application/octet-stream"}


def sent(api, content, query=""):
    """The answer to a file that is sent as it is."""
    return api.client.simulate_post(
        f"/api/v1/tasks/import?repository=acme/api{query}", body=content,
        headers={"Authorization": f"Bearer {api.key}", **RAW},
    )  # fmt: skip


@pytest.fixture
def tasks(api):
    """Two tasks of acme/api."""
    assert 200 == sent(api, FILE).status_code
    return api


def test_an_estimate_comes_with_its_factors(tasks):
    """They add up to the score."""
    found = tasks.get("/tasks/NX-1/complexity").json
    total = sum(factor["value"] for factor in found["factors"])

    assert (1, "NX-1", "estimate", "estimate", "built-in", None) == tuple(
        found[name] for name in ("task_id", "key", "source", "auto_source", "estimator", "complexity_manual")
    )
    assert int(total + 0.5) == found["score"] == found["complexity_auto"]
    assert "2 in 4: queue, retry" in [factor["because"] for factor in found["factors"]]


def test_a_persons_score_is_told_with_the_estimate_behind_it(tasks):
    """Whose factors are still shown."""
    estimated = tasks.get("/tasks/1/complexity").json
    tasks.patch("/tasks/1", {"complexity_manual": 2}, headers={"If-Match": "*"})

    assert {**estimated, "score": 2, "source": "person", "complexity_manual": 2} == tasks.get(
        "/tasks/1/complexity"
    ).json


def test_a_report_is_known_by_its_shape(tasks):
    """Its scores go to the tasks, its reasoning is the explanation."""
    report = sent(tasks, REPORT).json
    found = tasks.get("/tasks/1/complexity").json

    assert ("scores", "master", 1, 1, 0) == tuple(
        report[name] for name in ("kind", "tag", "changed", "unmatched", "unscored")
    )
    assert ["unmatched"] == [warning["code"] for warning in report["warnings"]]
    assert (9, "report", None, [], "Many parts move.") == tuple(
        found[name] for name in ("score", "source", "estimator", "factors", "reasoning")
    )


def test_a_report_may_come_as_json_with_its_tag(tasks):
    """As a task file may."""
    body = {"repository": "acme/api", "content": REPORT, "tag": "master", "dry_run": True}

    assert (True, 1) == tuple(tasks.post("/tasks/import", body).json[name] for name in ("dry_run", "changed"))
    assert 400 == tasks.post("/tasks/import", {**body, "tag": "gone"}).status_code
    assert "estimate" == tasks.get("/tasks/1/complexity").json["source"]


def test_a_broken_report_is_refused_with_its_line(tasks):
    """And changes nothing."""
    answer = sent(tasks, REPORT[:-30], "&path=reports/x.json")

    assert (400, "unreadable_file") == (answer.status_code, answer.json["code"])
    assert "reports/x.json: line 1" in answer.json["detail"]
    assert "estimate" == tasks.get("/tasks/1/complexity").json["source"]


def test_a_task_that_is_not_there_has_no_complexity(api):
    """404, as everywhere."""
    assert 404 == api.get("/tasks/9/complexity").status_code
