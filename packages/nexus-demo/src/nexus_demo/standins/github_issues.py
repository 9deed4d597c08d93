"""Issues and labels at the stand-in; a pull request is an issue too. Importing it adds the endpoints."""

from __future__ import annotations

from typing import Any

import attrs

from . import github_shapes as shapes
from .github_api import Request, Response, endpoint, page
from .github_shapes import BOT, Hosted, Json, Pull, now
from .github_world import Refused, World, wanted


@attrs.define(kw_only=True)
class Issue:
    """An issue as the stand-in keeps it."""

    repository: str
    number: int
    title: str
    body: str = ""
    state: str = "open"
    state_reason: str | None = None
    author: str = BOT
    created_at: str = attrs.field(factory=now)


def open_issue(world: World, name: str, *, title: str, body: str = "", by: str = "octocat") -> Issue:
    """Somebody opens an issue."""
    with world.lock:
        made = Issue(repository=name, number=world.next_number(name), title=title, body=body, author=by)
        world.issues.append(made)
    return made


def _found(world: World, hosted: Hosted, number: str) -> Issue | Pull:
    for issue in world.issues:
        if isinstance(issue, Issue) and (issue.repository, issue.number) == (hosted.name, int(number)):
            return issue
    return world.pull(hosted.name, int(number))


def _labels(world: World, hosted: Hosted, number: str) -> list[str]:
    return world.labels.setdefault((hosted.id, int(number)), [])


def _shown(world: World, hosted: Hosted, one: Issue | Pull) -> Json:
    reason = one.state_reason if isinstance(one, Issue) else None
    found: Json = {
        "id": hosted.id * 1000 + one.number, "number": one.number, "title": one.title, "body": one.body,
        "state": one.state, "state_reason": reason, "user": shapes.user(one.author),
        "labels": [_label(name) for name in _labels(world, hosted, str(one.number))],
        "html_url": f"https://github.com/{hosted.name}/issues/{one.number}", "author_association": "COLLABORATOR",
        "created_at": one.created_at,
    }  # fmt: skip
    return found if isinstance(one, Issue) else found | {"pull_request": {}}


def _label(name: str) -> Json:
    return {"name": name, "color": "ededed", "default": False}


def _names(given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(name, str) and name for name in given):
        raise Refused(422, "Invalid request.\n\nlabels is not an array of names.")
    return given


@endpoint("GET", "issues")
def list_issues(world: World, hosted: Hosted, request: Request) -> Response:
    """Issues and pull requests, the newest first."""
    state = request.query.get("state", "open")
    issues = [one for one in world.issues if isinstance(one, Issue) and one.repository == hosted.name]
    every: list[Issue | Pull] = [*issues, *world.pulls_of(hosted.name)]
    both = sorted(every, key=lambda one: -one.number)
    return page(request, [_shown(world, hosted, one) for one in both if state in ("all", one.state)], world)


@endpoint("POST", "issues")
def create_issue(world: World, hosted: Hosted, request: Request) -> Response:
    """Open an issue."""
    sent = wanted(request.document, "title")
    issue = open_issue(world, hosted.name, title=str(sent["title"]), body=str(sent.get("body") or ""), by=BOT)
    _labels(world, hosted, str(issue.number)).extend(_names(sent.get("labels", [])))
    return Response(status=201, document=_shown(world, hosted, issue))


@endpoint("GET", r"issues/([0-9]+)")
def get_issue(world: World, hosted: Hosted, _request: Request, number: str) -> Response:
    """An issue or pull request."""
    return Response(document=_shown(world, hosted, _found(world, hosted, number)))


@endpoint("PATCH", r"issues/([0-9]+)")
def edit_issue(world: World, hosted: Hosted, request: Request, number: str) -> Response:
    """Change an issue or pull request."""
    sent, one = request.document, _found(world, hosted, number)
    if not isinstance(sent, dict):
        raise Refused(400, "Body should be a JSON object")
    if sent.get("state", "open") not in ("open", "closed"):
        raise Refused(422, "Validation Failed", {"resource": "Issue", "code": "invalid", "field": "state"})
    with world.lock:
        for key in ("title", "body", "state"):
            if key in sent:
                setattr(one, key, str(sent[key]))
        if isinstance(one, Issue):
            one.state_reason = sent.get("state_reason", one.state_reason)
        if "labels" in sent:
            world.labels[(hosted.id, one.number)] = _names(sent["labels"])
    return Response(document=_shown(world, hosted, one))


@endpoint("GET", r"issues/([0-9]+)/labels")
def list_labels(world: World, hosted: Hosted, request: Request, number: str) -> Response:
    """The labels of an issue or pull request."""
    _found(world, hosted, number)
    return page(request, [_label(name) for name in _labels(world, hosted, number)], world)


@endpoint("POST", r"issues/([0-9]+)/labels")
def add_labels(world: World, hosted: Hosted, request: Request, number: str) -> Response:
    """Put labels on an issue or pull request."""
    _found(world, hosted, number)
    with world.lock:
        known = _labels(world, hosted, number)
        known += [name for name in _names(wanted(request.document, "labels")["labels"]) if name not in known]
    return Response(document=[_label(name) for name in known])


@endpoint("DELETE", r"issues/([0-9]+)/labels/(.+)")
def remove_label(world: World, hosted: Hosted, _request: Request, number: str, name: str) -> Response:
    """Take a label off."""
    _found(world, hosted, number)
    with world.lock:
        known = _labels(world, hosted, number)
        if name not in known:
            raise Refused(404, "Label does not exist")
        known.remove(name)
    return Response(document=[_label(left) for left in known])
