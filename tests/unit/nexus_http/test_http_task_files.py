"""Task files over HTTP: formats by media type and by name, and what both sides changed."""

import json

import pytest

LINES = b'{"external_key":"a","title":"A"}\r\n{"external_key":"b","title":"B","dependencies":["a"]}'
TASKMASTER = json.dumps({"tasks": [{"id": 1, "title": "A"}]}).encode()


@pytest.fixture
def send(api):
    """Import bytes, as they are."""

    def post(content, query="repository=acme/api", media="application/octet-stream"):
        headers = {"Content-Type": media, "Authorization": f"Bearer {api.key}"}
        return api.client.simulate_post("/api/v1/tasks/import", query_string=query, body=content, headers=headers)

    return post


@pytest.mark.parametrize(
    "media", ["application/jsonl", "application/x-ndjson", "text/plain", "application/octet-stream"]
)
def test_lines_come_in_by_any_media_type_and_go_out_to_the_byte(api, send, media):
    """Their own one says what they are, others leave it to the content."""
    report = send(LINES, media=media)
    file = api.get("/tasks/export", params={"repository": "acme/api"})

    assert (200, "jsonl", "lines", 2, 1) == (
        report.status_code, report.json["format"], report.json["layout"], report.json["created"],
        report.json["dependencies"],
    )  # fmt: skip
    assert (LINES, "application/jsonl") == (file.content, file.headers["Content-Type"])


def test_json_can_carry_lines_too(api):
    """With the format in the body."""
    body = {"repository": "acme/api", "content": LINES.decode(), "format": "jsonl", "dry_run": True}

    assert ("jsonl", 2, True) == tuple(
        api.post("/tasks/import", body).json[name] for name in ("format", "created", "dry_run")
    )


@pytest.mark.parametrize(
    ("params", "accept", "media"),
    [
        ({}, "*/*", "application/json"),
        ({}, "application/json", "application/json"),
        ({}, "application/jsonl", "application/jsonl"),
        ({}, "text/html, application/x-ndjson;q=0.9", "application/jsonl"),
        ({"format": "jsonl"}, "*/*", "application/jsonl"),
        ({"format": "taskmaster"}, "application/jsonl", "application/json"),
    ],
)
def test_an_export_is_in_the_format_that_is_asked_for(api, send, params, accept, media):
    """By `format`, else by a media type in `Accept`, else that of the imported file."""
    send(TASKMASTER)
    file = api.get("/tasks/export", params={"repository": "acme/api", **params}, headers={"Accept": accept})

    assert (200, media, "Accept") == (file.status_code, file.headers["Content-Type"], file.headers["Vary"])
    assert (file.content == TASKMASTER) is (media == "application/json")


def test_every_broken_line_is_a_fault_of_the_problem(send):
    """With the file, the lines and the columns; nothing was changed."""
    refused = send(b'{"title": "A"}\n{"title": 1}\n{"title": "C",}\n', "repository=acme/api&path=work/t.jsonl")

    assert (409, "unreadable_file") == (refused.status_code, refused.json["code"])
    assert refused.json["detail"].startswith("work/t.jsonl: line 2, column 11: title must be a text")
    assert [("line 2", "column 11: title must be"), ("line 3", "column 15: there is a co")] == [
        (fault["pointer"], fault["message"][:24]) for fault in refused.json["errors"]
    ]


def test_conflicts_are_listed_as_data(api, send):
    """Each with its task, its field, the three values and which was taken."""
    send(LINES)
    task = api.get("/tasks/1").json
    api.patch("/tasks/1", {"title": "Mine"}, headers={"If-Match": f'"{task["version"]}"'})
    report = send(LINES.replace(b'"A"', b'"Theirs"')).json

    values = {"base": "A", "file": "Theirs", "nexus": "Mine", "taken": "file"}
    assert [{"task": 1, "key": "NX-1", "external_key": "a", "field": "title", **values}] == report["conflicts"]
    assert ["conflict"] == [warning["code"] for warning in report["warnings"]]


def test_an_unknown_format_is_bad_input(api, send):
    """In and out; it names those that there are."""
    send(LINES)
    out = api.get("/tasks/export", params={"repository": "acme/api", "format": "xml"})

    assert (400, 400) == (send(LINES, "repository=acme/api&format=xml").status_code, out.status_code)
    assert "there are taskmaster, jsonl" in out.json["detail"]
