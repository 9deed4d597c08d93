"""What HTTP asks of every address alike."""

from __future__ import annotations

import re

import pytest

from nexus_http.middleware import HEADERS
from nexus_http.routes import all_routes

READS = sorted(
    path
    for path, entry in all_routes()
    if "GET" in entry.methods and not path.endswith(("/stream", "/export", "/graph"))
)
EVERYTHING = sorted((method, path) for path, entry in all_routes() for method in entry.methods)
INVENTED = "BREW"


def _at(path: str) -> str:
    """A concrete address; everything in it has the number 1."""
    concrete = re.sub(r"{[^}]*}", "1", path)
    return concrete.removeprefix("/api/v1") if concrete.startswith("/api/v1") else f"/{concrete}"


@pytest.fixture
def filled(api, nexus):
    """The API of a hub in which there is one of most things."""
    nexus.repositories.add("acme/api")
    api.task(repository="acme/api")
    api.post("/tasks/claim", {"agent": "claude"})
    api.client.simulate_post(
        "/api/v1/webhooks/probe", headers={"X-Probe-Secret": "right", "X-Probe-Id": "1"}, body=b"{}"
    )
    return api


@pytest.mark.parametrize("path", READS)
def test_head_is_get_without_a_body(filled, path):
    """On every address that can be read: status, type and length are those of the GET."""
    get, head = (filled.call(method, _at(path)) for method in ("GET", "HEAD"))
    named = ("content-type", "content-length", "etag")

    assert (get.status_code, b"") == (head.status_code, head.content)
    if path != "/metrics":  # which counts the requests between the two
        assert [get.headers.get(name) for name in named] == [head.headers.get(name) for name in named]


@pytest.mark.parametrize(
    "path",
    ["/tasks/1", "/tasks/1/readiness", "/tasks/1/complexity", "/repositories/1", "/assignments/1", "/deliveries/1",
     "/jobs/1", "/me", "//openapi.json"],
)  # fmt: skip
def test_who_has_it_already_is_told_so(filled, path):
    """Every single object has an ETag; who sends it in `If-None-Match` gets 304 and nothing else; other tags do not."""
    first = filled.get(path)
    tag = first.headers["ETag"]
    again, weak, other = (filled.get(path, headers={"If-None-Match": sent}) for sent in (tag, f"W/{tag}", '"other"'))

    assert (304, b"", tag) == (again.status_code, again.content, again.headers["ETag"])
    assert [304, 200] == [weak.status_code, other.status_code]
    assert 304 == filled.get(path, headers={"If-None-Match": "*"}).status_code


def test_an_etag_changes_with_the_object(filled):
    """Also where there is no version: 200 with the new object."""
    tag = filled.get("/repositories/1").headers["ETag"]
    filled.patch("/repositories/1", {"url": "https://other.example/acme/api"})

    assert 200 == filled.get("/repositories/1", headers={"If-None-Match": tag}).status_code


@pytest.mark.parametrize("path", sorted({path for path, _ in all_routes()}))
def test_a_method_that_is_not_there_is_refused_with_those_that_are(filled, path):
    """405 with `Allow`, for methods of HTTP and for invented ones, as a problem with every header."""
    methods = next(entry.methods for known, entry in all_routes() if known == path)
    absent = next(method for method in ("DELETE", "PUT", "PATCH") if method not in methods)
    for method in (absent, INVENTED, "TRACE"):
        answer = filled.client.simulate_request(method, path=_whole(path), wsgierrors=None)

        assert (405, "method_not_allowed") == (answer.status_code, answer.json["code"]), method
        assert set(methods) <= set(answer.headers["Allow"].replace(" ", "").split(","))
        assert HEADERS.items() <= {name: answer.headers.get(name) for name in HEADERS}.items()


def _whole(path: str) -> str:
    return re.sub(r"{[^}]*}", "1", path)


@pytest.mark.parametrize(("method", "path"), EVERYTHING)
def test_a_parameter_that_means_nothing_is_refused(filled, nexus, method, path):
    """400 naming it, wherever one needs a key."""
    answer = filled.call(method, f"{_at(path)}?no_such=1", **({"json": {}} if method in ("POST", "PATCH") else {}))
    if path.startswith("/api/v1") and "/webhooks/" not in path:
        assert (400, "?no_such") == (answer.status_code, answer.json["errors"][0]["pointer"])


@pytest.mark.parametrize(
    "path",
    [f"/{noun}/{number}" for noun in ("tasks", "repositories", "assignments", "jobs", "deliveries")
     for number in ("0", "-1", "9223372036854775808", "1e3", "%00", "%ff", "\u0661", "9" * 400)],
)  # fmt: skip
def test_an_id_that_cannot_be_one_is_not_found(api, path):
    """404, as a problem; never 500."""
    answer = api.get(path)

    assert (404, "not_found") == (answer.status_code, answer.json["code"])


@pytest.mark.parametrize("limit", ["0", "-1", "201", "1e9", "abc", "", "%00", "\u0661", "1&limit=2"])
@pytest.mark.parametrize("path", ["/tasks", "/events", "/jobs", "/deliveries", "/assignments", "/keys", "/users"])
def test_a_limit_that_makes_no_sense_is_refused(api, path, limit):
    """400, naming it."""
    answer = api.get(f"{path}?limit={limit}")

    assert (400, "?limit") == (answer.status_code, answer.json["errors"][0]["pointer"])


@pytest.mark.parametrize(
    "cursor", ["x", "%00", "-1", "W10=", "e30=", "9" * 30, "NULL", "\u0661", "bnVsbA==", "x" * 5000]
)
@pytest.mark.parametrize("path", ["/tasks", "/events", "/jobs", "/deliveries", "/assignments", "/keys", "/users"])
def test_a_cursor_that_no_list_gave_out_is_refused(filled, path, cursor):
    """400, whatever it decodes to."""
    filled.post("/users", {"username": "mira", "role": "viewer"})

    assert 400 == filled.get(f"{path}?cursor={cursor}").status_code
