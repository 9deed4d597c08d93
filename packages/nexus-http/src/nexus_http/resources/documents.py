"""Documents that Nexus keeps in repositories."""

from __future__ import annotations

import falcon

from nexus_http.cursors import part
from nexus_http.fields import NAMED_PAGE
from nexus_http.operations import Resource, Scope, actor_of, operation, page, send


class Documents(Resource):
    """The documents of a repository."""

    @operation(Scope.REPOSITORIES_READ, "Render a repository's documents", query=NAMED_PAGE, returns="Page[Document]")
    def on_get(self, req: falcon.Request, resp: falcon.Response, repository_id: int) -> None:
        """The documents as they would be committed now."""
        rendered = self.nexus.documents.render(repository_id, actor=actor_of(req))
        documents, more = part(rendered, self.query(req), key=lambda document: document.path)
        send(resp, page([{"path": document.path, "content": document.content} for document in documents], more))


class DocumentsSync(Resource):
    """Bringing the documents of a repository in step."""

    @operation(Scope.REPOSITORIES_WRITE, "Publish a repository's documents", body=(), returns="Paths", status=202)
    def on_post(self, req: falcon.Request, resp: falcon.Response, repository_id: int) -> None:
        """Have the plugins commit the documents; it happens in the background."""
        self.body(req)
        rendered = self.nexus.documents.render(repository_id, actor=actor_of(req))
        self.nexus.documents.refresh(repository_id, force=True)
        send(resp, {"paths": [document.path for document in rendered]}, 202)
