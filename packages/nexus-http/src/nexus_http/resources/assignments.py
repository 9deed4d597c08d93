"""Assignments: what agents hold, what they say, and how it ends."""

from __future__ import annotations

from typing import Any

import falcon

from nexus_core.domain.agents import ActivityType, Assignment, AssignmentStatus
from nexus_core.errors import NotFound
from nexus_core.wire import activity_to_wire, assignment_to_wire
from nexus_http.cursors import after_of, next_after
from nexus_http.fields import PAGE, Field
from nexus_http.operations import Resource, Scope, actor_of, operation, page, send

STATUSES = tuple(str(status) for status in AssignmentStatus)
FENCE = Field("fence", "number", "The number that came with the claim.", required=True, minimum=0)
FILTERS = (
    Field("status", choices=STATUSES),
    Field("agent"),
    Field("task_id", "task"),
    Field("live", "flag", "Only those that hold their task, or only those that ended."),
    *PAGE,
)
SAID = tuple(str(kind) for kind in ActivityType if kind is not ActivityType.PROMPT)
ACTIVITY = (
    FENCE,
    Field("type", required=True, choices=SAID),
    Field("body", required=True, max_length=100_000),
    Field("choices", "texts", "Answers that a question offers.", max_length=75),
)
COMPLETE = (
    FENCE,
    Field("summary", max_length=20_000),
    Field("branch", nullable=True, max_length=250),
    Field("head", "text", "The last commit.", nullable=True, max_length=64),
    Field("commits", "number", minimum=0),
)


class AssignmentResource(Resource):
    """What the resources of assignments share."""

    def wire(self, assignment: Assignment, req: falcon.Request) -> dict[str, Any]:
        """The assignment with its task, as the API answers it."""
        task = self.nexus.tasks.get(assignment.task_id, actor=actor_of(req))
        return assignment_to_wire(assignment, task, self.prefix)

    def own(self, req: falcon.Request, assignment_id: int) -> Assignment:
        """The assignment, when the actor may see it: a key bound to an agent sees that agent's alone.

        :raises NotFound: there is none, or it is another's
        """
        actor = actor_of(req)
        found = self.nexus.assignments.get(assignment_id, actor=actor)
        if actor.agent is not None and found.agent != actor.agent:
            raise NotFound(f"there is no assignment {assignment_id}")
        return found


