"""The rows of the authorisation matrix: every route and method, and how it is called on an object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .world import FOREIGN, NAMES, NONE, OWN, World

API = "/api/v1"
EVERY = (OWN, FOREIGN, NONE)
FENCE = {"fence": 1}


class Asked(NamedTuple):
    """A request, ready to be made."""

    path: str
    body: Any = None
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


class Row(NamedTuple):
    """A route and method; `how` says what of it is tried where that is not plain."""

    method: str
    route: str
    how: str
    make: Callable[[World, str, str], Asked]  #: world, where the object is, who asks
    objects: tuple[str, ...] = EVERY


def _plain(method: str, path: str, body: Any = None) -> Row:
    """A route without an object."""
    return Row(method, path, "", lambda world, where, who: Asked(path, body), ("",))


def _filter(path: str, name: str, value: Callable[[World, str, str], Any]) -> Row:
    """A list that is filtered by an object."""
    return Row("GET", path, f"?{name}=", lambda w, where, who: Asked(f"{path}?{name}={value(w, where, who)}"))


def _at(method: str, rest: str, one: Callable[[World, str, str], int], body: Any = None, **headers: str) -> Row:
    """A route below /api/v1 with an object in its path, such as `/tasks/{task}`."""
    before, _, after = rest.partition("{")
    behind = after.partition("}")[2]
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Row(
        method, API + rest, "", lambda w, where, who: Asked(f"{API}{before}{one(w, where, who)}{behind}", body, sent)
    )


def _body(path: str, how: str, body: Callable[[World, str, str], Any]) -> Row:
    """A change that names an object in its body."""
    return Row("POST", path, how, lambda w, where, who: Asked(path, body(w, where, who)))


def _task(w: World, where: str, who: str) -> int:
    return w.task(where)


def _repository(w: World, where: str, who: str) -> int:
    return w.repository(where)


def _named(w: World, where: str, who: str) -> str:
    return NAMES[where]


def _held(w: World, where: str, who: str) -> int:
    return w.assignment(where, who)


def _file(w: World, where: str, who: str) -> Any:
    return {"repository": NAMES[where], "content": '{"tasks": []}', "dry_run": True}


def _depending(w: World, where: str, who: str) -> Asked:
    return Asked(f"{API}/tasks/{w.task(OWN)}/dependencies/{w.task(where)}")


ROWS = (
    _plain("GET", f"{API}/tasks"),
    _filter(f"{API}/tasks", "repository", _repository),
    _filter(f"{API}/tasks", "parent", _task),
    _body(f"{API}/tasks", "repository", lambda w, where, who: {"title": "t", "repository": w.repository(where)}),
    _body(f"{API}/tasks", "parent_id", lambda w, where, who: {
        "title": "t", "repository": NAMES[OWN], "parent_id": w.task(where),
    }),
    _body(f"{API}/tasks", "dependencies", lambda w, where, who: {
        "title": "t", "repository": NAMES[OWN], "dependencies": [w.task(where)],
    }),
    _plain("GET", f"{API}/tasks/next"),
    _filter(f"{API}/tasks/next", "repository", _named),
    _plain("GET", f"{API}/tasks/graph"),
    _filter(f"{API}/tasks/graph", "repository", _named),
    _body(f"{API}/tasks/import", "", _file),
    _filter(f"{API}/tasks/export", "repository", _named),
    _body(f"{API}/tasks/claim", "task_id", lambda w, where, who: {"task_id": w.task(where), "agent": "claude"}),
    _body(f"{API}/tasks/claim", "repository", lambda w, where, who: {
        "repository": w.task(where) and NAMES[where], "agent": "claude",
    }),
    _plain("GET", f"{API}/tasks/doctor"),
    _filter(f"{API}/tasks/doctor", "repository", _named),
    _body(f"{API}/tasks/doctor", "", lambda w, where, who: {"repository": NAMES[where], "dry_run": True}),
    _at("GET", "/tasks/{task}", _task),
    _at("PATCH", "/tasks/{task}", _task, {"title": "changed"}, If_Match='"1"'),
    _at("PATCH", "/tasks/{task}/status", _task, {"status": "done"}),
    _at("GET", "/tasks/{task}/readiness", _task),
    _at("GET", "/tasks/{task}/complexity", _task),
    Row("PUT", f"{API}/tasks/{{task}}/dependencies/{{other}}", "other", _depending),
    Row("DELETE", f"{API}/tasks/{{task}}/dependencies/{{other}}", "other", _depending),
    Row("PUT", f"{API}/tasks/{{task}}/dependencies/{{other}}", "task", lambda w, where, who: Asked(
        f"{API}/tasks/{w.task(where)}/dependencies/{w.task(OWN)}")),
    _plain("GET", f"{API}/repositories"),
    Row("POST", f"{API}/repositories", "", lambda w, where, who: Asked(
        f"{API}/repositories", {"name": f"acme/new-{w.number()}" if where == NONE else NAMES[where]})),
    _at("GET", "/repositories/{repository_id}", _repository),
    _at("PATCH", "/repositories/{repository_id}", _repository, {"default_branch": "main"}),
    _at("POST", "/repositories/{repository_id}/connect", _repository),
    _at("POST", "/repositories/{repository_id}/sync", _repository),
    _at("GET", "/repositories/{repository_id}/documents", _repository),
    _at("POST", "/repositories/{repository_id}/documents/sync", _repository),
    _plain("GET", f"{API}/users"),
    Row("POST", f"{API}/users", "", lambda w, where, who: Asked(f"{API}/users", {"username": f"u{w.number()}"}), ("",)),
    _at("PATCH", "/users/{user_id}", lambda w, where, who: w.user(where), {"role": "developer"}),
    _plain("GET", f"{API}/me"),
    _plain("GET", f"{API}/agents"),
    _body(f"{API}/agents/assign", "task_id", lambda w, where, who: {"task_id": w.task(where), "agent": "launched"}),
    _plain("GET", f"{API}/assignments"),
    _filter(f"{API}/assignments", "task_id", _task),
    _at("GET", "/assignments/{assignment_id}", _held),
    _at("POST", "/assignments/{assignment_id}/heartbeat", _held, FENCE),
    _at("GET", "/assignments/{assignment_id}/activities", _held),
    _at("POST", "/assignments/{assignment_id}/activities", _held, FENCE | {"type": "thought", "body": "hm"}),
    _at("POST", "/assignments/{assignment_id}/complete", _held, FENCE),
    _at("POST", "/assignments/{assignment_id}/fail", _held, FENCE | {"error": "it broke"}),
    _at("POST", "/assignments/{assignment_id}/release", _held, FENCE),
    _at("POST", "/assignments/{assignment_id}/cancel", _held, {}),
    _plain("GET", f"{API}/keys"),
    _body(f"{API}/keys", "repositories", lambda w, where, who: {
        "name": "k", "scopes": ["tasks:read"], "repositories": [w.repository(where)],
    }),
    _at("DELETE", "/keys/{key_id}", lambda w, where, who: w.key(where)),
    _plain("GET", f"{API}/events"),
    _filter(f"{API}/events", "task", _task),
    _plain("GET", f"{API}/events/stream"),
    _filter(f"{API}/events/stream", "task", _task),
    _plain("GET", f"{API}/jobs"),
    _plain("GET", f"{API}/jobs/lanes"),
    _at("GET", "/jobs/{job_id}", lambda w, where, who: w.job(where)),
    _at("POST", "/jobs/{job_id}/retry", lambda w, where, who: w.job(where)),
    _plain("GET", f"{API}/deliveries"),
    _at("GET", "/deliveries/{delivery_id}", lambda w, where, who: w.delivery(where)),
    _at("POST", "/deliveries/{delivery_id}/replay", lambda w, where, who: w.delivery(where)),
    Row("POST", f"{API}/webhooks/{{source}}", "no signature", lambda w, where, who: Asked(
        f"{API}/webhooks/{'nowhere' if where == NONE else 'probe'}", {}), (OWN, NONE)),
    _plain("GET", f"{API}/inbox"),
    _at("POST", "/inbox/{activity_id}/answer", lambda w, where, who: w.question(where, who), {"answer": "Yes"}),
    Row("GET", f"{API}/auth/{{provider}}/login", "", lambda w, where, who: Asked(f"{API}/auth/nowhere/login"), ("",)),
    Row("GET", f"{API}/auth/{{provider}}/callback", "", lambda w, where, who: Asked(
        f"{API}/auth/nowhere/callback?code=c&state=s"), ("",)),
    _plain("POST", f"{API}/auth/device", {"provider": "nowhere"}),
    _plain("POST", f"{API}/auth/device/token", {"device_code": "nobody"}),
    _plain("POST", f"{API}/auth/logout"),
    _plain("GET", f"{API}/audit/verify"),
    _plain("GET", f"{API}/plugins"),
    _plain("GET", f"{API}/doctor"),
    _plain("GET", "/healthz"),
    _plain("GET", "/readyz"),
    _plain("GET", "/metrics"),
    _plain("GET", "/openapi.json"),
    _plain("GET", "/docs"),
)  # fmt: skip

#: Lists and documents that answer without naming an object: where something hidden could come up.
OPEN_READS = tuple(row for row in ROWS if row.method == "GET" and row.objects == ("",))
#: The rows on which a foreign object must look like one that is not there.
HIDING = tuple(row for row in ROWS if {FOREIGN, NONE} <= set(row.objects))
