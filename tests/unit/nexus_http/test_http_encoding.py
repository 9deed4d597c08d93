"""JSON out and in."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_core.errors import Invalid
from nexus_http.encoding import decode, encode

_TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(_JSON)
def test_what_is_written_is_read_again(value):
    """Every value that JSON has survives, numbers beyond 64 bits too."""
    assert value == decode(encode(value))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000, b'{"a":' * 100_000, b"[" * 65 + b"]" * 65, b'{"a":1,"a":2}', b"NaN", b"Infinity", b"-Infinity",
        b"1e400", b'"\\u0000"', b'{"a\\u0000b":1}', b'"\\ud800"', b"\xff\xfe", b"{", b"", b"1 2", b"9" * 5000,
        b"\xef\xbb\xbf{}",
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused(body):
    """Hostile and broken bodies are Invalid, never another error."""
    with pytest.raises(Invalid):
        decode(body)


def test_sixty_four_levels_are_fine():
    """The limit is where it says."""
    body = b"[" * 64 + b"]" * 64

    assert json.loads(body) == decode(body)


def test_a_nul_is_named_by_its_place():
    """The fault points at the text, by JSON pointer."""
    with pytest.raises(Invalid) as caught:
        decode(b'{"tasks": [{"a/b": "x\\u0000"}]}')

    assert ["/tasks/0/a~1b"] == [fault.pointer for fault in caught.value.faults]


def test_big_numbers_are_not_rounded():
    """A whole number that orjson does not know is written all the same."""
    assert orjson.__name__ == "orjson"
    assert b'{"n":123456789012345678901234567890}' == encode({"n": 123456789012345678901234567890})
