"""Tasks: list, read, create, edit, move, depend."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import falcon

from nexus_core.domain.tasks import Priority, Status, Task
from nexus_core.errors import Fault, Invalid, StaleWrite
from nexus_core.ports.queries import TASK_CURSOR, TaskQuery
from nexus_core.wire import change_to_wire, complexity_to_wire, readiness_to_wire, task_to_wire
from nexus_http.encoding import encode
from nexus_http.fields import LIMIT, SAYING, Field
from nexus_http.operations import (
    Resource,
    Scope,
    actor_of,
    operation,
    send,
    send_encoded,
    send_encoded_page,
)
from nexus_http.problems import HttpProblem
from nexus_http.schemas import SHAPES

STATUSES = tuple(str(status) for status in Status)
PRIORITIES = tuple(str(priority) for priority in Priority)
SORTS = ("id", "-id", "-updated_at", "order", "priority")
_FIELDS = tuple(field.partition(":")[0] for field in SHAPES["Task"].split())

FILTERS = (
    Field("status", "texts", "One or more; repeat it, or separate by commas.", choices=STATUSES),
    Field("repository", "name", "Its id or its name, owner/name."),
    Field("ready", "flag", "Only those that can be worked on now, or only those that cannot."),
    Field("label", "text", "Only those with this label."),
    Field("parent", "task", "Only the subtasks of this task."),
    Field("q", "text", "Words in title or description.", max_length=500),
    Field("agent", "text", "Only those that this agent holds."),
    Field("sort", "text", "`order`, or `priority`, is the order in which ready tasks are handed out.", choices=SORTS),
    Field("fields", "texts", "Only these fields of each task.", choices=_FIELDS),
    *LIMIT,
    Field("cursor", "text", "`next_cursor` of the page before.", pattern=f"^{TASK_CURSOR}$"),
)

_EDITABLE = (
    Field("description", max_length=100_000),
    Field("details", max_length=1_000_000),
    Field("test_strategy", max_length=100_000),
    Field("priority", choices=PRIORITIES),
    Field("labels", "texts", min_length=1, max_length=100),
    Field(
        "complexity_manual",
        "number",
        "1 to 10; wins over the estimate.",
        nullable=True,
        minimum=1,
        maximum=10,
    ),
    Field("parent_id", "task", "The task that this is a part of.", nullable=True),
    Field("not_before", "time", "Parked until then: an instant in ISO 8601. Null: not parked.", nullable=True),
)
NEW = (
    Field("title", required=True, max_length=500, pattern=SAYING),
    *_EDITABLE,
    Field("repository", "name", "Its id or its name, owner/name.", nullable=True),
    Field("dependencies", "ids", "The tasks that it waits for."),
    Field("raw_data", "object", "The object that it came from, kept as it is.", nullable=True),
)
CHANGES = (Field("title", max_length=500, pattern=SAYING), *_EDITABLE)
IF_NONE_MATCH = Field("If-None-Match", "text", "The ETag of the version that you have: 304 when it is still that.")
MAY_MATCH = Field("If-Match", "text", "The ETag of the version that you read; 412 when it was changed meanwhile.")
MOVE = (Field("status", required=True, choices=STATUSES), Field("reason", max_length=2_000))


class _Tasks(Resource):
    """What the resources of tasks share."""

    def wire(self, task: Task) -> dict[str, Any]:
        """The task as the API answers it."""
        return task_to_wire(task, self.prefix, now=self.nexus.clock.now())

    def send_task(self, req: falcon.Request, resp: falcon.Response, task: Task, status: int = 200) -> None:
        """Answer with a task and its ETag."""
        resp.etag = str(task.version)
        found = [] if status == 201 else self.nexus.changes.near(task.id, actor=actor_of(req))
        send(resp, {**self.wire(task), "changes": [change_to_wire(*one) for one in found]}, status)

    def parent(self, fields: dict[str, Any], name: str, pointer: str) -> None:
        """Turn the task that a field names into its id."""
        if fields.get(name) is not None:
            fields[name] = self.task_id(fields[name], pointer)


class Tasks(_Tasks):
    """All tasks."""

    @operation(Scope.TASKS_READ, "List tasks", query=FILTERS, returns="Page[TaskPart]", errors=("conflict",))
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The tasks that the filters leave, a page at a time."""
        query = self.query(req)
        fields = query.pop("fields", None)
        if "parent" in query:
            query["parent"] = self.seen_task(req, query["parent"], "?parent")
        query["status"] = tuple(query.get("status", ()))
        if query.get("sort") == "priority":
            query["sort"] = "order"
        found = self.nexus.tasks.show_page(TaskQuery(**query), actor=actor_of(req))
        send_encoded_page(resp, narrowed(found.items, fields), found.next_cursor)

    @operation(Scope.TASKS_WRITE, "Create a task", body=NEW, returns="WholeTask", status=201, errors=("not_found",))
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A new task, pending."""
        fields = self.body(req)
        self.parent(fields, "parent_id", "/parent_id")
        task = self.nexus.tasks.create(fields.pop("title"), **fields, actor=actor_of(req))
        resp.location = f"/api/v1/tasks/{task.id}"
        self.send_task(req, resp, task, 201)


class OneTask(_Tasks):
    """One task."""

    @operation(Scope.TASKS_READ, "Read a task", returns="WholeTask", headers=(IF_NONE_MATCH,))
    def on_get(self, req: falcon.Request, resp: falcon.Response, task: str) -> None:
        """The task, with its version as the ETag, and the changes that name it, each with why."""
        _require_short(req, IF_NONE_MATCH)
        found = self.nexus.tasks.show(self.task_id(task), actor=actor_of(req))
        # A change may go on without a new version of its task: one that has changes is told each time.
        resp.context.is_told_anew = found.linked
        known = [] if found.linked else req.if_none_match or []
        if any(_version_of(tag) in (found.version, "*") for tag in known):
            resp.status = 304
            resp.etag = str(found.version)
            return
        resp.etag = str(found.version)
        send_encoded(resp, found.whole.encode())

    @operation(
        Scope.TASKS_WRITE, "Edit a task", body=CHANGES, media=("application/merge-patch+json",), returns="WholeTask",
        conditional=True, errors=("conflict",),
    )  # fmt: skip
    def on_patch(self, req: falcon.Request, resp: falcon.Response, task: str) -> None:
        """Change fields of the task that was read, at the version that was read."""
        if not req.get_header("If-Match"):
            raise HttpProblem(428)
        task_id, actor = self.task_id(task), actor_of(req)
        changes = self.body(req)
        self.parent(changes, "parent_id", "/parent_id")
        expected = expected_version(req, lambda: self.nexus.tasks.get(task_id, actor=actor).version)
        self.send_task(req, resp, self.nexus.tasks.edit(task_id, changes, expected_version=expected, actor=actor))


class TaskStatus(_Tasks):
    """The status of a task."""

    @operation(
        Scope.TASKS_WRITE, "Move a task", body=MOVE, media=("application/merge-patch+json",), returns="WholeTask",
        errors=("transition_refused", "stale_write"), headers=(MAY_MATCH,),
    )  # fmt: skip
    def on_patch(self, req: falcon.Request, resp: falcon.Response, task: str) -> None:
        """Move it to another status; with `If-Match`, only from the version that was read."""
        task_id = self.task_id(task)
        move = self.body(req)
        actor = actor_of(req)
        expected = expected_version(req, lambda: self.nexus.tasks.get(task_id, actor=actor).version)
        moved = self.nexus.tasks.move(
            task_id, move["status"], reason=move.get("reason", ""), expected_version=expected, actor=actor
        )
        self.send_task(req, resp, moved)


class TaskReadiness(_Tasks):
    """Whether a task can be worked on, and why not."""

    @operation(Scope.TASKS_READ, "Say whether a task is ready, and why not", returns="Readiness")
    def on_get(self, req: falcon.Request, resp: falcon.Response, task: str) -> None:
        """Each failing condition with the tasks that cause it, and what finishing the task would bring."""
        send(resp, readiness_to_wire(self.nexus.tasks.readiness(self.task_id(task), actor=actor_of(req))))


class TaskComplexity(_Tasks):
    """How complex a task is, and why."""

    @operation(Scope.TASKS_READ, "Say how complex a task is, and by what factors", returns="Complexity")
    def on_get(self, req: falcon.Request, resp: falcon.Response, task: str) -> None:
        """The score that counts, who gave it, and what added how much to the estimate."""
        found = self.nexus.scores.explain(self.task_id(task), actor=actor_of(req))
        send(resp, complexity_to_wire(found, self.prefix))


class TaskDependency(_Tasks):
    """One dependency of a task."""

    @operation(Scope.TASKS_WRITE, "Let a task depend on another", returns="WholeTask", errors=("cycle",))
    def on_put(self, req: falcon.Request, resp: falcon.Response, task: str, other: str) -> None:
        """The task waits for the other from now on."""
        on = self.task_id(other)
        self.send_task(req, resp, self.nexus.tasks.depend(self.task_id(task), on, actor=actor_of(req)))

    @operation(Scope.TASKS_WRITE, "End a dependency", returns="WholeTask")
    def on_delete(self, req: falcon.Request, resp: falcon.Response, task: str, other: str) -> None:
        """The task no longer waits for the other."""
        on = self.task_id(other)
        self.send_task(req, resp, self.nexus.tasks.undepend(self.task_id(task), on, actor=actor_of(req)))


def narrowed(items: str, fields: list[str] | None) -> bytes:
    """Only these fields of a JSON array's objects; most ask for all, and then it goes out as it came."""
    return items.encode() if fields is None else encode([select(item, fields) for item in json.loads(items)])


