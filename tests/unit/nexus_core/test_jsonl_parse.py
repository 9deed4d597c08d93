"""JSON Lines, read: what a line says, how it is named, and what is refused with its place."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_core.domain.tasks import Priority, Status
from nexus_core.errors import UnreadableFile
from nexus_core.formats.jsonl import parse, recognises


def lines(*texts, end="\n"):
    return end.join([*texts, ""]).encode()


def only(text):
    [task] = parse(text.encode()).tasks
    return task


def codes(*texts):
    return [warning.code for warning in parse(lines(*texts)).warnings]


def faults(*texts):
    with pytest.raises(UnreadableFile) as caught:
        parse(lines(*texts))
    return [tuple(fault) for fault in caught.value.faults]


def test_every_field_of_a_line():
    """As it stands there; what Nexus does not know is raw data."""
    task = only(
        '{"external_key": "login", "title": "Log in", "description": "d", "details": "D", "test_strategy": "t", '
        '"status": "in-progress", "priority": "high", "labels": ["auth", "web"], "complexity_auto": 4, '
        '"complexity_manual": 7, "dependencies": ["acme/web#cart", "NX-12"], "not_before": "2026-02-01T00:00:00Z", '
        '"estimate": {"hours": 3}, "raw_data": {"id": 3}}'
    )

    assert ("login", "Log in", "d", "D", "t") == (
        task.external_key, task.title, task.description, task.details, task.test_strategy,
    )  # fmt: skip
    assert (Status.IN_PROGRESS, Priority.HIGH, ("auth", "web")) == (task.status, task.priority, task.labels)
    assert (4, 7, datetime(2026, 2, 1, tzinfo=UTC)) == (
        task.complexity_auto, task.complexity_manual, task.not_before,
    )  # fmt: skip
    assert (("acme/web#cart", "NX-12"), {"id": 3, "estimate": {"hours": 3}}) == (task.references, task.raw_data)


def test_a_title_is_enough():
    """The key is made of it, the rest is not spoken of."""
    task = only('{"title": "Write the docs!"}')

    assert ("write-the-docs", {"title"}) == (task.external_key, task.said)
    assert ["missing_key"] == codes('{"title": "Write the docs!"}')


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"id": 7, "title": "A"}', "7"),
        ('{"id": " x ", "title": "A"}', "x"),
        ('{"external_key": null, "id": "x", "title": "A"}', "x"),
        ('{"external_key": "master:3.2", "id": 9, "title": "A"}', "master:3.2"),
    ],
)
def test_a_line_is_named_by_its_key_or_its_id(text, key):
    """A number or a text; the key goes before the id."""
    assert key == only(text).external_key


def test_dependencies_and_parents_name_lines_by_key_by_id_or_by_title():
    """In any order of the lines; numbers and texts alike."""
    found = parse(
        lines(
            '{"external_key": "c", "title": "C", "dependencies": ["a", 2, "write-it"], "parent_id": "4"}',
            '{"external_key": "a", "title": "A"}',
            '{"external_key": "b", "id": 2, "title": "B"}',
            '{"title": "Write it"}',
            '{"external_key": "d", "id": 4, "title": "D"}',
        )
    ).tasks

    assert ["d", "c", "a", "b", "write-it"] == [task.external_key for task in found]
    assert (("a", "b", "write-it"), "d") == (found[1].dependencies, found[1].parent_key)


def test_what_is_no_line_of_the_file_is_left_to_the_hub():
    """Names of other tasks, and the parent when it is elsewhere."""
    task = only('{"title": "A", "parent": "master:1", "dependencies": ["NX-1", 3]}')

    assert ("master:1", ("NX-1", "3"), ()) == (task.parent_key, task.references, task.dependencies)


@pytest.mark.parametrize(
    ("complexities", "auto", "manual"),
    [
        ('"complexity": 5', 5, None),
        ('"complexity": 5.5', 6, None),
        ('"complexity": 7, "complexity_auto": 6, "complexity_manual": 7', 6, 7),
        ('"complexity": null, "complexity_auto": null', None, None),
    ],
)
def test_a_complexity_alone_is_the_estimate(complexities, auto, manual):
    """As in Taskmaster's files; in the API's own documents it is the effective one."""
    task = only(f'{{"title": "A", {complexities}}}')

    assert (auto, manual) == (task.complexity_auto, task.complexity_manual)


@pytest.mark.parametrize("word", ["completed", "DONE", "Done"])
def test_words_are_read_as_people_write_them(word):
    """Whatever the case, and Taskmaster's alias."""
    assert Status.DONE is only(f'{{"title": "A", "status": "{word}"}}').status


