"""Cursors: the key of a page's last item, opaque to the caller."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from nexus_core.errors import Fault, Invalid

T = TypeVar("T")
_by_id: Callable[[Any], Any] = attrgetter("id")


def after_of(cursor: str | None) -> int:
    """The id that a cursor stands for; 0, before every id, without one.

    >>> after_of(cursor_of(12))
    12

    :raises Invalid: it is none of ours
    """
    key = 0 if cursor is None else _key_of(cursor)
    if not isinstance(key, int) or isinstance(key, bool) or not 0 <= key < 2**63:
        raise _refused()
    return key


def cursor_of(key: int | str) -> str:
    """The cursor behind an item with this key."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def next_after(items: Sequence[Any], limit: int) -> str | None:
    """The cursor behind a page that was read by id; None when the page is not full, so that it was the last."""
    return cursor_of(items[-1].id) if len(items) == limit else None


def part(
    items: Sequence[T], query: dict[str, Any], key: Callable[[T], int | str] = _by_id
) -> tuple[list[T], str | None]:
    """The page of a list that was read as a whole, and the cursor behind it.

    :raises Invalid: the cursor is none of ours
    """
    limit, cursor = query.get("limit", 50), query.get("cursor")
    rest = sorted(items, key=key)
    if cursor is not None:
        after = _key_of(cursor)
        if rest and not isinstance(after, type(key(rest[0]))):
            raise _refused()
        rest = [item for item in rest if key(item) > after]
    found = rest[:limit]
    return found, cursor_of(key(found[-1])) if len(rest) > limit else None


def _key_of(cursor: str) -> Any:
    try:
        return json.loads(base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True))
    except ValueError:
        raise _refused() from None


def _refused() -> Invalid:
    return Invalid("the query is not valid", faults=(Fault("?cursor", "is none that a list gave out"),))
