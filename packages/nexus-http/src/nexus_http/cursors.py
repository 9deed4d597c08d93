"""Cursors: the key of a page's last item. Callers hand them on as they are."""

from __future__ import annotations

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
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise Invalid("the query is not valid", faults=(Fault("?cursor", "is none that a list gave out"),))
    return int(cursor)


def cursor_of(key: int | str) -> str:
    """The cursor behind an item with this key."""
    return str(key)


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
        rest = [item for item in rest if _is_behind(key(item), cursor)]
    found = rest[:limit]
    return found, cursor_of(key(found[-1])) if len(rest) > limit else None


def _is_behind(key: Any, cursor: str) -> bool:
    """Whether an item comes after a cursor; one whose key is a text goes on behind any text."""
    return bool(key > (cursor if isinstance(key, str) else after_of(cursor)))
