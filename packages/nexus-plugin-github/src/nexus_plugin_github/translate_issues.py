"""What payloads about issues and comments mean, as neutral facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nexus_core.domain.changes import Fact
from nexus_core.domain.hosts import CommentAdded
from nexus_core.domain.issues import IssueOpened, IssueTransferred

from .reading import REPOSITORY, account_id, instant, login, repository_id, repository_name, rows, table, text, whole
from .sansio import SOURCE
from .translate_hosts import TRUSTED, is_own

Payload = Mapping[str, Any]
_TELLING = frozenset({"opened", "edited", "closed", "reopened", "labeled", "unlabeled", "deleted"})
_NOT_DONE = frozenset({"not_planned", "duplicate"})


def issues(payload: Payload, app_id: str) -> list[Fact]:
    """An issue as it stands, or that it is another one now."""
    issue, action = table(payload, "issue"), text(payload.get("action"))
    number = whole(issue.get("number"))
    # The event's name is not signed: a comment, sent again under this name, must not pass for an issue.
    if not number or "pull_request" in issue or "comment" in payload:
        return []
    if action == "transferred":
        there = table(payload, "changes", "new_issue")
        return _transferred(issue, there, table(payload, "repository"), table(payload, "changes", "new_repository"))
    if action not in _TELLING:
        return []
    before = table(payload, "changes", "old_issue")
    old = table(payload, "changes", "old_repository")
    moved = _transferred(before, issue, old, table(payload, "repository")) if action == "opened" else []
    return [*moved, _issue(payload, issue, number, action, app_id)]


def _issue(payload: Payload, issue: Payload, number: int, action: str, app_id: str) -> IssueOpened:
    labels = tuple(name for label in rows(issue.get("labels")) if (name := text(label.get("name"))))
    author, sender = account_id(issue.get("user")), account_id(payload.get("sender"))
    # Who puts a label on the issue of somebody else may sort issues here; templates put them on in the author's name.
    vouches = action == "labeled" and sender != "" and sender != author
    return IssueOpened(
        source=SOURCE,
        repository=repository_name(payload),
        number=number,
        title=text(issue.get("title")),
        body=text(issue.get("body")),
        author=login(issue.get("user")),
        trusted=text(issue.get("author_association")) in TRUSTED,
        labels=labels,
        url=text(issue.get("html_url")),
        # What was done stays done when its issue is deleted.
        state="not-planned" if action == "deleted" and issue.get("state") != "closed" else _state(issue),
        updated_at=instant(issue.get("updated_at")),
        external_id=str(whole(issue.get("id")) or ""),
        repository_external_id=repository_id(payload),
        vouched=text(table(payload, "label").get("name")) if vouches else "",
        own=is_own(issue, app_id),
    )


def _state(issue: Payload) -> str:
    if issue.get("state") != "closed":
        return "open"
    return "not-planned" if text(issue.get("state_reason")) in _NOT_DONE else "completed"


def _transferred(here: Payload, there: Payload, old: Payload, new: Payload) -> list[Fact]:
    number, to_number = whole(here.get("number")), whole(there.get("number"))
    names = [text(repository.get("full_name")) for repository in (old, new)]
    ids = [whole(issue.get("id")) for issue in (here, there)]
    if not (number and to_number and all(ids) and all(REPOSITORY.fullmatch(name) for name in names)):
        return []
    at = [str(whole(repository.get("id")) or "") or None for repository in (old, new)]
    return [
        IssueTransferred(
            source=SOURCE,
            repository=names[0],
            number=number,
            external_id=str(ids[0]),
            to_repository=names[1],
            to_number=to_number,
            to_external_id=str(ids[1]),
            to_url=text(there.get("html_url")),
            repository_external_id=at[0],
            to_repository_external_id=at[1],
        )
    ]


def comment(payload: Payload, app_id: str) -> list[Fact]:
    """A new comment; an edited one has said what it said."""
    issue = table(payload, "issue")
    return _said(payload, app_id, "comment", issue, "created", on_change="pull_request" in issue)


def line_comment(payload: Payload, app_id: str) -> list[Fact]:
    """A new comment on lines of a pull request."""
    return _said(payload, app_id, "comment", table(payload, "pull_request"), "created", on_change=True)


def review_body(payload: Payload, app_id: str) -> list[Fact]:
    """What a reviewer wrote beside their verdict, where there is a command in it."""
    if "/nexus" not in text(table(payload, "review").get("body")):
        return []
    return _said(payload, app_id, "review", table(payload, "pull_request"), "submitted", on_change=True)


def _said(payload: Payload, app_id: str, key: str, on: Payload, action: str, *, on_change: bool) -> list[Fact]:
    said = table(payload, key)
    number, external_id = whole(on.get("number")), whole(said.get("id"))
    if payload.get("action") != action or not number or not external_id or not text(said.get("body")):
        return []
    # The three kinds count their ids each for itself.
    kind = "" if "issue" in payload else "line-" if key == "comment" else "review-"
    return [
        CommentAdded(
            source=SOURCE,
            repository=repository_name(payload),
            number=number,
            external_id=f"{kind}{external_id}",
            body=text(said.get("body")),
            on_change=on_change,
            author=login(said.get("user")),
            author_id=account_id(said.get("user")),
            url=text(said.get("html_url")),
            own=is_own(said, app_id),
            repository_external_id=repository_id(payload),
        )
    ]
