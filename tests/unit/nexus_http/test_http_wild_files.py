"""Task files that nobody would want, over HTTP: a report or a problem with its line, never an error of ours."""

import json

import pytest

from nexus_http.operations import FILE_LIMIT
from wild import wild_file

SEEDS = range(1000, 1060)


def imported(api, content, repository, kind="application/octet-stream"):
    """The answer to an import of these bytes."""
    return api.client.simulate_post(
        f"/api/v1/tasks/import?repository={repository}&path=a/wild.json", body=content,
        headers={"Authorization": f"Bearer {api.key}", "Content-Type": kind},
    )  # fmt: skip


def test_any_file_is_imported_or_refused(api):
    """200 and the same bytes out again, or 400 with file, line and reason; and no repository is made for nothing."""
    seen = set()
    for seed in SEEDS:
        content, place = wild_file(seed).content, f"wild/r{seed}"
        answer = imported(api, content, place)
        exported = api.get(f"/tasks/export?repository={place}")
        seen.add(answer.status_code)

        if answer.status_code == 200:
            assert content == exported.content, seed
            assert api.get(f"/tasks?repository={place}&limit=200").status_code == 200
        else:
            problem = answer.json
            assert (400, "unreadable_file", 404) == (answer.status_code, problem["code"], exported.status_code), seed
            assert problem["detail"].startswith(f"a/wild.json: line {problem['line']}, column "), seed
            assert 1 <= problem["line"] <= content.count(b"\n") + 1
            assert problem["errors"][0]["pointer"].startswith("line ") and problem["errors"][0]["message"]
    assert {200, 400} == seen


def test_a_file_within_json(api):
    """What can stand in a text is imported from it just so; half a character cannot be sent."""
    for seed in SEEDS:
        file = wild_file(seed)
        if not file.damage:
            body = {"repository": f"wild/r{seed}", "content": file.content.decode()}
            assert api.post("/tasks/import", body).status_code in (200, 400), seed
    half = imported(api, b'{"repository": "acme/api", "content": "[\\ud800]"}', "", "application/json")

    assert (400, "invalid") == (half.status_code, half.json["code"])


@pytest.mark.parametrize(("size", "status"), [(FILE_LIMIT, 400), (FILE_LIMIT + 1, 413)])
def test_a_file_may_have_a_size(api, size, status):
    """What is larger is refused by its headers."""
    assert status == imported(api, b"[" + b" " * (size - 1), "acme/api").status_code


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([{"id": 1, "title": "A", "details": "x" * 10_000_000}]).encode(),
        b"[" * 1_000_000,
        b'{"tasks": ' * 100_000,
        b'{"tasks": [' + b'{"id": 1, "id": 2},' * 1_000 + b'{"id": 1, "title": "A"}]}',
        json.dumps([{"id": 1, "title": "A", "dependencies": list(range(50_000))}]).encode(),
        b"{" + b",".join(b'"t%d": {"tasks": [{"id": 1, "title": "A"}]}' % number for number in range(300)) + b"}",
    ],
    ids=["long text", "deep array", "deep object", "twins", "many dependencies", "many tags"],
)
def test_a_file_that_would_wear_a_careless_reader_out(api, content):
    """It is answered in moments."""
    assert imported(api, content, "acme/api").status_code in (200, 400)
