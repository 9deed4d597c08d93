"""Exit codes and messages."""

import pytest

from nexus_cli.failures import EXIT_BY_CODE, Failure, exit_code, of_answer
from nexus_core.errors import all_errors


def test_every_error_of_the_core_has_an_exit_code():
    """The one table names each code of the error tree."""
    codes = {error.code for error in all_errors()}

    assert codes == set(EXIT_BY_CODE)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, 2), (401, 5), (403, 5), (404, 3), (409, 4), (412, 4), (422, 2), (429, 75), (500, 1), (503, 75)],
)
def test_a_status_without_a_known_code_has_an_exit_code(status, expected):
    """An answer whose code is not known here is judged by its status."""
    assert expected == exit_code("of_a_later_version", status)


def test_the_faults_of_a_problem_are_told_with_their_places():
    """Each fault stands on a line of its own."""
    faults = [{"pointer": "/title", "message": "is missing"}]
    failure = of_answer(400, {"detail": "the body is not valid", "code": "invalid", "errors": faults}, "there")

    assert ["the body is not valid", "  /title: is missing"] == failure.lines()


def test_an_answer_that_is_not_ours_names_who_gave_it():
    """A proxy's page is not taken for a problem of Nexus; its status still decides."""
    failure = of_answer(502, None, "https://nexus.example.com")

    assert "https://nexus.example.com answered 502" in failure.message
    assert 75 == failure.exit_code


def test_the_code_of_a_failure_decides():
    """A failure that was made here maps through the same table."""
    assert 75 == Failure("gone", "unavailable").exit_code


def test_a_wrong_configuration_is_one_line(nexus, tmp_path, monkeypatch):
    """A file that is no TOML is named, and the command ends with 2."""
    file = tmp_path / "nexus.toml"
    file.write_text("url = [")
    monkeypatch.setenv("NEXUS_CONFIG", str(file))
    ran = nexus("task", "next")

    assert (2, "") == (ran.code, ran.out)
    assert ran.err.startswith(f"nexus: {file}: is not valid TOML") and ran.err.count("\n") == 1


def test_a_value_of_the_wrong_kind_is_named(nexus, tmp_path, monkeypatch):
    """What the CLI reads itself is judged by the core's own rules."""
    file = tmp_path / "nexus.toml"
    file.write_text("url = 7")
    monkeypatch.setenv("NEXUS_CONFIG", str(file))
    ran = nexus("task", "next")

    assert 2 == ran.code
    assert f"{file}: url: expected a text" in ran.err


def test_with_json_the_problem_is_the_document(nexus):
    """Scripts read the refusal from standard output, people from standard error."""
    ran = nexus("task", "show", "999", "--json")

    assert (3, "not_found") == (ran.code, ran.document["code"])
    assert "nexus: there is no task 999" in ran.err


def test_debug_lets_the_traceback_through(nexus):
    """With --debug the exception itself reaches Python."""
    with pytest.raises(Failure):
        nexus("task", "show", "999", "--debug")
