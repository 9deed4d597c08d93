"""The dependency graph, as data and as a picture."""

from __future__ import annotations

import falcon

from nexus_core.wire import graph_to_wire
from nexus_http.drawing import mermaid, svg
from nexus_http.fields import Field
from nexus_http.operations import Resource, Scope, actor_of, operation, send
from nexus_http.problems import HttpProblem

JSON, MERMAID, SVG = "application/json", "text/vnd.mermaid", "image/svg+xml"


class TaskGraph(Resource):
    """Tasks and what waits for what."""

    @operation(
        Scope.TASKS_READ, "Read the dependency graph", query=(Field("repository", "name", "Only this one’s tasks."),),
        returns="Graph", answers=(JSON, MERMAID, SVG), errors=("too_many",),
    )  # fmt: skip
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Nodes, edges and the critical path; or, by `Accept`, Mermaid or SVG. At most 20,000 tasks at once."""
        query = self.query(req)
        wanted = req.client_prefers([JSON, MERMAID, SVG])
        if wanted is None:
            raise HttpProblem(406)
        graph = self.nexus.tasks.graph(query.get("repository"), actor=actor_of(req))
        resp.append_header("Vary", "Accept")
        if wanted == JSON:
            send(resp, graph_to_wire(graph, self.prefix, now=self.nexus.clock.now()))
            return
        resp.content_type = f"{wanted}; charset=utf-8" if wanted == MERMAID else wanted
        resp.text = (mermaid if wanted == MERMAID else svg)(graph, self.prefix)