class Assignments(AssignmentResource):
    """All assignments."""

    @operation(Scope.ASSIGNMENTS_READ, "List assignments", query=FILTERS, returns="Page[Assignment]")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Assignments by id."""
        query = self.query(req)
        limit, after = query.pop("limit", 50), after_of(query.pop("cursor", None))
        if "task_id" in query:
            query["task_id"] = self.seen_task(req, query["task_id"], "?task_id")
        actor = actor_of(req)
        found = self.nexus.assignments.list(**query, after=after, limit=limit, actor=actor)
        tasks = {task.id: task for task in self.nexus.tasks.many([one.task_id for one in found], actor=actor)}
        now = self.nexus.clock.now()
        wired = [
            assignment_to_wire(one, tasks[one.task_id], self.prefix, now=now) for one in found if one.task_id in tasks
        ]
        send(resp, page(wired, next_after(found, limit)))


class OneAssignment(AssignmentResource):
    """One assignment."""

    @operation(Scope.ASSIGNMENTS_READ, "Read an assignment", returns="Assignment")
    def on_get(self, req: falcon.Request, resp: falcon.Response, assignment_id: int) -> None:
        """The assignment with its task and its last activity."""
        send(resp, self.wire(self.nexus.assignments.get(assignment_id, actor=actor_of(req)), req))


class Heartbeat(AssignmentResource):
    """The renewal of a lease."""

    @operation(
        Scope.ASSIGNMENTS_WRITE,
        "Renew the lease",
        body=(FENCE,),
        returns="Assignment",
        errors=("stale_claim",),
    )
    def on_post(self, req: falcon.Request, resp: falcon.Response, assignment_id: int) -> None:
        """The holder is alive; the answer tells until when the lease runs now."""
        self.own(req, assignment_id)
        fence = self.body(req)["fence"]
        send(resp, self.wire(self.nexus.assignments.heartbeat(assignment_id, fence, actor=actor_of(req)), req))


class Activities(AssignmentResource):
    """What was said during an assignment."""

    @operation(Scope.ASSIGNMENTS_READ, "List activities", query=PAGE, returns="Page[Activity]")
    def on_get(self, req: falcon.Request, resp: falcon.Response, assignment_id: int) -> None:
        """Activities and the answers to questions, in order."""
        query = self.query(req)
        limit, after = query.get("limit", 50), after_of(query.get("cursor"))
        found = self.nexus.assignments.activities(assignment_id, after=after, limit=limit, actor=actor_of(req))
        send(resp, page([activity_to_wire(activity) for activity in found], next_after(found, limit)))

    @operation(
        Scope.ASSIGNMENTS_WRITE,
        "Say something",
        body=ACTIVITY,
        returns="Activity",
        status=201,
        errors=("stale_claim",),
    )
    def on_post(self, req: falcon.Request, resp: falcon.Response, assignment_id: int) -> None:
        """A thought, an action, a question with choices, a response or an error; it renews the lease too."""
        self.own(req, assignment_id)
        said = self.body(req)
        activity = self.nexus.assignments.add_activity(
            assignment_id, said["fence"], said["type"], said["body"], choices=said.get("choices", ()),
            actor=actor_of(req),
        )  # fmt: skip
        send(resp, activity_to_wire(activity), 201)


class Complete(AssignmentResource):
    """The good end."""

    @operation(
        Scope.ASSIGNMENTS_WRITE,
        "Complete an assignment",
        body=COMPLETE,
        returns="Assignment",
        errors=("stale_claim",),
    )
    def on_post(self, req: falcon.Request, resp: falcon.Response, assignment_id: int) -> None:
        """The work is done, on this branch."""
        self.own(req, assignment_id)
        done = self.body(req)
        fence = done.pop("fence")
        send(
            resp,
            self.wire(self.nexus.assignments.complete(assignment_id, fence, **done, actor=actor_of(req)), req),
        )


class Fail(AssignmentResource):
    """The bad end."""

    @operation(
        Scope.ASSIGNMENTS_WRITE, "Fail an assignment", returns="Assignment", errors=("stale_claim",),
        body=(FENCE, Field("error", "text", "Why.", required=True, max_length=20_000)),
    )  # fmt: skip
    def on_post(self, req: falcon.Request, resp: falcon.Response, assignment_id: int) -> None:
        """The work failed; the task can be claimed again."""
        self.own(req, assignment_id)
        said = self.body(req)
        failed = self.nexus.assignments.fail(assignment_id, said["fence"], error=said["error"], actor=actor_of(req))
        send(resp, self.wire(failed, req))


class Release(AssignmentResource):
    """The holder hands the task back."""

    @operation(
        Scope.ASSIGNMENTS_WRITE, "Release an assignment", returns="Assignment", errors=("stale_claim",),
        body=(FENCE, Field("reason", max_length=2_000)),
    )  # fmt: skip
    def on_post(self, req: falcon.Request, resp: falcon.Response, assignment_id: int) -> None:
        """The holder gives the task up without having failed; it can be claimed again."""
        self.own(req, assignment_id)
        said = self.body(req)
        released = self.nexus.assignments.release(
            assignment_id, said["fence"], reason=said.get("reason", ""), actor=actor_of(req)
        )
        send(resp, self.wire(released, req))


class Cancel(AssignmentResource):
    """A person ends the work."""

    @operation(
        Scope.ASSIGNMENTS_WRITE, "Cancel an assignment", returns="Assignment",
        body=(Field("reason", max_length=2_000), Field("fence", "number", "Not needed: a person has none.")),
    )  # fmt: skip
    def on_post(self, req: falcon.Request, resp: falcon.Response, assignment_id: int) -> None:
        """End an assignment from outside; the agent is stopped and the task can be claimed again."""
        self.own(req, assignment_id)
        self.own(req, assignment_id)
        reason = self.body(req).get("reason", "")
        send(
            resp,
            self.wire(self.nexus.assignments.cancel(assignment_id, reason=reason, actor=actor_of(req)), req),
        )
