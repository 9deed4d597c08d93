"""Dependencies in Taskmaster's files, and what is likely a mistake."""

import json

import pytest

from nexus_core.formats.taskmaster import parse


def of(*tasks):
    """A flat file of tasks, parsed."""
    return parse(json.dumps({"tasks": list(tasks)}).encode())


def depends(parsed, key):
    """The dependencies of one task, without the tag."""
    (task,) = (task for task in parsed.tasks if task.external_key == f"master:{key}")
    return [other.removeprefix("master:") for other in task.dependencies]


def codes(parsed):
    """The codes of the warnings, in order."""
    return [warning.code for warning in parsed.warnings]


def family(dependencies, *, of_subtask):
    """Tasks 1 to 4; task 3 has the subtasks 1 and 2; one of them has the dependencies."""
    own = {"dependencies": dependencies}
    subtasks = [{"id": 1, "title": "x"}, {"id": 2, "title": "y", **(own if of_subtask else {})}]
    third = {"id": 3, "title": "C", "subtasks": subtasks}
    last = {"id": 4, "title": "D", **({} if of_subtask else own)}
    return of({"id": 1, "title": "A"}, {"id": 2, "title": "B"}, third, last)


@pytest.mark.parametrize(
    ("written", "expected"),
    [(2, ["2"]), ("2", ["2"]), (2.0, ["2"]), ("3.1", ["3.1"]), (3.1, ["3.1"]), (" 02", ["2"])],
)
def test_dependencies_of_a_task(written, expected):
    """On a task a bare number is a task, a dotted one a subtask, in any spelling."""
    parsed = family([written], of_subtask=False)

    assert (expected, []) == (depends(parsed, "4"), codes(parsed))


@pytest.mark.parametrize(
    ("written", "expected", "warnings"),
    [
        (1, ["3.1"], []),
        ("1", ["3.1"], []),
        ("3.1", ["3.1"], []),
        (3.1, ["3.1"], []),
        (4, ["4"], ["read_as_task"]),
        ("4", ["4"], ["read_as_task"]),
    ],
)
def test_dependencies_of_a_subtask(written, expected, warnings):
    """On a subtask a bare number is a sibling if there is one, else a task, which the report names."""
    parsed = family([written], of_subtask=True)

    assert (expected, warnings) == (depends(parsed, "3.2"), codes(parsed))


@pytest.mark.parametrize(
    ("written", "of_subtask", "code"),
    [
        (9, False, "dangling_dependency"),
        ("3.9", False, "dangling_dependency"),
        (9, True, "dangling_dependency"),
        ("HAM-1", False, "dangling_dependency"),
        (4, False, "self_dependency"),
        (2, True, "self_dependency"),
        ("3.2", True, "self_dependency"),
        (3, True, "parent_dependency"),
        (None, False, "odd_dependency"),
        ({"id": 1}, False, "odd_dependency"),
        (True, False, "odd_dependency"),
    ],
)
def test_dependencies_that_count_for_nothing(written, of_subtask, code):
    """They are named, stay in the raw data and do not block."""
    parsed = family([1, written], of_subtask=of_subtask)
    key = "3.2" if of_subtask else "4"

    assert (["3.1" if of_subtask else "1"], [code]) == (depends(parsed, key), codes(parsed))


def test_the_place_of_a_dependency():
    """The report leads to the element."""
    parsed = parse(b'{"tasks": [{"id": 3, "title": "A", "dependencies": [\n1,\n9]},\n{"id": 1, "title": "B"}]}')

    assert ["master / task 3 / dependencies[1], line 3"] == [warning.place for warning in parsed.warnings]


def test_a_task_may_not_depend_on_its_own_subtask():
    """It waits for its subtasks anyway, and they would wait for it."""
    parsed = of({"id": 1, "title": "A", "dependencies": ["1.1"], "subtasks": [{"id": 1, "title": "B"}]})

    assert ([], ["subtask_dependency"]) == (depends(parsed, "1"), codes(parsed))


