"""Agents, and assigning tasks to them."""

from __future__ import annotations

import falcon

from nexus_core.wire import agent_state_to_wire
from nexus_http.cursors import part
from nexus_http.fields import NAMED_PAGE, Field
from nexus_http.operations import Resource, Scope, actor_of, operation, page, send

from .assignments import AssignmentResource

ASSIGN = (
    Field("task_id", "task", "The task.", required=True),
    Field(
        "agent",
        "text",
        "Who gets it; the policy picks when nobody is named.",
        nullable=True,
        min_length=1,
        max_length=100,
    ),
    Field("reason", max_length=2_000),
    Field("override", "flag", "Assign although the task is not ready; for admins, and the event says so."),
)


class Agents(Resource):
    """All agents."""

    @operation(Scope.ASSIGNMENTS_READ, "List agents with what they do", query=NAMED_PAGE, returns="Page[AgentState]")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Every agent with its state and its current assignments."""
        found = self.nexus.agents.list(actor=actor_of(req))
        states, more = part(found, self.query(req), key=lambda state: state.agent.name)
        held = [assignment.task_id for state in states for assignment in state.assignments]
        tasks = {task.id: task for task in self.nexus.tasks.many(held, actor=actor_of(req))}
        send(resp, page([agent_state_to_wire(state, tasks, self.prefix) for state in states], more))


class Assign(AssignmentResource):
    """Assignment by a person."""

    @operation(
        Scope.AGENTS_ASSIGN, "Assign a task to an agent", body=ASSIGN, returns="Assignment", status=201,
        errors=("not_ready", "no_agent", "not_found"),
    )  # fmt: skip
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A ready task for the agent that is named, or for the one that the policy picks."""
        wanted = self.body(req)
        task_id = self.task_id(wanted.pop("task_id"), "/task_id")
        assigned = self.nexus.agents.assign(task_id, wanted.pop("agent", None), **wanted, actor=actor_of(req))
        resp.location = f"/api/v1/assignments/{assigned.id}"
        send(resp, self.wire(assigned, req), 201)