def test_null_says_nothing_except_where_there_can_be_nothing():
    """No parent, no complexity by hand, no parking: these can be said. No status cannot."""
    fields = ("status", "priority", "labels", "description", "dependencies", "complexity_auto")
    said = only('{"title": "A", ' + ", ".join(f'"{name}": null' for name in fields) + "}").said
    taken = only('{"title": "A", "parent": null, "complexity_manual": null, "not_before": null}').said

    assert ({"title"}, {"title", "parent", "complexity_manual", "not_before"}) == (said, taken)


def test_empty_lines_any_line_end_and_a_byte_order_mark_are_tolerated():
    """And a last line that does not end."""
    content = b'\xef\xbb\xbf\r\n  {"title": "A"}  \r\n\r\n\t\n{"title": "B"}'

    assert ["a", "b"] == [task.external_key for task in parse(content).tasks]
    assert () == parse(b"").tasks == parse(b"\n \n").tasks


@pytest.mark.parametrize(
    ("second", "at", "said"),
    [
        ('{"title": "B",}', "}", "there is a comma too many before this"),
        ('{"title": "B"', "{", "what begins here does not end on its line; each task is one line"),
        ('{"title": "B"} {"title": "C"}', '{"title": "C"}', "something follows the task on its line"),
        ('["B"]', "[", "a line is one task"),
        ("B", "B", "a value should stand here, not “B”"),
        ('{"description": "B"}', "{", "the task has no title"),
        ('{"title": " "}', '" "', "the title is empty"),
        ('{"title": null}', "null", "the title is empty"),
        ('{"title": 5}', "5", "title must be a text, not a number"),
        ('{"title": "B", "status": "opne"}', '"opne"', "there is no status “opne”; there are pending, in-progress,"),
        ('{"title": "B", "priority": 1}', "1", "priority must be a text, not a number"),
        ('{"title": "B", "labels": "x"}', '"x"', "labels must be a list, not a text"),
        ('{"title": "B", "labels": [1]}', "[1]", "labels must be a list of texts"),
        ('{"title": "B", "dependencies": "a"}', '"a"', "dependencies must be a list, not a text"),
        ('{"title": "B", "dependencies": [1.5]}', "[1.5]", "dependencies must be a list of keys"),
        ('{"title": "B", "complexity": 11}', "11", "complexity must be 1 to 10"),
        ('{"title": "B", "complexity_manual": true}', "true", "complexity_manual must be a number, not true or false"),
        ('{"title": "B", "not_before": "soon"}', '"soon"', "not_before must be a time such as 2026-01-31T12:00:00Z"),
        ('{"title": "B", "external_key": ""}', '""', "external_key must have 1 to 300 characters"),
        ('{"title": "B", "raw_data": []}', "[]", "raw_data must be an object, not a list"),
        ('{"title": "B\\x"}', "\\x", "this escape is not one of JSON's"),
    ],
)
def test_a_broken_line_is_refused_with_its_place_and_reason(second, at, said):
    """The line, the column, and what is wrong there."""
    [(pointer, message)] = faults('{"title": "A"}', second, '{"title": "C"}')
    place, _, reason = message.partition(": ")

    assert ("line 2", f"column {second.index(at) + 1}", said) == (pointer, place, reason[: len(said)])


