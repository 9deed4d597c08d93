"""JSON, out and in: fast out, strict in."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

from nexus_core.errors import Fault, Invalid

MAX_DEPTH = 64


def encode(value: Any) -> bytes:
    """A JSON document in UTF-8.

    orjson makes it where it is loaded, as it is in the server: its import takes 8 ms, which the CLI need not spend on
    one document. It knows no number beyond 64 bits and no lone surrogate; the standard library writes those.
    """
    orjson = sys.modules.get("orjson")
    if orjson is not None:
        try:
            encoded: bytes = orjson.dumps(value)
            return encoded
        except TypeError:
            pass
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def decode(body: bytes) -> Any:
    """The value of a JSON document, read strictly.

    :raises Invalid: it is not JSON in UTF-8, is nested deeper than 64 levels, repeats a key, or holds a number or a
        text that cannot be kept (NaN, infinity, NUL, half a character)
    """
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant, parse_float=_float
        )
    except UnicodeDecodeError:
        raise Invalid("the body is not UTF-8") from None
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        raise Invalid(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except ValueError as error:  # such as a whole number of thousands of digits
        raise Invalid(f"the body is not JSON that can be kept: {error}") from None
    _check(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # the idiom for "seen before"
        raise Invalid("a key is given twice", faults=(Fault(f"/{_escape(twice)}", "is given twice"),))
    return found


def _constant(name: str) -> float:
    raise Invalid(f"{name} is not JSON")


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise Invalid(f"the number {text[:20]} is too large")
    return number


def _check(value: Any) -> None:
    """Refuse what is nested too deeply, and texts that no store can keep."""
    level: list[tuple[str, Any]] = [("", value)]
    for depth in range(MAX_DEPTH + 1):
        if depth == MAX_DEPTH and any(isinstance(inner, dict | list) for _, inner in level):
            raise _too_deep()
        level = [
            (f"{pointer}/{_escape(str(key))}", inner)
            for pointer, outer in level
            for key, inner in _children(pointer, outer)
        ]


def _children(pointer: str, value: Any) -> Any:
    if isinstance(value, dict):
        for key in value:
            _check_text(pointer, key)
        return value.items()
    if isinstance(value, list):
        return enumerate(value)
    if isinstance(value, str):
        _check_text(pointer, value)
    return ()


def _check_text(pointer: str, text: str) -> None:
    if "\0" in text or not _encodable(text):
        what = "the character NUL" if "\0" in text else "half a character"
        raise Invalid(f"a text contains {what}", faults=(Fault(pointer or "/", f"contains {what}"),))


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1").encode("utf-8", "replace").decode()


def _too_deep() -> Invalid:
    return Invalid(f"the body is nested deeper than {MAX_DEPTH} levels")
