"""Pages of tasks: which statement lists them, with which parameters, and the cursor behind the last."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

import attrs

from ..clock import to_text
from ..domain.tasks import Priority
from ..errors import Conflict, Invalid
from ..ports.queries import TASK_CURSOR, ShownPage, TaskQuery, Visible
from . import rows
from .session import Row, SqlSession

Found = tuple[Sequence[Row], str | None]
"""The rows of a page, and the cursor behind them."""


def order_of(row: Row) -> tuple[int, int, int, int]:
    """Sorts rows as `ORDER BY priority_rank, impact DESC, complexity_order, id` does."""
    scores = (row["complexity_manual"], row["complexity_auto"], 5)
    complexity = next(score for score in scores if score is not None)
    return (Priority(row["priority"]).rank, -row["impact"], complexity, row["id"])


@attrs.frozen
class Sort:
    """An order of tasks: the statements that list them so, as rows and as JSON, and what a cursor says of the last."""

    lists: str
    shows: str
    cursor: Callable[[Row], list[int]]


def _id(row: Row) -> list[int]:
    return [row["id"]]


def _updated(row: Row) -> list[int]:
    return [row["id"], (rows.at(row["updated_at"]) - _EPOCH) // _MICROSECOND]


def _order(row: Row) -> list[int]:
    rank, impact, complexity, task_id = order_of(row)
    return [task_id, rank, -impact, complexity]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CURSOR = re.compile(TASK_CURSOR)
SORTS = {
    "id": Sort("list_tasks_by_id", "show_tasks_by_id", _id),
    "-id": Sort("list_tasks_by_id_desc", "show_tasks_by_id_desc", _id),
    "-updated_at": Sort("list_tasks_by_updated_desc", "show_tasks_by_updated_desc", _updated),
    "order": Sort("list_tasks_by_order", "show_tasks_by_order", _order),
}
_READY = {
    "id": Sort("page_ready_by_id", "show_ready_by_id", _id),
    "order": Sort("page_ready_by_order", "show_ready_by_order", _order),
}
"""How ready tasks alone are listed: a small part of the table, which has indexes of its own."""
_HERE = {
    "id": Sort("page_ready_by_id", "show_ready_by_id", _id),
    "order": Sort("page_ready_by_order_here", "show_ready_by_order_here", _order),
}
"""And those of one repository."""
_KEYS: dict[str, Callable[[Row], Any]] = {"id": itemgetter("id"), "order": order_of}


def find(session: SqlSession, query: TaskQuery, *, repository_id: int | None, visible: Visible, now: datetime) -> Found:
    """The rows of a page.

    :raises Invalid: the sort or the cursor makes no sense
    """
    sort, parameters = _asked(query, repository_id, visible, now)
    places = _places(query, parameters)
    if places is None:
        found = session.all(_sort(query, None).lists, **parameters)
    else:
        # Each repository's ready tasks have an index of their own, in their order.
        every = [row for place in places for row in _of(session, _sort(query, place).lists, parameters, place)]
        found = sorted(every, key=_KEYS[query.sort])[: parameters["limit"]]
    page = found[: query.limit]
    return page, _text(query.sort, sort.cursor(page[-1])) if len(found) > query.limit else None


def show(
    session: SqlSession, query: TaskQuery, *, repository_id: int | None, visible: Visible, prefix: str, now: datetime
) -> ShownPage | None:
    """A page as JSON that the database makes; None where it takes several statements, whose rows must be merged.

    :raises Invalid: the sort or the cursor makes no sense
    """
    sort, parameters = _asked(query, repository_id, visible, now)
    places = _places(query, parameters)
    if places is not None and len(places) != 1:
        return None
    place = None if places is None else places[0]
    statement = _sort(query, place).shows
    found = _of(session, statement, {**parameters, "prefix": prefix, "most": query.limit}, place)[0]
    more = found["number"] > query.limit
    return ShownPage(
        items=f"[{found['items'] or ''}]", next_cursor=_text(query.sort, sort.cursor(found)) if more else None
    )


def _asked(query: TaskQuery, repository_id: int | None, visible: Visible, now: datetime) -> tuple[Sort, dict[str, Any]]:
    """The order, and all parameters: one row more than is wanted is read, to see whether there are more."""
    if query.sort not in SORTS:
        raise Invalid(f"cannot sort by “{query.sort}”; choose from {', '.join(SORTS)}")
    sort = SORTS[query.sort]
    more = {"now": to_text(now), "limit": query.limit + 1}
    return sort, {**_filters(query, repository_id, visible), **_after(query), **more}


def _places(query: TaskQuery, parameters: Mapping[str, Any]) -> Sequence[int] | None:
    """The repositories whose ready tasks are listed one by one; None when one statement lists all that is asked for."""
    if not query.ready or query.sort not in _READY:
        return None
    here = parameters["repository_id"]
    found: Sequence[int] | None = parameters["visible"] if here is None else (here,)
    return found


def _sort(query: TaskQuery, place: int | None) -> Sort:
    if not query.ready or query.sort not in _READY:
        return SORTS[query.sort]
    return (_READY if place is None else _HERE)[query.sort]


def _of(session: SqlSession, statement: str, parameters: Mapping[str, Any], place: int | None) -> Sequence[Row]:
    return session.all(statement, **(parameters if place is None else {**parameters, "repository_id": place}))


def _filters(query: TaskQuery, repository_id: int | None, visible: Visible) -> dict[str, Any]:
    """The parameters of the filters; those that are None filter nothing."""
    return {
        "visible": None if visible is None else tuple(sorted(visible)),
        "repository_id": repository_id,
        "parent_id": query.parent,
        "statuses": tuple(query.status) or None,
        "agent": query.agent,
        "label": None if query.label is None else f"%{rows.like(json.dumps(query.label, ensure_ascii=False))}%",
        "words": None if query.q is None else f"%{rows.like(query.q.lower())}%",
        "ready": query.ready,
    }


def _text(sort: str, values: list[int]) -> str:
    return ".".join([sort, *map(str, values)])


def _after(query: TaskQuery) -> dict[str, Any]:
    """The parameters of the cursor; None before the first page."""
    names = ("after_id", "after_at") if query.sort == "-updated_at" else _AFTER
    values = [None] * len(names) if query.cursor is None else _values(query.cursor, query.sort)
    return dict(zip(names, [*values, *[None] * (len(names) - len(values))], strict=True))


_AFTER = ("after_id", "after_rank", "after_impact", "after_complexity")


def _values(cursor: str, wanted: str) -> list[Any]:
    if not _CURSOR.fullmatch(cursor):
        raise Invalid("the cursor is not one that this list gave; begin again without it")
    sort, *texts = cursor.split(".")
    if sort != wanted:
        raise Conflict(f"the cursor is of the tasks sorted by {sort}; begin again without it")
    values: list[Any] = [int(text) for text in texts]
    if sort == "-updated_at":
        values[1] = to_text(_EPOCH + values[1] * _MICROSECOND)
    if sort == "order":
        values[2] = -values[2]
    return values
