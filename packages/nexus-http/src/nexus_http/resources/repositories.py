"""Repositories."""

from __future__ import annotations

import falcon

from nexus_core.wire import connection_to_wire, repository_to_wire
from nexus_http.cursors import part
from nexus_http.fields import PAGE, REPOSITORY, Field
from nexus_http.operations import Resource, Scope, actor_of, operation, page, send

_PLACE = (
    Field("url", "text", "Where it is cloned from.", min_length=1, max_length=2_000),
    Field("default_branch", min_length=1, max_length=250),
)
NEW = (
    Field("name", "text", "owner/name", required=True, max_length=201, pattern=REPOSITORY),
    *_PLACE,
    Field("external_id", "text", "The host’s own id.", nullable=True, max_length=100),
    Field(
        "connect",
        "flag",
        "Look at it on its host first, and take over its policy and task file before this is answered. Otherwise that "
        "happens afterwards, in the background.",
    ),
    Field("set_up", "flag", "With `connect`: make its webhook what it has to be, where we may."),
)
CONNECT = (Field("set_up", "flag", "Make its webhook what it has to be, where we may."),)
CHANGES = (Field("name", "text", "owner/name", max_length=201, pattern=REPOSITORY), *_PLACE)


class Repositories(Resource):
    """All repositories."""

    @operation(
        Scope.REPOSITORIES_READ, "List repositories", returns="Page[Repository]",
        query=(Field("name", "text", "The one of this name."), *PAGE),
    )  # fmt: skip
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The repositories that you may see."""
        query = self.query(req)
        found = self.nexus.repositories.list(actor=actor_of(req))
        if "name" in query:
            found = [one for one in found if one.name.lower() == query["name"].lower()]
        items, more = part(found, query)
        send(resp, page([repository_to_wire(repository) for repository in items], more))

    @operation(
        Scope.REPOSITORIES_WRITE,
        "Add a repository",
        body=NEW,
        returns="AddedRepository",
        status=201,
        errors=("duplicate",),
    )
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A repository that Nexus looks after from now on; with `connect`, also what came of connecting it."""
        new = self.body(req)
        name, url, actor = new.pop("name"), new.pop("url", ""), actor_of(req)
        is_connected, set_up = new.pop("connect", False), new.pop("set_up", False)
        connection = None
        if is_connected:
            added, connection = self.nexus.connections.add(name, url, **new, set_up=set_up, actor=actor)
        else:
            added = self.nexus.repositories.add(name, url, **new, actor=actor)
        resp.location = f"/api/v1/repositories/{added.id}"
        told = None if connection is None else connection_to_wire(connection)
        send(resp, {**repository_to_wire(added), "connection": told}, 201)


class OneRepository(Resource):
    """One repository."""

    @operation(Scope.REPOSITORIES_READ, "Read a repository", returns="Repository")
    def on_get(self, req: falcon.Request, resp: falcon.Response, repository_id: int) -> None:
        """The repository."""
        send(resp, repository_to_wire(self.nexus.repositories.get(repository_id, actor=actor_of(req))))

    @operation(Scope.REPOSITORIES_WRITE, "Edit a repository", body=CHANGES, returns="Repository", errors=("duplicate",))
    def on_patch(self, req: falcon.Request, resp: falcon.Response, repository_id: int) -> None:
        """Change its name, address or branch."""
        changed = self.nexus.repositories.edit(repository_id, self.body(req), actor=actor_of(req))
        send(resp, repository_to_wire(changed))


class RepositoryConnection(Resource):
    """The connection of a repository with its host."""

    @operation(
        Scope.REPOSITORIES_WRITE, "Connect a repository with its host", body=CONNECT, returns="Connection",
    )  # fmt: skip
    def on_post(self, req: falcon.Request, resp: falcon.Response, repository_id: int) -> None:
        """Look at the repository on its host, take over its policy and task file, and say what is wanting."""
        set_up = self.body(req).get("set_up", False)
        done = self.nexus.connections.connect(repository_id, set_up=set_up, actor=actor_of(req))
        send(resp, connection_to_wire(done))


class RepositorySync(Resource):
    """Bringing a repository in step."""

    @operation(Scope.REPOSITORIES_WRITE, "Bring a repository in step", body=(), returns="Repository", status=202)
    def on_post(self, req: falcon.Request, resp: falcon.Response, repository_id: int) -> None:
        """Ask the plugins to read the repository again; it happens in the background."""
        self.body(req)
        actor = actor_of(req)
        self.nexus.repositories.sync(repository_id, actor=actor)
        send(resp, repository_to_wire(self.nexus.repositories.get(repository_id, actor=actor)), 202)