def select(document: dict[str, Any], fields: list[str] | None) -> dict[str, Any]:
    """Only these fields of a document.

    :raises Invalid: naming those that it does not have
    """
    if fields is None:
        return document
    if unknown := [name for name in fields if name not in document]:
        message = f"there is no field {', '.join(unknown)}; there are {', '.join(document)}"
        raise Invalid("the query is not valid", faults=(Fault("?fields", message),))
    return {name: document[name] for name in fields}


def _require_short(req: falcon.Request, header: Field) -> None:
    if len(req.get_header(header.name) or "") > header.max_length:
        raise Invalid("the request is not valid", faults=(Fault(header.name, "is too long"),))


def expected_version(req: falcon.Request, current: Callable[[], int]) -> int | None:
    """The version that `If-Match` asks for: None when any will do, or when there is no such header.

    Of several it is the current one, when that is among them. `current()` tells it.

    :raises StaleWrite: none of them can be a version of ours
    :raises Invalid: it is longer than any that somebody would mean
    """
    _require_short(req, MAY_MATCH)
    tags = [_version_of(tag) for tag in req.if_match or ()]
    if not tags or "*" in tags:
        return None
    versions = [tag for tag in tags if isinstance(tag, int)]
    if not versions:
        raise StaleWrite
    if len(versions) == 1:
        return versions[0]
    now = current()
    return now if now in versions else versions[0]


def _version_of(tag: Any) -> int | str:
    text = str(tag)
    if text == "*" or not text.isascii() or not text.isdigit() or len(text) > 18:
        return "*" if text == "*" else ""
    if getattr(tag, "is_weak", False):
        return ""  # a weak tag never matches for a change
    return int(text)
