"""Reading what GitHub sends without trusting its shape: an odd value becomes an empty one, never an error."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import parse_qs

from nexus_core.clock import from_text
from nexus_core.errors import Invalid

REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}", re.ASCII)
_LARGEST_ID = 2**63 - 1


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def payload_of(body: bytes, content_type: str = "") -> dict[str, Any]:
    """The JSON object in a webhook's body, or in its form field `payload` (the other way GitHub can send it).

    :raises Invalid: there is none
    """
    try:
        document = body.decode("utf-8")
        if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            document = parse_qs(document, strict_parsing=True, max_num_fields=20)["payload"][0]
        found = _loads(document)
    except (ValueError, KeyError, RecursionError):
        raise Invalid("the body is not JSON as GitHub sends it") from None
    if not isinstance(found, dict):
        raise Invalid("the body is not a JSON object")
    return found


def _loads(document: str) -> Any:
    """The value of a JSON document. :raises ValueError: it is none

    orjson reads it where it is loaded, as in the server, in a fifth of the time; where it refuses what GitHub may well
    send (half a character, a large number), the standard library has the last word.
    """
    orjson = sys.modules.get("orjson")
    if orjson is not None:
        try:
            return orjson.loads(document)
        except ValueError:
            pass
    return json.loads(document, parse_constant=_no_constant)


def table(value: Any, *keys: str) -> Mapping[str, Any]:
    """The object at these keys, or an empty one.

    >>> table({"a": {"b": {"c": 1}}}, "a", "b"), table({"a": None}, "a", "b")
    ({'c': 1}, {})
    """
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list, or none."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    r"""The text, without what no database stores (NUL, lone surrogates); empty when it is none.

    >>> text("a\x00b"), text(None), text("\ud800")
    ('ab', '', '?')
    """
    if not isinstance(value, str):
        return ""
    return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def whole(value: Any) -> int | None:
    """A positive whole number that fits a database, or None."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST_ID:
        return value
    return None


def instant(value: Any) -> datetime | None:
    """The instant that a text names, or seconds since 1970 (which GitHub says of installations); None: it is none.

    >>> instant("2026-01-31T12:00:00Z") == instant(1769860800), instant("soon")
    (True, None)
    """
    try:
        if (seconds := whole(value)) is not None:
            return datetime.fromtimestamp(seconds, UTC)
        return from_text(text(value)).astimezone(UTC) if value else None
    except (ValueError, OverflowError, OSError):
        return None


def login(value: Any) -> str:
    """The name of an account; empty for a deleted one."""
    return text(table(value).get("login"))


def account_id(value: Any) -> str:
    """GitHub's own id of an account, which never changes hands; empty for a deleted one."""
    return str(whole(table(value).get("id")) or "")


def repository_name(payload: Mapping[str, Any]) -> str:
    """The `owner/name` that a payload is about, or an empty text."""
    name = text(table(payload, "repository").get("full_name"))
    return name if REPOSITORY.fullmatch(name) else ""


def repository_id(payload: Mapping[str, Any]) -> str | None:
    """GitHub's own id of the repository, which survives a rename."""
    number = whole(table(payload, "repository").get("id"))
    return str(number) if number else None
