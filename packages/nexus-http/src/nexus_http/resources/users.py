"""People, and who you are."""

from __future__ import annotations

import falcon

from nexus_core.domain.access import Role
from nexus_core.errors import Fault, Invalid
from nexus_core.wire import user_to_wire
from nexus_http.cursors import part
from nexus_http.fields import PAGE, Field
from nexus_http.operations import ANYBODY, Resource, Scope, actor_of, operation, page, send

ROLES = tuple(str(role) for role in Role)
INVITE = (
    Field(
        "username",
        "text",
        "Their login.",
        required=True,
        max_length=39,
        pattern="^-{0,38}[A-Za-z0-9][A-Za-z0-9-]{0,38}$",
    ),
    Field("role", choices=ROLES),
    Field("provider", "text", "Whose login it is: `github` when none is named.", max_length=40),
)
CHANGE = (
    Field("role", choices=ROLES),
    Field("disabled", "flag", "Shut them out, with their sessions and the keys of their logins; or no longer."),
)


class Users(Resource):
    """All people."""

    @operation(Scope.USERS_READ, "List users", query=PAGE, returns="Page[User]")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Everybody who was invited."""
        users, more = part(self.nexus.users.list(), self.query(req))
        send(resp, page([user_to_wire(user) for user in users], more))

    @operation(Scope.USERS_WRITE, "Invite somebody", body=INVITE, returns="User", status=201, errors=("duplicate",))
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Let a person in, with a role: `developer` when none is named."""
        invited = self.body(req)
        invited.setdefault("role", "developer")
        user = self.nexus.users.invite(**invited, actor=actor_of(req))
        send(resp, user_to_wire(user), 201)


class OneUser(Resource):
    """One person."""

    @operation(
        Scope.USERS_WRITE, "Change somebody's role, or shut them out", body=CHANGE, returns="User",
        errors=("conflict",),
    )  # fmt: skip
    def on_patch(self, req: falcon.Request, resp: falcon.Response, user_id: int) -> None:
        """Give the person another role, or end their access; both count from the next request on."""
        change = self.body(req)
        if len(change) != 1:
            raise Invalid("say what to change", faults=(Fault("/role", "expected this or /disabled, one of both"),))
        if "role" in change:
            user = self.nexus.users.set_role(user_id, change["role"], actor=actor_of(req))
        else:
            user = self.nexus.users.set_disabled(user_id, change["disabled"], actor=actor_of(req))
        send(resp, user_to_wire(user))


class Me(Resource):
    """Whoever asks."""

    @operation(ANYBODY, "Say who you are", returns="Me")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Your name, and what you may do; in a browser also what its changes must say in `X-CSRF-Token`."""
        actor = actor_of(req)
        session = getattr(req.context, "session", None)
        repositories = None if actor.repositories is None else sorted(actor.repositories)
        scopes = sorted(str(scope) for scope in actor.scopes)
        send(resp, {
            "kind": str(actor.kind), "name": actor.name, "id": actor.id, "scopes": scopes,
            "repositories": repositories, "agent": actor.agent, "assignment_id": actor.assignment_id,
            "csrf_token": None if session is None else self.nexus.sessions.csrf_token(session),
        })  # fmt: skip
