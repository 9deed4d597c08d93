"""What bodies and queries may carry."""

import pytest

from nexus_core.errors import Invalid
from nexus_http.fields import PAGE, Field, body_schema, check_body, check_query

FIELDS = (
    Field("title", required=True, max_length=5),
    Field("size", "number", minimum=1, maximum=10, nullable=True),
    Field("labels", "texts"),
    Field("color", choices=("red", "green")),
)


def _faults(call, *arguments):
    with pytest.raises(Invalid) as caught:
        call(*arguments)
    return {fault.pointer: fault.message for fault in caught.value.faults}


def test_every_fault_is_told_at_once():
    """A body with five faults gets five pointers."""
    faults = _faults(check_body, {"size": 11, "labels": [1], "color": "blue", "colour": "red"}, FIELDS)

    assert {"/title", "/size", "/labels", "/color", "/colour"} == set(faults)


@pytest.mark.parametrize("value", [[], "x", 1, None])
def test_a_body_is_an_object(value):
    """Anything else is refused."""
    assert {""} == set(_faults(check_body, value, FIELDS))


def test_true_is_no_number():
    """Python's bool is an int; JSON's true is not."""
    assert {"/size"} == set(_faults(check_body, {"title": "x", "size": True}, FIELDS))


def test_null_is_taken_where_it_means_something():
    """A nullable field keeps null apart from absence."""
    assert {"title": "x", "size": None} == check_body({"title": "x", "size": None}, FIELDS)


@pytest.mark.parametrize("text", ["0", "-1", "201", "1e9", "abc", "", "١٢", "9" * 30])
def test_limits_are_bounded(text):
    """A limit outside 1 to 200, or in other digits, is refused."""
    assert {"?limit"} == set(_faults(check_query, {"limit": [text]}, PAGE))


def test_a_list_is_given_by_repetition_or_commas():
    """Both ways mean the same."""
    found = check_query({"labels": ["a", "b,c"], "title": ["x"]}, FIELDS)

    assert {"labels": ["a", "b", "c"], "title": "x"} == found


def test_a_single_parameter_is_given_once():
    """Two values where one is meant are refused rather than one of them being picked."""
    assert {"?color": "expected once"} == _faults(check_query, {"color": ["red", "green"], "title": ["x"]}, FIELDS)


def test_an_unknown_parameter_is_named():
    """A misspelt filter must not list everything."""
    assert {"?statsu"} == set(_faults(check_query, {"statsu": ["done"]}, PAGE))


def test_the_schema_follows_the_fields():
    """OpenAPI and the reading come from the same declaration."""
    schema = body_schema(FIELDS)

    assert ["title"] == schema["required"]
    assert {"type": ["integer", "null"], "minimum": 1, "maximum": 10} == schema["properties"]["size"]


@pytest.mark.parametrize(("field", "given", "taken"), [
    (Field("n", "number"), 3.0, 3), (Field("n", "ids"), [3.0, 4], [3, 4]), (Field("n", "task"), 12.0, 12),
])  # fmt: skip
def test_a_whole_number_may_be_written_with_a_fraction_of_nothing(field, given, taken):
    """JSON has one kind of number: 3.0 is 3, and 3.5 is none."""
    assert (taken, int) == ((read := field.check(given)), type(read[0] if isinstance(read, list) else read))
    with pytest.raises(ValueError):
        field.check([3.5] if field.type == "ids" else 3.5)
