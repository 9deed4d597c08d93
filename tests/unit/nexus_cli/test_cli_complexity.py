"""How complex a task is, on the command line; reports that bring published scores."""

import json

import pytest

FILE = {"tasks": [{"id": 1, "title": "Build a retry queue"}, {"id": 2, "title": "Rename a button"}]}
REPORT = {"complexityAnalysis": [
    {"taskId": 1, "complexityScore": 9, "reasoning": "Many parts move."},
    {"taskId": 2, "complexityScore": 5, "reasoning": "Automatically added due to missing analysis in AI response."},
    {"taskId": 7, "taskTitle": "Gone", "complexityScore": 1},
]}  # fmt: skip


@pytest.fixture
def folder(nexus, tmp_path):
    """Two tasks of acme/api, imported; the folder of their file, with a report beside it."""
    tasks, reports = tmp_path / ".taskmaster" / "tasks", tmp_path / ".taskmaster" / "reports"
    tasks.mkdir(parents=True)
    reports.mkdir()
    (tasks / "tasks.json").write_text(json.dumps(FILE))
    assert 0 == nexus("task", "import", str(tasks / "tasks.json"), "--repo", "acme/api").code
    (reports / "task-complexity-report.json").write_text(json.dumps(REPORT))
    return tmp_path / ".taskmaster"


def scored(nexus, folder, *more):
    """Import the report."""
    report = folder / "reports" / "task-complexity-report.json"
    return nexus("task", "import", str(report), "--repo", "acme/api", *more)


def test_an_estimate_is_told_with_its_factors(nexus, folder):
    """What added how much, and the sum."""
    ran = nexus("task", "complexity", "NX-1")
    lines = ran.out.splitlines()

    assert 0 == ran.code
    assert lines[0].startswith("NX-1  complexity ")
    assert lines[0].endswith(" of 10, estimated")
    assert any("demanding words in the title: queue, retry" in line for line in lines)
    assert lines[-1].endswith("  in all, by the estimator built-in")
    assert 8 == lines[-1].index("  in all")


def test_json_is_the_apis_own_document(nexus, folder):
    """With the factors as data."""
    found = nexus("task", "complexity", "1", "--json").document

    assert ("NX-1", "estimate", "base") == (found["key"], found["source"], found["factors"][0]["name"])


def test_a_report_scores_the_tasks_that_are_there(nexus, folder):
    """Known by its shape; what could not be used is named with its place."""
    ran = scored(nexus, folder)

    assert "acme/api: scored 1 tasks of tag master (1 changed, 0 as before); 1 unscored, 1 unmatched" in ran.out
    assert "there is no task 7 (“Gone”) here\n    at task 7, row 3, line 1" in ran.out
    assert "NX-1  complexity 9 of 10, from a complexity report" in nexus("task", "complexity", "1").out
    assert "Many parts move." in nexus("task", "complexity", "1").out


def test_a_dry_run_scores_nothing(nexus, folder):
    """It says what it would do."""
    assert "would score 1 tasks of tag master" in scored(nexus, folder, "--dry-run").out
    assert "estimated" in nexus("task", "complexity", "1").out


def test_a_tag_that_is_not_there_is_bad_input(nexus, folder):
    """With those that are."""
    ran = scored(nexus, folder, "--tag", "gone")

    assert 2 == ran.code
    assert "there is no tag “gone”; there are: master" in ran.err


def test_what_a_person_set_is_told_first(nexus, folder):
    """Then what it would be without."""
    scored(nexus, folder)
    nexus("task", "edit", "1", "--complexity", "3")
    out = nexus("task", "complexity", "1").out

    assert "NX-1  complexity 3 of 10, set by hand\nOtherwise it would be 9, from a complexity report.\n" in out
    assert "3 (set by hand; `nexus task complexity NX-1` says why)" in nexus("task", "show", "1").out


def test_a_report_beside_the_task_file_is_told_of_and_not_taken(nexus, folder):
    """On the error stream, so that the document stays one; the first time, and not for ever."""
    tasks = str(folder / "tasks" / "tasks.json")
    ran = nexus("task", "import", tasks, "--repo", "acme/web", "--json")

    assert 2 == ran.document["created"]
    assert f"nexus task import {folder / 'reports' / 'task-complexity-report.json'}" in ran.err
    assert "estimate" == nexus("task", "complexity", "3", "--json").document["source"]
    assert "" == nexus("task", "import", tasks, "--repo", "acme/web").err
