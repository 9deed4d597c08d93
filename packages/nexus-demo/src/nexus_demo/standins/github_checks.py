"""Check runs, commit statuses and reviews at the stand-in. Importing it adds the endpoints."""

from __future__ import annotations

from typing import Any

import attrs

from . import github_shapes as shapes
from .github_api import Request, Response, endpoint, page
from .github_shapes import BOT, Hosted, Json, now
from .github_world import Refused, World, wanted

_CONCLUSIONS = frozenset(
    {"action_required", "cancelled", "failure", "neutral", "success", "skipped", "stale", "timed_out"}
)


@attrs.define(kw_only=True)
class CheckRun:
    """A check run as the stand-in keeps it."""

    id: int
    repository: str
    head_sha: str
    name: str
    app: int  #: the App that made it
    external_id: str = ""
    status: str = "queued"
    conclusion: str | None = None
    output: Json = attrs.field(factory=dict)
    details_url: str = ""
    annotations: list[Json] = attrs.field(factory=list)

    def shown(self) -> Json:
        """As GitHub shows it."""
        output = {"title": None, "summary": None, "text": None} | self.output
        return {
            "id": self.id, "head_sha": self.head_sha, "name": self.name, "external_id": self.external_id,
            "status": self.status, "conclusion": self.conclusion, "details_url": self.details_url,
            "output": output | {"annotations_count": len(self.annotations)}, "app": {"id": self.app},
        }  # fmt: skip


def finish_check(
    world: World, name: str, head: str, *, conclusion: str, check: str = "tests", summary: str = "", app: int = 15368,
    annotations: tuple[tuple[str, int, str], ...] = (),
) -> CheckRun:  # fmt: skip
    """Somebody else's check ends; annotations are (path, line, message)."""
    run = CheckRun(
        id=len(world.checks) + 1, repository=name, head_sha=head, name=check, app=app, status="completed",
        conclusion=conclusion, output={"title": conclusion, "summary": summary},
        annotations=[
            {"path": path, "start_line": line, "end_line": line, "annotation_level": "failure", "message": message}
            for path, line, message in annotations
        ],
    )  # fmt: skip
    world.checks.append(run)
    return run


def review(
    world: World, name: str, number: int, *, body: str, state: str = "CHANGES_REQUESTED", by: str = "octocat",
    association: str = "MEMBER", remarks: tuple[tuple[str, int, str], ...] = (),
) -> Json:  # fmt: skip
    """Somebody reviews a pull request; remarks are (path, line, text)."""
    with world.lock:
        pull = world.pull(name, number)
        pull.updated_at = now()
        made = {
            "id": 500 + len(world.reviews), "user": shapes.user(by), "body": body, "state": state,
            "author_association": association, "commit_id": pull.head_sha, "submitted_at": pull.updated_at,
            "html_url": f"https://github.com/{name}/pull/{number}#pullrequestreview",
        }  # fmt: skip
        said = [{"path": path, "line": line, "body": text, "user": shapes.user(by)} for path, line, text in remarks]
        world.reviews.append({"repository": name, "number": number, "review": made, "remarks": said})
    return made


def _known_commit(hosted: Hosted, value: Any) -> str:
    if not isinstance(value, str) or hosted.git.resolve(value) is None:
        raise Refused(422, f"No commit found for SHA: {value}")
    return value


def _fill(run: CheckRun, sent: Json) -> None:
    output = sent.get("output")
    if output is not None and not (isinstance(output, dict) and isinstance(output.get("summary"), str)):
        raise Refused(422, 'Invalid request.\n\n"summary" wasn\'t supplied.')
    conclusion = sent.get("conclusion")
    if conclusion is not None and conclusion not in _CONCLUSIONS:
        raise Refused(422, "Invalid request.\n\nconclusion is not included in the list")
    if sent.get("status") == "completed" and not conclusion:
        raise Refused(422, "Invalid request.\n\nNo conclusion was supplied for a completed run.")
    run.output = output if output is not None else run.output
    run.conclusion = conclusion if conclusion else None
    run.status = "completed" if conclusion else str(sent.get("status", run.status))
    run.name, run.details_url = str(sent.get("name", run.name)), str(sent.get("details_url", run.details_url))
    run.external_id = str(sent.get("external_id", run.external_id))


