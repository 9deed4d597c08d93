"""Every error is a problem, ours and the framework's."""

import pytest
from falcon import testing

from nexus_core import Nexus, errors, hookimpl
from nexus_core.plugins.records import Route
from nexus_http import problems
from nexus_http.app import create_app
from nexus_http.openapi import problem_codes


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Invalid("x"), 400), (errors.UnreadableFile("x"), 409), (errors.Unauthenticated(), 401),
        (errors.Forbidden(), 403), (errors.NotFound(), 404), (errors.Cycle(path=[1]), 409), (errors.NotReady(), 409),
        (errors.StaleClaim(), 409), (errors.StaleWrite(), 409), (errors.Busy(), 409), (errors.Duplicate(), 409),
        (errors.Unavailable(), 503), (errors.NexusError("x"), 500), (errors.SchemaTooNew(), 500),
    ],
)  # fmt: skip
def test_the_table_gives_each_error_its_status(error, status):
    """The nearest class in an error's ancestry decides."""
    assert status == problems.status_of(error)


def test_a_stale_write_is_412_where_a_condition_was_sent():
    """And 409 where there was none."""
    assert (412, 409) == (
        problems.status_of(errors.StaleWrite(), conditional=True),
        problems.status_of(errors.StaleWrite()),
    )


def test_details_stand_beside_the_problem():
    """But none can take the place of a member of its own."""
    problem = problems.of_error(errors.Cycle("no", path=[1, 2], status="x"), "r1")

    assert ([1, 2], 409, "no", "r1") == (problem["path"], problem["status"], problem["detail"], problem["request_id"])


def test_the_unforeseen_tells_nothing():
    """The message of an internal error stays in the log."""
    problem = problems.of_error(errors.NexusError("SELECT secret FROM /home/x"), "r1")

    assert "secret" not in str(problem)


@pytest.mark.parametrize("kind", errors.all_errors())
def test_every_error_is_described(kind):
    """In the reference, with its code; those that are 500 share one."""
    status = problems.status_of(kind.__new__(kind))

    assert status == 500 or kind.code in problem_codes()


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "//nowhere", 404, "not_found"), ("GET", "/nowhere", 404, "not_found"),
        ("DELETE", "/tasks", 405, "method_not_allowed"), ("POST", "//healthz", 405, "method_not_allowed"),
        ("TRACE", "/tasks", 405, "method_not_allowed"), ("GET", "/jobs/999", 404, "not_found"),
        ("GET", "/jobs/99999999999999999999", 404, "not_found"),
    ],
)  # fmt: skip
def test_the_framework_answers_with_problems_too(api, method, path, status, code):
    """404 and 405 look like all others."""
    answer = api.call(method, path)

    assert (status, code, "application/problem+json") == (
        answer.status_code, answer.json["code"], answer.headers["content-type"]
    )  # fmt: skip


class _Broken:
    @hookimpl
    def nexus_routes(self):
        yield Route(path="/broken", make=lambda nexus: self, scope="public")

    def on_get(self, req, resp):
        raise RuntimeError("SELECT secret FROM /home/x")


def test_what_breaks_is_a_500_with_an_id_and_no_internals(config, caplog):
    """The log has the traceback under the id that the answer names."""
    config.data_dir.mkdir(parents=True)
    with Nexus.open(config, load_plugins=False, plugins=[_Broken()]) as nexus:
        answer = testing.TestClient(create_app(nexus)).simulate_get("/api/v1/broken")

    assert (500, "unexpected") == (answer.status_code, answer.json["code"])
    assert "secret" not in answer.text
    assert answer.json["request_id"] in caplog.text and "SELECT secret" in caplog.text