def test_all_broken_lines_are_told_at_once():
    """The message tells the first one and where the others are."""
    with pytest.raises(UnreadableFile, match=r"^line 1, column 11: title must be .* And 2 more: line 3, line 4\.$"):
        parse(lines('{"title": 1}', '{"title": "B"}', '{"title": 3}', '{"status": "x", "title": "D"}'))


def test_conflict_markers_are_named_for_what_they_are():
    """Not as broken lines."""
    with pytest.raises(UnreadableFile, match="an unresolved merge conflict"):
        parse(lines('{"title": "A"}', "<<<<<<< HEAD", '{"title": "B"}', "=======", '{"title": "C"}', ">>>>>>> x"))


def test_a_pretty_printed_object_is_not_taken_for_lines():
    """Its first line says what is wrong."""
    assert ("line 1", "column 1: what begins here does not end on its line; each task is one line") == faults(
        "{", '  "title": "A"', "}"
    )[0]


def test_duplicates_are_named():
    """The same line counts once; another task with the key is one of its own."""
    texts = ('{"id": "a", "title": "A"}', '{"title": "A", "id": "a"}', '{"id": "a", "title": "Other"}')
    found = parse(lines(*texts))

    assert ["a", "a#2"] == [task.external_key for task in found.tasks]
    assert [("line 2", "repeated_line"), ("line 3 / external_key", "duplicate_key")] == [
        (warning.place, warning.code) for warning in found.warnings
    ]


def test_a_key_that_is_said_goes_before_one_made_of_a_title():
    """Wherever it stands."""
    keys = {task.title: task.external_key for task in parse(lines('{"title": "A"}', '{"id": "a", "title": "B"}')).tasks}

    assert {"A": "a-2", "B": "a"} == keys


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        (('{"id": 1, "title": "A", "dependencies": [1]}',), "self_dependency"),
        (('{"id": 1, "title": "A"}', '{"id": 2, "title": "B", "parent": 1, "dependencies": [1]}'), "parent_dependency"),
        (('{"id": 1, "title": "A", "dependencies": [2]}', '{"id":2, "title": "B", "parent":1}'), "subtask_dependency"),
        (('{"id": 1, "title": "A"}', '{"id": 2, "title": "B", "dependencies": [1, "1"]}'), "duplicate_dependency"),
        (('{"id": 1, "title": "A", "parent": 2}', '{"id": 2, "title": "B", "parent": 1}'), "parent_loop"),
        (('{"id": 1, "title": "A", "x": 1, "x": 2}',), "duplicate_name"),
        (('{"id": 1, "title": "A\\u0000"}',), "unstorable_text"),
    ],
)  # fmt: skip
def test_oddities_are_named_and_the_rest_is_read(texts, code):
    """Each with one warning."""
    assert [code] == codes(*texts)
    assert len(texts) == len(parse(lines(*texts)).tasks)


@pytest.mark.parametrize(
    ("content", "is_it"),
    [
        (b'{"title": "A"}\n{"title": "B"}\n', True),
        (b'\xef\xbb\xbf\n\n{"title": "A", "x": {}}', True),
        (b'{"tasks": [{"id": 1, "title": "A"}]}', False),
        (b'{"tasks": [{"id": 1, "title": "A"}], "title": "A project"}', False),
        (b'{\n  "title": "A"\n}', False),
        (b'[{"title": "A"}]', False),
        (b"title,status\nA,done\n", False),
        (b"", False),
        (b"\xff\xfe{", False),
    ],
)
def test_the_format_is_recognised_by_its_first_line(content, is_it):
    """An object of its own with a title; Taskmaster's files on one line are none."""
    assert is_it is recognises(content)


@given(st.lists(st.one_of(st.binary(max_size=30), st.sampled_from([b'{"title": "A"}', b"\n", b'{"id":', b'"a"}']))))
def test_nothing_but_a_refusal_comes_of_any_bytes(parts):
    """Tasks or an UnreadableFile, which names a line."""
    try:
        tasks = parse(b"".join(parts)).tasks
    except UnreadableFile as error:
        assert error.message.startswith("line ")
    else:
        assert all(task.title for task in tasks)
