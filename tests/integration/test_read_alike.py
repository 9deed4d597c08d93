"""GitHub's payloads are read by orjson in the server and perhaps by the standard library elsewhere: alike."""

import sys

import orjson
import pytest

from nexus_core.errors import Invalid
from nexus_plugin_github.reading import payload_of

ODD = [
    '{"a": "\\ud800"}', '{"a": 123456789012345678901234567890}', '{"a": 1, "a": 2}', '{"a": "x\\u0000y"}',
    '{"a": 1e400}', "{" * 5, '{"a": NaN}', '{"a": ' + "[" * 2000 + "]" * 2000 + "}", '{"é": "😀"}', "", "[]",
    '{"a": -Infinity}', "\ufeff{}",
]  # fmt: skip


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_one_takes_what_the_other_takes(text, monkeypatch):
    """Where orjson refuses, the standard library has the last word."""
    found = []
    for module in (orjson, None):
        monkeypatch.setitem(sys.modules, "orjson", module)
        try:
            found.append(sorted(payload_of(text.encode())))
        except Invalid as error:
            found.append(error.message)

    assert found[0] == found[1]
