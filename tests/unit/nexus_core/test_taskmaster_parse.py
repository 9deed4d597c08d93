"""Reading Taskmaster's files: layouts, ids, fields."""

import json

import pytest

from nexus_core.domain.tasks import Priority, Status
from nexus_core.formats.taskmaster import location_candidates, parse


def of(*tasks):
    """A flat file of tasks, parsed."""
    return parse(json.dumps({"tasks": list(tasks)}).encode())


def one(**fields):
    """A file of one task, parsed: the task, and the codes of the warnings."""
    parsed = of({"id": 1, "title": "A", **fields})
    return parsed.tasks[0], [warning.code for warning in parsed.warnings]


def keys(parsed):
    """The external keys of a file."""
    return [task.external_key for task in parsed.tasks]


TASK = {"id": 1, "title": "A"}


@pytest.mark.parametrize(
    ("data", "layout", "expected"),
    [
        ({"tasks": [TASK]}, "flat", ["master:1"]),
        ({"tasks": []}, "flat", []),
        ({"tasks": [TASK], "metadata": {"version": "1"}}, "flat", ["master:1"]),
        ({"master": {"tasks": [TASK]}}, "tagged", ["master:1"]),
        ({"a": {"tasks": [TASK]}, "b": {"tasks": [TASK], "metadata": {}}}, "tagged", ["a:1", "b:1"]),
        ({"a": {"tasks": [TASK]}, "metadata": {"tasks": []}}, "tagged", ["a:1"]),
        ({"tasks": None, "a": {"tasks": [TASK]}}, "tagged", ["a:1"]),
        ({"tasks": [TASK], "a": {"tasks": [TASK]}}, "mixed", ["master:1", "a:1"]),
        ({"tasks": [TASK], "master": {"tasks": [TASK]}}, "mixed", ["root:1", "master:1"]),
        ([TASK], "list", ["master:1"]),
        ([], "list", []),
    ],
)
def test_layouts(data, layout, expected):
    """Every layout is recognised, and the keys carry the tag."""
    parsed = parse(json.dumps(data).encode())

    assert (layout, expected) == (parsed.layout, keys(parsed))


def test_a_mixed_file_is_named():
    """Taskmaster's own tools disagree about such a file, so the report says what was done."""
    parsed = parse(json.dumps({"tasks": [TASK], "a": {"tasks": [TASK]}}).encode())

    assert ["mixed_layout"] == [warning.code for warning in parsed.warnings]


def test_a_tag_without_a_list_is_named():
    """A tag whose tasks are no list is left out, beside tags that are right."""
    parsed = parse(json.dumps({"a": {"tasks": [TASK]}, "b": {"tasks": {}}}).encode())

    assert [("b, line 1", "odd_tag")] == [(warning.place, warning.code) for warning in parsed.warnings]


def test_tags_that_differ_in_spaces_only_are_kept_apart():
    """Each has its own tasks, and its own ids."""
    task = {"id": 1, "title": "A"}
    parsed = parse(json.dumps({"a": {"tasks": [task]}, " a": {"tasks": [task, {**task, "id": 2}]}}).encode())

    assert ["a:1", "a-2:1", "a-2:2"] == keys(parsed)
    assert [("a-2, line 1", "odd_tag")] == [(warning.place, warning.code) for warning in parsed.warnings]


def test_byte_order_mark_and_windows_line_ends():
    """Files of Windows editors are read."""
    parsed = parse(b'\xef\xbb\xbf{\r\n  "tasks": [\r\n    {"id": 1, "title": "\xc3\x84"}\r\n  ]\r\n}\r\n')

    assert ["Ä"] == [task.title for task in parsed.tasks]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("3", "master:3"),
        ('"3"', "master:3"),
        ('" 03 "', "master:3"),
        ("3.0", "master:3"),
        ("3.2", "master:3.2"),
        ("3e0", "master:3"),
        ('"HAM-1"', "master:HAM-1"),
        ('"ham1"', "master:HAM-1"),
        ('"task-001"', "master:task-001"),
        ("1773868547556", "master:1773868547556"),
        ("9" * 5000, "master:" + "9" * 100),
    ],
)
def test_ids_of_tasks(source, expected):
    """Numbers, texts and the ids of hosted storage are read alike."""
    parsed = parse(f'[{{"id": {source}, "title": "A", "dependencies": []}}]'.encode())

    assert [expected] == keys(parsed)


