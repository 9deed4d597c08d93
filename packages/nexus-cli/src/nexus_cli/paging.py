"""Lists: one page, or all pages as one document."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .session import Session
from .transport import Answer

if TYPE_CHECKING:
    from .screen import Screen

Render = Callable[["Screen", Any], None]


def pages(session: Session, read: Callable[[dict[str, Any]], Answer], render: Render, *, everything: bool) -> None:
    """Answer with a list; `read` takes what differs from page to page. With `everything`, all pages become one."""
    if everything:
        session.show_document({"items": all_of(session, read), "next_cursor": None}, render)
        return
    answer = read({})
    session.show(answer, render)
    if not session.as_json:
        _tell_of_more(session, session.document(answer))


def listed(session: Session, path: str, render: Render, *, everything: bool = False, **query: Any) -> None:
    """Answer with the list at a path."""
    pages(session, lambda page: session.call("GET", path, query={**query, **page}), render, everything=everything)


def all_of(session: Session, read: Callable[[dict[str, Any]], Answer]) -> list[Any]:
    """The items of all pages."""
    page = session.document(read({"limit": 200}))
    items = list(page["items"])
    while page["next_cursor"] is not None:
        page = session.document(read({"limit": 200, "cursor": page["next_cursor"]}))
        items += page["items"]
    return items


def _tell_of_more(session: Session, page: dict[str, Any]) -> None:
    if page["next_cursor"] is not None and session.screen.is_terminal:
        session.note(f"There are more: --all, or --cursor {page['next_cursor']}")
