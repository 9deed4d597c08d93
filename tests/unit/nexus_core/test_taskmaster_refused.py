"""Files that are not imported: not JSON, not Taskmaster's, or with tasks that would get lost."""

import inspect
import json
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nexus_core.errors import UnreadableFile
from nexus_core.formats.taskmaster import parse

FIELDS = (
    "id",
    "title",
    "status",
    "dependencies",
    "subtasks",
    "priority",
    "tags",
    "details",
    "complexity",
    "x",
)
LEAF = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
    | st.sampled_from([1, 2, "1", "1.1", 1.1, "done", "completed", "master"])
)  # fmt: skip
ANY = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=3), inner),
    max_leaves=25,
)
TASKS = st.lists(st.dictionaries(st.sampled_from(FIELDS), ANY), max_size=4)
FILES = TASKS | st.dictionaries(
    st.sampled_from(["tasks", "master", "metadata", "a"]),
    TASKS | st.fixed_dictionaries({"tasks": TASKS}) | ANY,
)


def refused(data):
    """The error for a file that is refused."""
    with pytest.raises(UnreadableFile) as caught:
        parse(data if isinstance(data, bytes) else json.dumps(data, indent=1).encode())
    return caught.value


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({}, "there is no list of tasks in this file: it holds an object"),
        ("tasks", "there is no list of tasks in this file: it holds a text"),
        (3, "there is no list of tasks in this file: it holds a number"),
        (None, "there is no list of tasks in this file: it holds null"),
        ({"tasks": {"1": {"title": "A"}}}, "there is no list of tasks in this file: “tasks” is an object"),
        ({"master": {"tasks": None}}, "there is no list of tasks in this file: “tasks” is null"),
        ({"name": "x", "scripts": {}}, "in this file: at the top it has “name”, “scripts”. "),
        ({"tasks": ["buy milk"]}, "holds no task objects"),
        ({"tasks": [{}]}, "holds no task objects"),
        (
            {"version": "2.0.0", "tasks": [{"label": "build", "type": "shell"}]},
            "no title (the first has label, type)",
        ),
        (
            {"tasks": [{"id": 1, "task": "landing page", "agent": "dev"}]},
            "no title (the first has id, task, agent)",
        ),
        (
            {"tasks": [{"id": "a-1", "title": "A", "depends_on": ["a-0"]}]},
            "in “depends_on”, not in “dependencies”",
        ),
    ],
)
def test_files_of_other_tools(data, problem):
    """Other tools keep other things at the same path; the message says what is expected."""
    error = refused(data)

    assert problem in error.message
    assert 'Nexus imports Taskmaster\'s files: {"tasks": [{"id": 1, "title": …}]}' in error.message


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": {"tasks": [{"id": 1, "title": "A"}]},\n"a": {"tasks": [{"id": 2, "title": "B"}]}}',
        b'{"tasks": [{"id": 1, "title": "A"}],\n"tasks": [{"id": 2, "title": "B"}]}',
        b'{"tasks": [{"id": 1, "title": "A", "subtasks": [{"id": 1}],\n"subtasks": []}]}',
        b'{"tasks": [{"id": 1, "title": "A",\n"id": 2, "title": "B"}]}',
    ],
)
def test_a_merge_that_would_lose_tasks(content):
    """Where a name that stands twice would hide whole tasks, the file is refused."""
    assert "here and at line 2; tasks would be lost" in refused(content).message


def test_a_list_of_tasks_that_stands_twice():
    """Even where both are alike: the first change of one would make the other wrong."""
    error = refused(b'{"tasks": [{"id": 1, "title": "A"}],\n"tasks": [{"id": 1, "title": "A"}]}')

    assert "here and at line 2; one of the two would be ignored" in error.message


def test_a_harmless_repetition_is_no_reason():
    """Two empty lists lose nothing."""
    parsed = parse(b'{"tasks": [{"id": 1, "title": "A", "subtasks": [], "subtasks": []}]}')

    assert ["duplicate_key"] == [warning.code for warning in parsed.warnings]


def test_the_fault_names_the_line():
    """A program reads the line from the fault, a person from the message."""
    error = refused(b'{"tasks": [\n  {"id": 1}\n  {"id": 2}\n]}')

    assert [("line 3", "column 3: a comma is missing before this")] == [tuple(fault) for fault in error.faults]
    assert "line 3, column 3: a comma is missing before this. Correct it and import again" in error.message


@pytest.mark.parametrize("opening", [b"[", b'{"tasks":[', b'{"a":', b'[{"id":1,"title":"A","subtasks":'])
def test_deep_nesting_is_refused(opening):
    """However deep, it is the same error."""
    assert "nested deeper than" in refused(opening * 100_000).message


def test_a_caller_with_little_stack_left():
    """It gets the same error."""
    content = b'{"tasks": ' + b"[" * 90 + b"]" * 90 + b"}"

    def call(depth):
        return call(depth - 1) if depth else refused(content)

    spent = len(inspect.stack())
    assert "nested too deeply" in call(sys.getrecursionlimit() - spent - 100).message


def _only_unreadable(content):
    try:
        parsed = parse(content)
    except UnreadableFile:
        return
    keys = [task.external_key for task in parsed.tasks]
    text = json.dumps([(task.title, task.details, dict(task.raw_data)) for task in parsed.tasks], allow_nan=False)

    assert sorted(set(keys)) == sorted(keys)
    assert {*(task.parent_key for task in parsed.tasks)} - {None} <= set(keys)
    assert {key for task in parsed.tasks for key in task.dependencies} <= set(keys)
    assert "\\u0000" not in text


@settings(deadline=None)  # the machine may be busy
@given(st.binary(max_size=60))
@example(b"\xef\xbb\xbf")
@example(b"\xff\xfe{\x00}\x00")
def test_any_bytes(content):
    """Whatever comes in, it is read or it is UnreadableFile."""
    _only_unreadable(content)


@settings(deadline=None)  # the machine may be busy
@given(st.binary(max_size=30), st.integers(0, 200), st.integers(0, 20))
def test_damaged_files(noise, at, length):
    """A file with a hole or with noise in it is read or it is UnreadableFile."""
    whole = b'{"master": {"tasks": [{"id": 1, "title": "A", "dependencies": ["2"], "subtasks": [{"id": 1}]}]}}'
    _only_unreadable(whole[:at] + noise + whole[at + length :])


@settings(deadline=None)  # the machine may be busy
@given(FILES)
def test_any_json(data):
    """Whatever JSON comes in, keys are unique and lead somewhere, and the result can be stored."""
    _only_unreadable(json.dumps(data).encode())
