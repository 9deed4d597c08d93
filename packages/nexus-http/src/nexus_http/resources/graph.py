"""The dependency graph, as data and as a picture."""

from __future__ import annotations

from typing import Any

import falcon

from nexus_core import to_mermaid
from nexus_core.domain.picture import Excerpt, excerpt
from nexus_core.domain.readiness import is_ready
from nexus_core.wire import graph_to_wire
from nexus_http.drawing.svg import svg
from nexus_http.fields import Field
from nexus_http.operations import Resource, Scope, actor_of, operation, send
from nexus_http.problems import HttpProblem

JSON, MERMAID, SVG = "application/json", "text/vnd.mermaid", "image/svg+xml"
MOST = 20_000
#: How many tasks people can take in: Mermaid draws everything at one size and refuses what is too much.
USUAL = {JSON: MOST, MERMAID: 150, SVG: 400}
#: A picture may bring its own style sheet, and nothing else.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

QUERY = (
    Field("repository", "name", "Only this one’s tasks, and those that they touch."),
    Field(
        "limit", "number", "How many tasks at most: the critical path first, then open ones. Otherwise 150 as Mermaid, "
        "400 as SVG.", minimum=1, maximum=MOST,
    ),
)  # fmt: skip


class TaskGraph(Resource):
    """Tasks and what waits for what."""

    @operation(
        Scope.TASKS_READ, "Read the dependency graph", query=QUERY, returns="Graph", answers=(JSON, MERMAID, SVG),
        errors=("too_many",),
    )  # fmt: skip
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Nodes, edges and the critical path; or, by `Accept`, Mermaid or SVG. What a `limit` leaves out is counted."""
        query = self.query(req)
        wanted = req.client_prefers([JSON, MERMAID, SVG])
        if wanted is None:
            raise HttpProblem(406)
        graph = self.nexus.tasks.graph(query.get("repository"), actor=actor_of(req))
        part = excerpt(graph, query.get("limit", USUAL[wanted]))
        resp.append_header("Vary", "Accept")
        if wanted == JSON:
            left_out = (part.left_out_open, part.left_out_closed)
            send(resp, graph_to_wire(part.graph, self.prefix, now=self.nexus.clock.now(), left_out=left_out))
        elif wanted == MERMAID:
            resp.content_type = f"{wanted}; charset=utf-8"
            resp.text = self._mermaid(part, self._home(query, req))
        else:
            resp.content_type = wanted
            resp.set_header("Content-Security-Policy", _POLICY)
            home = self._home(query, req)
            resp.text = svg(part.graph, self.prefix, now=self.nexus.clock.now(), home=home, note=part.note)

    def _home(self, query: dict[str, Any], req: falcon.Request) -> str | None:
        """The name of the repository that was asked for."""
        wanted = query.get("repository")
        return None if wanted is None else self.nexus.repositories.get(wanted, actor=actor_of(req)).name

    def _mermaid(self, part: Excerpt, home: str | None) -> str:
        now, graph = self.nexus.clock.now(), part.graph
        ready = {task.id for task in graph.tasks if is_ready(task, now)}
        return to_mermaid(
            graph.tasks, home=home, prefix=self.prefix, ready=ready, path=graph.critical_path, edges=graph.edges,
            note=part.note,
        )  # fmt: skip
