"""The task that is next."""

from __future__ import annotations

import falcon

from nexus_core.wire import recommendation_to_wire
from nexus_http.fields import Field
from nexus_http.operations import Resource, Scope, actor_of, operation, send

QUERY = (
    Field("repository", "name", "Its id or its name, owner/name."),
    Field("max_complexity", "number", "Nothing above it.", minimum=1, maximum=10),
    Field("skills", "texts", "What you can do; a task with labels must have one of these."),
)


class NextTask(Resource):
    """The best ready task."""

    @operation(Scope.TASKS_READ, "Say which task is next, and why", query=QUERY, returns="Recommendation")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The task with the reasons for its place; `{"task": null, "reasons": []}` when nothing is ready."""
        query = self.query(req)
        skills = tuple(query.pop("skills", ()))
        found = self.nexus.tasks.next(**query, skills=skills, actor=actor_of(req))
        send(resp, recommendation_to_wire(found, self.prefix, now=self.nexus.clock.now()))