def test_a_dependency_named_twice_counts_once():
    """However it is spelled."""
    parsed = family([1, "1", 2], of_subtask=False)

    assert (["1", "2"], ["duplicate_dependency"]) == (depends(parsed, "4"), codes(parsed))


@pytest.mark.parametrize(("written", "expected"), [(1, ["1"]), ("2", ["2"]), ("1, 2,", ["1", "2"])])
def test_dependencies_that_are_no_list(written, expected):
    """What a person wrote by hand is read as a person would."""
    parsed = family(written, of_subtask=False)

    assert (expected, ["odd_dependencies"]) == (depends(parsed, "4"), codes(parsed))


def test_ids_that_are_no_numbers():
    """Hosted storage has ids such as HAM-1, spelled in several ways; some teams have their own."""
    parsed = of(
        {"id": "HAM-1", "title": "A"},
        {
            "id": "CKA.5",
            "title": "B",
            "dependencies": ["ham1"],
            "subtasks": [{"id": "CKA.5.1", "title": "C"}],
        },
        {"id": 3, "title": "D", "dependencies": ["CKA.5", "CKA.5.1"]},
    )

    assert (["HAM-1"], ["CKA.5", "CKA.5.1"]) == (depends(parsed, "CKA.5"), depends(parsed, "3"))


def test_tags_do_not_depend_on_each_other():
    """Ids begin anew in every tag."""
    tasks = [{"id": 1, "title": "A"}, {"id": 2, "title": "B", "dependencies": [1]}]
    parsed = parse(json.dumps({"a": {"tasks": tasks}, "b": {"tasks": tasks[1:]}}).encode())

    assert [(), ("a:1",), ()] == [task.dependencies for task in parsed.tasks]


def test_cycles_are_left_in():
    """The importer names them, because it knows how to show a path."""
    parsed = of({"id": 1, "title": "A", "dependencies": [2]}, {"id": 2, "title": "B", "dependencies": [1]})

    assert (["2"], ["1"], []) == (depends(parsed, "1"), depends(parsed, "2"), codes(parsed))


@pytest.mark.parametrize(
    ("tasks", "code"),
    [
        (
            [{"id": 1, "title": "A", "status": "done", "subtasks": [{"id": 1, "title": "B"}]}],
            "done_with_open_subtasks",
        ),
        (
            [{"id": 1, "title": "A"}, {"id": 2, "title": "B", "status": "completed", "dependencies": [1]}],
            "done_before_dependency",
        ),
        (
            [{"id": 1, "title": "A", "status": "cancelled"}, {"id": 2, "title": "B", "dependencies": [1]}],
            "cancelled_dependency",
        ),
        (
            [{"id": 1, "title": "A", "status": "deferred"}, {"id": 2, "title": "B", "dependencies": [1]}],
            "deferred_dependency",
        ),
        (
            [{"id": 1, "title": "A", "subtasks": [{"id": 1, "title": "B", "parentId": "undefined"}]}],
            "undefined_parent",
        ),
        ([{"id": 1, "title": "A"}, {"id": "2", "title": "B"}], "mixed_id_types"),
        ([{"id": 1, "title": "A", "recommendedSubtasks": 3}], "report_data"),
        (
            [{"id": 1, "title": "A", "dependencies": []}, {"id": 2, "title": "B", "depends_on": [1]}],
            "foreign_dependencies",
        ),
    ],
)
def test_likely_mistakes_are_named(tasks, code):
    """What is well-formed and still odd is in the report."""
    assert [code] == codes(of(*tasks))


def test_a_sound_file_has_no_warnings():
    """The report is silent when there is nothing to say."""
    done = {"id": 1, "title": "A", "status": "done", "subtasks": [{"id": 1, "title": "B", "status": "done"}]}

    assert [] == codes(of(done, {"id": 2, "title": "C", "dependencies": [1, "1.1"]}))