@endpoint("POST", "check-runs")
def create_run(world: World, hosted: Hosted, request: Request) -> Response:
    """Make a check run; for Apps alone."""
    app = request.app
    if app is None:
        raise Refused(403, "You must authenticate via a GitHub App.")
    sent = wanted(request.document, "name", "head_sha")
    with world.lock:
        head = _known_commit(hosted, sent["head_sha"])
        run = CheckRun(id=len(world.checks) + 1, repository=hosted.name, head_sha=head, name=sent["name"], app=app)
        _fill(run, sent)
        world.checks.append(run)
    return Response(status=201, document=run.shown())


@endpoint("PATCH", r"check-runs/([0-9]+)")
def edit_run(world: World, hosted: Hosted, request: Request, number: str) -> Response:
    """Change a check run: the App that made it may."""
    run = _run(world, hosted, number)
    if request.app != run.app:
        raise Refused(403, "Invalid app_id `" + str(run.app) + "` - check run can only be modified by the app")
    _fill(run, request.document if isinstance(request.document, dict) else {})
    return Response(document=run.shown())


def _run(world: World, hosted: Hosted, number: str) -> CheckRun:
    for run in world.checks:
        if isinstance(run, CheckRun) and (run.repository, run.id) == (hosted.name, int(number)):
            return run
    raise Refused(404, "Not Found")


@endpoint("GET", r"check-runs/([0-9]+)/annotations")
def list_annotations(world: World, hosted: Hosted, request: Request, number: str) -> Response:
    """The annotations of a check run."""
    return page(request, _run(world, hosted, number).annotations, world)


@endpoint("GET", r"commits/(.+)/check-runs")
def list_runs(world: World, hosted: Hosted, request: Request, ref: str) -> Response:
    """The check runs of a commit; `latest` is one of each name and App."""
    head = hosted.git.resolve(ref) or hosted.git.branch(ref)
    name, latest = request.query.get("check_name"), request.query.get("filter", "latest") == "latest"
    runs = {
        (run.app, run.name, 0 if latest else run.id): run
        for run in world.checks
        if isinstance(run, CheckRun) and run.repository == hosted.name and run.head_sha == head
        if name in (None, run.name)
    }
    rows = [run.shown() for run in runs.values()]
    answer = page(request, rows, world)
    return attrs.evolve(answer, document={"total_count": len(rows), "check_runs": answer.document})


@endpoint("POST", r"statuses/([0-9a-f]{40})")
def create_status(world: World, hosted: Hosted, request: Request, sha: str) -> Response:
    """Make a commit status."""
    sent = wanted(request.document, "state")
    if sent["state"] not in ("error", "failure", "pending", "success"):
        raise Refused(422, "Validation Failed", {"resource": "Status", "code": "custom", "field": "state"})
    if len(str(sent.get("description") or "")) > 140:
        raise Refused(422, "Validation Failed", {"resource": "Status", "code": "custom", "field": "description"})
    made: Json = {
        "state": sent["state"], "description": sent.get("description"), "context": sent.get("context", "default"),
        "target_url": sent.get("target_url"), "creator": shapes.user(BOT),
    }  # fmt: skip
    world.statuses.append((hosted.id, _known_commit(hosted, sha), made))
    return Response(status=201, document=made)


@endpoint("GET", r"commits/(.+)/statuses")
def list_statuses(world: World, hosted: Hosted, request: Request, ref: str) -> Response:
    """The statuses of a commit, the newest first."""
    head = hosted.git.resolve(ref) or hosted.git.branch(ref)
    rows = [made for repository, sha, made in reversed(world.statuses) if (repository, sha) == (hosted.id, head)]
    return page(request, rows, world)


def _reviews(world: World, hosted: Hosted, number: str) -> list[Json]:
    world.pull(hosted.name, int(number))
    return [one for one in world.reviews if (one["repository"], one["number"]) == (hosted.name, int(number))]


@endpoint("GET", r"pulls/([0-9]+)/reviews")
def list_reviews(world: World, hosted: Hosted, request: Request, number: str) -> Response:
    """The reviews of a pull request, the oldest first."""
    return page(request, [one["review"] for one in _reviews(world, hosted, number)], world)


@endpoint("GET", r"pulls/([0-9]+)/reviews/([0-9]+)/comments")
def list_remarks(world: World, hosted: Hosted, request: Request, number: str, review_id: str) -> Response:
    """The remarks of a review."""
    for one in _reviews(world, hosted, number):
        if one["review"]["id"] == int(review_id):
            return page(request, one["remarks"], world)
    raise Refused(404, "Not Found")