@pytest.mark.parametrize("source", ["2", '"2"', '"3.2"', "3.2", '"3-2"', "2.0"])
def test_ids_of_subtasks(source):
    """A subtask's id may be its number, or be written with its parent's."""
    parsed = parse(f'[{{"id": 3, "title": "A", "subtasks": [{{"id": {source}, "title": "B"}}]}}]'.encode())

    assert ["master:3", "master:3.2"] == keys(parsed)
    assert "master:3" == parsed.tasks[1].parent_key


def test_the_spelling_of_a_decimal_id_counts():
    """The number 3.10 is subtask ten, not subtask one."""
    parsed = parse(b'[{"id": 3, "title": "A", "subtasks": [{"id": 3.1}, {"id": 3.10, "dependencies": [3.1]}]}]')

    assert ["master:3", "master:3.1", "master:3.10"] == keys(parsed)
    assert ("master:3.1",) == parsed.tasks[2].dependencies


@pytest.mark.parametrize("missing", [{}, {"id": None}, {"id": ""}, {"id": []}, {"id": True}])
def test_a_task_without_an_id_is_kept(missing):
    """It gets a key from its place in the list."""
    parsed = of(TASK, {"title": "B", **missing})

    assert ["master:1", "master:#2"] == keys(parsed)
    assert ["missing_id"] == [warning.code for warning in parsed.warnings]


def test_a_second_task_with_the_same_id_is_kept():
    """It gets a key of its own, as do its subtasks, and a warning says so."""
    twice = {
        "id": 3,
        "title": "A",
        "subtasks": [{"id": 1, "title": "B"}, {"id": 2, "title": "C", "dependencies": [1]}],
    }
    parsed = of(twice, twice)

    expected = ["master:3", "master:3.1", "master:3.2", "master:3#2", "master:3#2.1", "master:3#2.2"]
    assert expected == keys(parsed)
    assert ("master:3#2.1",) == parsed.tasks[5].dependencies


def test_the_warning_of_a_duplicate_names_place_and_line():
    """A person finds the second task by the report alone."""
    parsed = parse(b'{"tasks": [\n{"id": 3, "title": "A"},\n{"id": 3, "title": "B"}\n]}')
    (warning,) = parsed.warnings

    assert ("master / task 3#2, line 3", "duplicate_id") == (warning.place, warning.code)
    assert "imported as master:3#2; dependencies on 3 mean the first" == warning.done


def test_subtasks_of_subtasks_are_kept():
    """Taskmaster knows one level; more are imported below one another and named."""
    parsed = of({"id": 3, "title": "A", "subtasks": [{"id": 2, "title": "B", "subtasks": [{"id": 1, "title": "C"}]}]})

    assert [None, "master:3", "master:3.2"] == [task.parent_key for task in parsed.tasks]
    assert ("master:3.2.1", ["nested_subtasks"]) == (
        keys(parsed)[2],
        [warning.code for warning in parsed.warnings],
    )


def test_what_is_no_task_is_skipped():
    """Elements of a list that are no objects are left out, with their place."""
    parsed = of(TASK, "B", None, 4)

    assert ["master:1"] == keys(parsed)
    assert ["not_a_task"] * 3 == [warning.code for warning in parsed.warnings]


@pytest.mark.parametrize("value", ["none", {}, 3])
def test_subtasks_that_are_no_list_stay_in_the_raw_data(value):
    """Nothing of a task gets lost, even if it cannot be read."""
    task, codes = one(subtasks=value)

    assert (value, ["odd_subtasks"]) == (task.raw_data["subtasks"], codes)


@pytest.mark.parametrize("word", ["pending", "in-progress", "review", "done", "blocked", "deferred", "cancelled"])
def test_statuses(word):
    """The words of Taskmaster are the words of Nexus, in any case."""
    assert (Status(word), []) == (one(status=f" {word.upper()}")[0].status, one(status=word)[1])


