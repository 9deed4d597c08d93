"""Claims: an attached agent takes a task."""

from __future__ import annotations

from datetime import timedelta

import attrs
import falcon

from nexus_core.domain.access import Actor
from nexus_core.domain.agents import Assignment
from nexus_core.errors import Conflict, Forbidden
from nexus_http.fields import Field
from nexus_http.operations import Scope, actor_of, operation, send

from .assignments import AssignmentResource

CLAIM = (
    Field(
        "agent", "text", "Who claims; not needed with a key that is bound to an agent.", min_length=1, max_length=100
    ),
    Field("repository", "name", "Only from this one: its id or its name.", nullable=True),
    Field("task_id", "task", "This task and no other.", nullable=True),
    Field("max_complexity", "number", "Nothing above it.", nullable=True, minimum=1, maximum=10),
    Field("skills", "texts", "What you can do; a task with labels must have one of these.", max_length=100),
)

#: What the key of an assignment may do with it; it sees no other assignment.
OWN = frozenset({Scope.ASSIGNMENTS_READ, Scope.ASSIGNMENTS_WRITE})
#: What it may read beside, where its claimer may.
READ = frozenset({Scope.TASKS_READ, Scope.REPOSITORIES_READ})
KEY_LIFE = timedelta(hours=24)


class Claims(AssignmentResource):
    """The claim."""

    @operation(
        Scope.ASSIGNMENTS_CLAIM,
        "Claim a task",
        body=CLAIM,
        returns="Claim",
        status=201,
        errors=("not_ready", "no_agent", "conflict", "not_found"),
    )
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The best ready task, or the one that is named, for one agent alone; 204 when nothing is ready."""
        wanted = self.body(req)
        actor = actor_of(req)
        agent = wanted.pop("agent", None) or actor.agent
        if not agent:
            raise Conflict("your key is bound to no agent: name one as `agent`")
        if actor.agent is not None and agent != actor.agent:
            raise Forbidden(f"your key is bound to the agent {actor.agent}")
        if wanted.get("task_id") is not None:
            wanted["task_id"] = self.task_id(wanted["task_id"], "/task_id")
        wanted["skills"] = tuple(wanted.get("skills", ()))
        claimed = self.nexus.assignments.claim(agent=agent, **wanted, actor=actor)
        if claimed is None:
            resp.status = 204
            return
        resp.location = f"/api/v1/assignments/{claimed.id}"
        send(resp, self.wire(claimed, req) | {"key": self._key(claimed, actor)}, 201)

    def _key(self, claimed: Assignment, actor: Actor) -> str:
        """A key for this assignment alone, for the process that does the work; it reads no more than the claimer."""
        task = self.nexus.tasks.get(claimed.task_id)
        made = self.nexus.keys.create(
            f"assignment {claimed.id} ({claimed.agent})"[:100], scopes=OWN | (READ & actor.scopes), agent=claimed.agent,
            repositories=None if task.repository_id is None else (task.repository_id,), assignment_id=claimed.id,
            expires_at=claimed.lease_until + KEY_LIFE, actor=attrs.evolve(actor, scopes=OWN | READ),
        )  # fmt: skip
        return made.secret
