"""Taskmaster's complexity reports, in every form in which they occur."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_core.errors import UnreadableFile
from nexus_core.formats.complexity_report import parse, slug, tag_of

PLACEHOLDER = "Automatically added due to missing analysis in AI response."


def report(*rows, **more):
    """The bytes of a report, written as Taskmaster writes it."""
    return json.dumps({"meta": {"thresholdScore": 5}, "complexityAnalysis": list(rows), **more}, indent="\t").encode()


def codes(parsed):
    return [warning.code for warning in parsed.warnings]


def test_a_row_says_task_title_score_and_reasoning():
    """And where it stands."""
    [row] = parse(report({"taskId": 3, "taskTitle": "Login", "complexityScore": 7, "reasoning": "OAuth"})).rows

    assert ("3", "Login", 7, "OAuth", "task 3, row 1, line 6") == (
        row.task, row.title, row.score, row.reasoning, row.place,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "task", "score", "reasoning"),
    [
        ({"id": 1, "complexity": 3, "subtaskCount": 2}, "1", 3, ""),
        ({"taskId": "4", "complexityScore": 6, "complexityReasoning": "r"}, "4", 6, "r"),
        ({"taskId": 1, "complexityScore": 6.5}, "1", 7, ""),
        ({"taskId": 1, "complexityScore": 6.49}, "1", 6, ""),
        ({"taskId": 1, "complexityScore": "8"}, "1", 8, ""),
        ({"taskId": "ham1", "complexityScore": 1}, "HAM-1", 1, ""),
        ({"taskId": 1, "title": "T", "complexityScore": 10, "reasoning": None}, "1", 10, ""),
    ],
)
def test_the_forms_of_a_row(row, task, score, reasoning):
    """Old names, ids and numbers as text, fractions: halves go up."""
    [found] = parse(report(row)).rows

    assert (task, score, reasoning) == (found.task, found.score, found.reasoning)


def test_a_filled_in_row_is_no_score():
    """Whichever of the two names its reasoning has, and even when the task has a real score beside it."""
    parsed = parse(report(
        {"id": 1, "complexity": 3, "subtaskCount": 2},
        {"taskId": 1, "complexityScore": 5, "reasoning": PLACEHOLDER},
        {"taskId": 2, "complexityScore": 5, "complexityReasoning": PLACEHOLDER},
    ))  # fmt: skip

    assert [("1", 3)] == [(row.task, row.score) for row in parsed.rows]
    assert (2, ["unscored", "unscored"]) == (parsed.unscored, codes(parsed))
    assert "task 2, row 3, line 16" == parsed.warnings[1].place


def test_a_report_of_nothing_but_filled_in_rows_is_read():
    """It has no score, which is no fault of the file."""
    parsed = parse(report({"taskId": 1, "complexityScore": 5, "reasoning": PLACEHOLDER}))

    assert ((), 1) == (parsed.rows, parsed.unscored)
    assert () == parse(report()).rows


def test_of_several_scores_the_last_counts():
    """The other is told of."""
    parsed = parse(report({"taskId": 1, "complexityScore": 2}, {"taskId": 1, "complexityScore": 9}))

    assert [9] == [row.score for row in parsed.rows]
    assert [("duplicate_row", "the later one counts, 9")] == [(one.code, one.done) for one in parsed.warnings]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("7", "not_a_row"),
        ({"complexityScore": 7}, "missing_id"),
        ({"taskId": None, "complexityScore": 7}, "missing_id"),
        ({"taskId": 2}, "odd_complexity"),
        ({"taskId": 2, "complexityScore": 11}, "odd_complexity"),
        ({"taskId": 2, "complexityScore": 0.4}, "odd_complexity"),
        ({"taskId": 2, "complexityScore": True}, "odd_complexity"),
        ({"taskId": 2, "complexityScore": "high"}, "odd_complexity"),
        ({"taskId": 2, "complexityScore": 10**400}, "odd_complexity"),
        ({"taskId": 2, "complexityScore": "nan"}, "odd_complexity"),
    ],
)
def test_an_odd_row_is_left_out_and_named(row, code):
    """The others come in."""
    parsed = parse(report({"taskId": 1, "complexityScore": 4}, row))

    assert (["1"], [code]) == ([one.task for one in parsed.rows], codes(parsed))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (report({"taskId": 1, "complexityScore": 4})[:-9], 8),
        (b'{\n"complexityAnalysis": {"1": 4}}', 2),
        (b'{\n\n"complexityAnalysis": [{"task": 1, "score": 4}]}', 3),
        (b'{"complexityAnalysis": [\n<<<<<<< HEAD\n{"taskId": 1}]}', 2),
    ],
)
def test_a_broken_report_is_refused_with_its_line(content, line):
    """Cut off, of another shape, without one usable row, in conflict."""
    with pytest.raises(UnreadableFile) as caught:
        parse(content)

    assert line == caught.value.details["line"]


@pytest.mark.parametrize(
    "content",
    [
        b'{"tasks": [{"id": 1, "title": "T"}]}',
        json.dumps({"tasks": [{"id": 1, "title": "T", "details": 'write "complexityAnalysis"'}]}).encode(),
        json.dumps({"tasks": [{"id": 1, "title": "T", "complexityAnalysis": []}]}).encode(),
        b"[]",
        b"{",
        b"",
    ],
)
def test_what_is_no_report_is_left_to_others(content):
    """A task file may speak of reports."""
    assert parse(content) is None


@pytest.mark.parametrize(
    ("path", "tags", "expected"),
    [
        ("task-complexity-report.json", ["master", "x"], "master"),
        ("scripts/task-complexity-report.json", ["x"], "x"),
        ("task-complexity-report.json", ["x", "y"], None),
        ("task-complexity-report.json", [], None),
        (".taskmaster/reports/task-complexity-report_x.json", ["master", "x"], "x"),
        ("task-complexity-report_feature-login.json", ["feature/Login", "master"], "feature/Login"),
        ("task-complexity-report_feature_login.json", ["feature_login", "master"], "feature_login"),
        ("task-complexity-report_a-b.json", ["a b", "a/b"], None),
        ("task-complexity-report_a-b.json", ["a b", "a-b"], "a-b"),
        ("task-complexity-report_gone.json", ["master"], None),
        ("owner__repo__taskmaster_reports_task-complexity-report_loop.json", ["master", "loop"], "loop"),
    ],
)
def test_the_file_name_says_the_tag(path, tags, expected):
    """As it is, or in letters that suit a file name; never by guess."""
    assert expected == tag_of(path, tags)


def test_a_slug_is_taskmasters():
    """Other letters become hyphens, none at the ends, none twice, small, 50 at most."""
    assert "feature-x-y_z" == slug("--Feature/X  Y_z!")
    assert 50 == len(slug("a" * 99))


ROW = st.dictionaries(
    st.sampled_from(["taskId", "id", "complexityScore", "complexity", "reasoning", "taskTitle"]),
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.just([]),
)


@given(st.lists(ROW | st.integers(), max_size=5))
def test_whatever_stands_in_the_rows_is_read_or_refused(rows):
    """No other error, and each row of the answer is a score for one task."""
    try:
        parsed = parse(report(*rows))
    except UnreadableFile:
        return
    tasks = [row.task for row in parsed.rows]

    assert len(set(tasks)) == len(tasks)
    assert all(1 <= row.score <= 10 for row in parsed.rows)