@pytest.mark.parametrize(
    ("value", "status", "codes"),
    [
        ("completed", Status.DONE, []),
        ("Completed", Status.DONE, []),
        (None, Status.PENDING, []),
        ("in_progress", Status.IN_PROGRESS, ["unusual_status"]),
        ("In Progress", Status.IN_PROGRESS, ["unusual_status"]),
        ("canceled", Status.CANCELLED, ["unusual_status"]),
        ("todo", Status.PENDING, ["unknown_status"]),
        ("", Status.PENDING, ["unknown_status"]),
        (7, Status.PENDING, ["unknown_status"]),
        (["done"], Status.PENDING, ["unknown_status"]),
    ],
)
def test_other_statuses(value, status, codes):
    """`completed` is done; what nobody knows is pending, with a warning, and stays in the raw data."""
    task, found = one(status=value)

    assert (status, codes, value) == (task.status, found, task.raw_data["status"])


@pytest.mark.parametrize(
    ("value", "priority", "codes"),
    [
        ("critical", Priority.CRITICAL, []),
        ("High", Priority.HIGH, []),
        ("low", Priority.LOW, []),
        (None, Priority.MEDIUM, []),
        ("P0", Priority.MEDIUM, ["unknown_priority"]),
        (1, Priority.MEDIUM, ["unknown_priority"]),
    ],
)
def test_priorities(value, priority, codes):
    """Four words in any case; what nobody knows is medium, with a warning."""
    task, found = one(priority=value)

    assert (priority, codes) == (task.priority, found)


def test_a_subtask_has_the_priority_of_its_parent():
    """So Taskmaster ranks it, unless it has one of its own."""
    parsed = of(
        {
            **TASK,
            "priority": "high",
            "subtasks": [{"id": 1, "title": "B"}, {"id": 2, "title": "C", "priority": "low"}],
        }
    )

    assert [Priority.HIGH, Priority.HIGH, Priority.LOW] == [task.priority for task in parsed.tasks]


def test_missing_fields():
    """An id and a title are enough."""
    task, codes = one()

    assert ("", "", "", (), (), None, []) == (
        task.description, task.details, task.test_strategy, task.labels, task.dependencies, task.complexity_auto, codes,
    )  # fmt: skip


def test_null_fields():
    """`null` is as good as missing."""
    names = (
        "description",
        "status",
        "priority",
        "details",
        "testStrategy",
        "dependencies",
        "subtasks",
        "tags",
    )
    task, codes = one(**dict.fromkeys(names))

    assert ("", "", Status.PENDING, []) == (task.description, task.details, task.status, codes)


@pytest.mark.parametrize(
    ("value", "expected", "codes"),
    [
        (["one", "two", 3], "one\ntwo\n3", []),
        (7, "7", []),
        (1.5, "1.5", []),
        ({"a": 1}, '{\n  "a": 1\n}', ["odd_text"]),
        (True, "true", ["odd_text"]),
    ],
)
def test_texts_that_are_no_texts(value, expected, codes):
    """Lists are joined by lines, numbers written out, the rest kept as JSON."""
    task, found = one(details=value)

    assert (expected, codes) == (task.details, found)


def test_test_strategy_under_either_name():
    """Some files write it with an underscore."""
    assert ["a", "b"] == [one(testStrategy="a")[0].test_strategy, one(test_strategy="b")[0].test_strategy]


@pytest.mark.parametrize(
    ("fields", "expected", "codes"),
    [
        ({"title": ""}, "Task 1", ["missing_title"]),
        ({"title": None, "description": "\n First line.\nSecond."}, "First line.", ["missing_title"]),
        ({"title": 7}, "7", ["odd_title"]),
        ({"title": ["a", "b"]}, "a\nb", ["odd_title"]),
        ({"title": "x" * 2000}, "x" * 2000, []),
        ({"title": "x" * 2001}, "x" * 2000, ["long_title"]),
    ],
)
def test_titles(fields, expected, codes):
    """A task always has a title."""
    task, found = one(**fields)

    assert (expected, codes) == (task.title, found)


