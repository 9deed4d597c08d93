"""The JSON reader that knows where things stand."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus_core.errors import UnreadableFile
from nexus_core.formats.jsonscan import MAX_DEPTH, Scanner
from nexus_core.formats.jsontext import clean, read

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def cleaned(value):
    """The value as the reader gives it: without what no database stores."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [cleaned(part) for part in value]
    if isinstance(value, dict):
        return {clean(name): cleaned(part) for name, part in value.items()}
    return value


@settings(deadline=None)  # the machine may be busy
@given(JSON, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_reads_what_the_standard_library_writes(value, indent, ascii_only):
    """Any JSON value comes back equal, however it is spaced and escaped."""
    content = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "replace")

    assert cleaned(json.loads(content)) == read(content).root.value


@settings(deadline=None)  # the machine may be busy
@given(JSON)
def test_every_node_knows_its_source(value):
    """The text between a node's start and end is the value again."""
    file = read(json.dumps({"a": value}).encode())
    node = file.root.members[0].node

    assert node.value == read(file.source(node).encode()).root.value


def shape(node):
    """A node with all that is inside it, and where."""
    members = [(member.name, member.start, shape(member.node)) for member in node.members]
    return (node.kind, node.start, node.end, node.value, members, [shape(item) for item in node.items])


SPELLINGS = [
    "1.50",
    "-0",
    "1E2",
    '"\\u0041\\/"',
    '"\\\\u0000"',
    '{"\\u0061": 1, "b" : [ ]}',
    "[[[]], {}]",
    "9" * 299,
    "1e400",
]


@settings(deadline=None)  # the machine may be busy
@given(st.lists(JSON.map(json.dumps) | st.sampled_from(SPELLINGS)), st.sampled_from(["", " ", "\r\n\t"]))
def test_the_quick_way_finds_what_the_slow_one_finds(parts, gap):
    """A text without anything odd is read by the standard library; its parts stand where they stand."""
    text = f"{gap}[{gap}" + f"{gap},{gap}".join(parts) + f"{gap}]{gap}"

    assert shape(Scanner(text).document()) == shape(read(text.encode()).root)


