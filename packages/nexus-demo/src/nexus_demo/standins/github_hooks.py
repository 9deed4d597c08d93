"""Webhooks of the stand-in: made, listed, and what became of their deliveries. Importing it adds the endpoints."""

from __future__ import annotations

from typing import Any

from .github_api import Request, Response, endpoint, page
from .github_shapes import Hosted, Json, now
from .github_world import Refused, World, invalid

APP = 0  #: the number under which the App's own webhook is kept


def failed(world: World, hook: int, guid: str, *, status: int = 503, redelivery: bool = False) -> Json:
    """A delivery that did not arrive; the newest stands first, as at GitHub."""
    with world.lock:
        rows = world.hook_deliveries.setdefault(hook, [])
        known = sum(len(kept) for kept in world.hook_deliveries.values())
        row: Json = {
            "id": 10_000 + known, "guid": guid, "delivered_at": now(), "redelivery": redelivery, "duration": 0.1,
            "status": "OK" if 200 <= status < 300 else "Service Unavailable", "status_code": status,
            "event": "pull_request", "action": "closed",
        }  # fmt: skip
        rows.insert(0, row)
    return row


def make_hook(world: World, hosted: Hosted, config: Json, events: list[str]) -> Json:
    """A webhook of a repository."""
    hook = {
        "id": len(world.hooks) + 1, "type": "Repository", "name": "web", "active": True, "events": events,
        "config": config,
    }  # fmt: skip
    with world.lock:
        world.hooks.append((hosted.id, hook))
    return hook


def _shown(hook: Json) -> Json:
    hidden = {"secret": "********"} if hook["config"].get("secret") else {}
    return {**hook, "config": {**hook["config"], **hidden}}


def _of(world: World, hosted: Hosted) -> list[Json]:
    if hosted.name in world.hooks_hidden:
        raise Refused(404, "Not Found")  # as GitHub answers to who may not see webhooks
    return [hook for owner, hook in world.hooks if owner == hosted.id]


@endpoint("GET", "hooks")
def list_hooks(world: World, hosted: Hosted, request: Request) -> Response:
    """The webhooks of a repository."""
    return page(request, [_shown(hook) for hook in _of(world, hosted)], world)


@endpoint("POST", "hooks")
def create_hook(world: World, hosted: Hosted, request: Request) -> Response:
    """Make one; the same address twice is refused."""
    sent = request.document if isinstance(request.document, dict) else {}
    config = sent.get("config")
    if not isinstance(config, dict) or not str(config.get("url", "")).startswith("http"):
        raise invalid("Hook", field="config")
    if any(hook["config"]["url"] == config["url"] for hook in _of(world, hosted)):
        raise invalid("Hook", "Hook already exists on this repository")
    made = make_hook(world, hosted, config, list(sent.get("events") or ["push"]))
    return Response(status=201, document=_shown(made))


@endpoint("PATCH", r"hooks/([0-9]+)")
def change_hook(world: World, hosted: Hosted, request: Request, number: str) -> Response:
    """Change one: what is given."""
    hook = next((one for one in _of(world, hosted) if one["id"] == int(number)), None)
    if hook is None:
        raise Refused(404, "Not Found")
    sent = request.document if isinstance(request.document, dict) else {}
    if not isinstance(sent.get("config", {}), dict):
        raise invalid("Hook", field="config")
    with world.lock:
        hook.update({key: sent[key] for key in ("active", "events", "config") if key in sent})
    return Response(document=_shown(hook))


def _deliveries(world: World, request: Request, hook: int) -> Response:
    """One page of deliveries. This list goes on by cursor, and knows no numbers of pages."""
    rows, size = list(world.hook_deliveries.get(hook, [])), min(int(request.query.get("per_page", "30")), 100)
    first = int(request.query.get("cursor", "v1_0").removeprefix("v1_"))
    headers = {}
    if first + size < len(rows):
        address = f"{world.address}/{request.path}?per_page={size}&cursor=v1_{first + size}"
        headers["Link"] = f'<{address}>; rel="next"'
    return Response(document=rows[first : first + size], headers=headers)


@endpoint("GET", r"hooks/([0-9]+)/deliveries")
def list_deliveries(world: World, hosted: Hosted, request: Request, hook: str) -> Response:
    """What became of a webhook's deliveries."""
    _known(world, hosted, hook)
    return _deliveries(world, request, int(hook))


@endpoint("POST", r"hooks/([0-9]+)/deliveries/([0-9]+)/attempts")
def redeliver(world: World, hosted: Hosted, _request: Request, hook: str, delivery: str) -> Response:
    """Have one sent again."""
    _known(world, hosted, hook)
    return _attempt(world, int(hook), int(delivery))


def app_deliveries(world: World, request: Request) -> Response:
    """The calls about the App's own webhook.

    :raises Refused: there is no such call
    """
    below = request.path.removeprefix("app/hook/deliveries").strip("/")
    if request.method == "GET" and not below:
        return _deliveries(world, request, APP)
    number, _, rest = below.partition("/")
    if request.method == "POST" and rest == "attempts" and number.isdecimal():
        return _attempt(world, APP, int(number))
    raise Refused(404, "Not Found")


def _known(world: World, hosted: Hosted, hook: str) -> None:
    if int(hook) not in [one["id"] for one in _of(world, hosted)]:
        raise Refused(404, "Not Found")


def _attempt(world: World, hook: int, delivery: int) -> Response:
    """Taken on; that it is sent shows in the list only later, as at GitHub."""
    if delivery not in [row["id"] for row in world.hook_deliveries.get(hook, [])]:
        raise Refused(404, "Not Found")
    with world.lock:
        world.asked_again.append(delivery)
    return Response(status=202, document={})


def arrive(world: World, hook: int, delivery: int, status: int = 202) -> Any:
    """What was asked for again is sent."""
    row = next(row for row in world.hook_deliveries[hook] if row["id"] == delivery)
    return failed(world, hook, row["guid"], status=status, redelivery=True)
