"""Questions of agents that wait for a person."""

from __future__ import annotations

import falcon

from nexus_core.wire import activity_to_wire
from nexus_http.cursors import part
from nexus_http.fields import PAGE, SAYING, Field
from nexus_http.operations import Resource, Scope, actor_of, operation, page, send

MAX_OPEN = 1000
"""More open questions than people can answer."""


class Inbox(Resource):
    """All open questions."""

    @operation(Scope.ASSIGNMENTS_READ, "List questions that wait for a person", query=PAGE, returns="Page[Activity]")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """What agents ask and nobody answered yet."""
        asked, more = part(self.nexus.inbox.list(limit=MAX_OPEN, actor=actor_of(req)), self.query(req))
        send(resp, page([activity_to_wire(activity) for activity in asked], more))


class Answer(Resource):
    """The answer to a question."""

    @operation(
        Scope.TASKS_WRITE, "Answer a question", returns="Activity", errors=("conflict",),
        body=(Field("answer", required=True, max_length=20_000, pattern=SAYING),),
    )  # fmt: skip
    def on_post(self, req: falcon.Request, resp: falcon.Response, activity_id: int) -> None:
        """The first answer wins; later ones are told so."""
        answer = self.body(req)["answer"]
        send(resp, activity_to_wire(self.nexus.inbox.answer(activity_id, answer, actor=actor_of(req))))