@pytest.mark.parametrize(
    ("fields", "expected", "codes"),
    [
        ({"tags": ["a", "b", "a"]}, ("a", "b"), []),
        ({"labels": ["a"]}, ("a",), []),
        ({"tags": "a"}, ("a",), []),
        ({"tags": [1, " ", None]}, ("1",), ["odd_labels"]),
    ],
)
def test_labels(fields, expected, codes):
    """Labels come from `tags`, else from `labels`."""
    task, found = one(**fields)

    assert (expected, codes) == (task.labels, found)


@pytest.mark.parametrize(
    ("fields", "expected", "codes"),
    [
        ({"complexity": 7}, 7, []),
        ({"complexity": 6.5}, 7, []),
        ({"complexityScore": 4}, 4, []),
        ({"complexity": "moderate"}, None, []),
        ({"complexity": True}, None, []),
        ({"complexity": 11}, None, ["odd_complexity"]),
        ({"complexity": 10**400}, None, []),
        (
            {
                "complexity": 5,
                "complexityReasoning": "Automatically added due to missing analysis in AI response.",
            },
            None,
            ["report_data"],
        ),
    ],
)
def test_complexity(fields, expected, codes):
    """A score from 1 to 10 is the estimate; Taskmaster's stand-in for a missing analysis is not."""
    task, found = one(**fields)

    assert (expected, codes) == (task.complexity_auto, found)


def test_raw_data_is_the_object_as_it_was():
    """Unknown fields, odd types and the original words are kept, without the subtasks; it can be written as JSON."""
    raw = {
        "id": "1",
        "title": "A",
        "status": "Completed",
        "dependencies": ["x"],
        "extra": {"deep": [1.5, None, True]},
    }
    task = of({**raw, "subtasks": []}).tasks[0]

    assert raw == json.loads(json.dumps(task.raw_data, allow_nan=False))


def test_a_name_that_stands_twice_in_a_task():
    """The last one counts, as for Taskmaster, and the report names both lines."""
    parsed = parse(b'{"tasks": [{"id": 1, "title": "A",\n"status": "done",\n"status": "pending"}]}')
    (warning,) = parsed.warnings

    assert (Status.PENDING, "duplicate_key") == (parsed.tasks[0].status, warning.code)
    assert "“status” stands twice in one object (lines 2 and 3)" == warning.message


def test_a_name_that_stands_twice_elsewhere():
    """What belongs to no task is placed in the file."""
    parsed = parse(b'{"tasks": [{"id": 1, "title": "A"}],\n"metadata": {"a": 1, "a": 2}}')

    assert [("file, line 2", "duplicate_key")] == [(warning.place, warning.code) for warning in parsed.warnings]


def test_text_that_no_database_stores():
    """NUL is taken out of the fields and of the raw data, and the report says so."""
    task = parse(rb'{"tasks": [{"id": 1, "title": "A\u0000", "x\u0000": "\ud800"}]}')

    assert ("A", {"id": 1, "title": "A", "x": "\ufffd"}) == (task.tasks[0].title, task.tasks[0].raw_data)
    assert ["master / task 1, line 1"] == [warning.place for warning in task.warnings]


def test_texts_that_no_database_stores_are_told_once_a_task():
    """Where the first of them stands."""
    parsed = parse(b'[{"id": 1,\n"title": "a\\u0000", "details": "\\ud800"}, {"id": 2, "title": "B"}]')

    assert [("master / task 1, line 2", "2 texts hold a NUL or half a character, which no database can store")] == [
        (warning.place, warning.message) for warning in parsed.warnings
    ]


def test_a_flood_of_warnings_is_cut_off_with_its_number():
    """A file of a few megabytes could give more than memory holds; warnings of other kinds stay."""
    parsed = parse(json.dumps([{"id": 1, "title": "A", "dependencies": ["1", *range(2, 2000)]}, 7]).encode())
    said = [warning.code for warning in parsed.warnings]

    assert (1001, 1, 1) == tuple(map(said.count, ("dangling_dependency", "self_dependency", "not_a_task")))
    assert "there are 998 more of the kind dangling_dependency, which are not listed" == parsed.warnings[-1].message


def test_places_of_a_task_file():
    """The likeliest place comes first."""
    assert (".taskmaster/tasks/tasks.json", "tasks/tasks.json", "tasks.json") == location_candidates()