@pytest.mark.parametrize("odd", ['{"a": 1, "a": 1}', '"\\u0000"', '"\\udead"', "[" * 99 + "]" * 99])
def test_the_slow_way_is_taken_where_the_quick_one_would_be_silent(odd):
    """Names that stand twice, texts that cannot be stored, nesting."""
    file = read(f"[{odd}]".encode())

    assert shape(Scanner(f"[{odd}]").document()) == shape(file.root)
    assert (len(file.repeated), len(file.altered)) == (odd.count('"a"') // 2, odd.count("u"))


@pytest.mark.parametrize(
    ("content", "place", "problem"),
    [
        (b"", (1, 1), "the file is empty"),
        (b" \n\t\n", (1, 1), "the file is empty"),
        (b'{\n "a": 1\n "b": 2\n}', (3, 2), "a comma is missing before this"),
        (b'[{"a": 1}\n{"a": 2}]', (2, 1), "a comma is missing before this"),
        (b'{"a": [1,\n 2,\n]}', (3, 1), "there is a comma too many before this"),
        (b'{"a": 1,\n}', (2, 1), "there is a comma too many before this"),
        (b'{"a": 1', (1, 8), "the file ends, but what line 1 opens is not closed"),
        (b'{"a":\n[1, 2', (2, 6), "the file ends, but what line 2 opens is not closed"),
        (b'{"a": "b', (1, 7), "the text that begins here does not end"),
        (b'{"a": "b\nc"}', (1, 9), "a line ends inside a text"),
        (b'{"a": "b\tc"}', (1, 9), "U+0009, which must be escaped"),
        (b'{"a": "\\q"}', (1, 8), "this escape is not one of JSON's"),
        (b"{'a': 1}", (1, 2), "straight double quotes"),
        (b"{// no\n}", (1, 2), "JSON has no comments"),
        (b'{"a" 1}', (1, 6), "a colon should stand here"),
        (b'{"a": NaN}', (1, 7), "a value should stand here, not “NaN”"),
        (b'{"a": -Infinity}', (1, 7), "a value should stand here, not “-Infinity”"),
        (b"{1: 2}", (1, 2), "a name in double quotes should stand here"),
        (b"{} {}", (1, 4), "something follows that does not belong to it"),
        (b'{"a": 01}', (1, 8), "a comma is missing before this"),
        (b"{\x00}", (1, 2), "there is a NUL byte"),
        (b'{\n"\xff": 1}', (2, 2), "the byte 0xff is not UTF-8"),
        ("{}".encode("utf-16"), (1, 1), "the file is in UTF-16"),
        (b"[" * (MAX_DEPTH + 1), (1, MAX_DEPTH + 1), "nested deeper than"),
    ],
)
def test_says_where_and_what_is_wrong(content, place, problem):
    """A fault is named with its line and column, in words."""
    with pytest.raises(UnreadableFile) as caught:
        read(content)

    assert place == (caught.value.details["line"], caught.value.details["column"])
    assert problem in caught.value.message


def test_a_question_ends_with_its_mark():
    """And the advice follows."""
    with pytest.raises(UnreadableFile, match=r"was the file cut off\? Correct it and import again"):
        read(b'{"a": 1')


def test_names_each_merge_conflict():
    """Conflict markers are told as such, each with its lines, rather than as the JSON fault that they cause."""
    content = b'{\n<<<<<<< HEAD\n"a": 1\n=======\n"a": 2\n>>>>>>> other\n,\n<<<<<<< HEAD\n"b": 1\n'

    with pytest.raises(UnreadableFile, match="the first of 2 unresolved merge conflicts") as caught:
        read(content)

    assert [
        ("line 2", "a merge conflict begins here (HEAD) and ends at line 6"),
        ("line 8", "a merge conflict begins here (HEAD)"),
    ] == [tuple(fault) for fault in caught.value.faults]


def test_of_many_merge_conflicts_the_first_are_named():
    """And how many there are."""
    with pytest.raises(UnreadableFile, match="the first of 23 unresolved merge conflicts") as caught:
        read(b"<<<<<<< HEAD\n" * 23)

    assert (21, ("line 21", "here begins the next of 3 more")) == (
        len(caught.value.faults), tuple(caught.value.faults[-1]),
    )  # fmt: skip


def test_names_that_stand_twice_are_noted():
    """Of a name that stands twice the last counts, and both places are kept."""
    file = read(b'{"a": 1,\n"b": {"c": 1, "c": 2},\n"a": 3}')

    assert {"a": 3, "b": {"c": 2}} == file.root.value
    assert [("c", 1, 2), ("a", 1, 3)] == [
        (again.lost.name, again.lost.node.value, again.kept.node.value) for again in file.repeated
    ]


def test_lines_are_counted_from_one():
    """A position is turned into its line, for both kinds of line end."""
    file = read(b"[1,\r\n2,\n3]")

    assert [1, 2, 3] == [file.line(item.start) for item in file.root.items]


def test_texts_lose_what_no_database_stores():
    """NUL and halves of surrogate pairs are taken out or replaced, and their places are noted."""
    file = read(rb'["a\u0000b", "\ud800", "\ud83d\ude00"]')

    assert ["ab", "\ufffd", "😀"] == file.root.value
    assert (1, 13) == file.altered


@pytest.mark.parametrize("source", ["9" * 5000, "1e999", "-1e999", "0." + "1" * 400])
def test_numbers_beyond_storage_stay_text(source):
    """A number that no database could hold is its spelling."""
    assert [source] == read(f"[{source}]".encode()).root.value


def test_byte_order_mark_is_remembered():
    """The mark is no part of the text, and is known for writing."""
    file = read(b"\xef\xbb\xbf{}")

    assert (True, "{}") == (file.bom, file.text)
