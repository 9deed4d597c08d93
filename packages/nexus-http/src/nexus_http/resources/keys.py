"""API keys."""

from __future__ import annotations

import falcon

from nexus_core.clock import from_text
from nexus_core.domain.access import Role
from nexus_core.errors import Fault, Invalid
from nexus_core.wire import key_to_wire, new_key_to_wire
from nexus_http.cursors import part
from nexus_http.fields import PAGE, Field
from nexus_http.operations import Resource, Scope, actor_of, operation, page, send

SCOPES = tuple(str(scope) for scope in Scope)
ROLES = tuple(str(role) for role in Role)
NEW = (
    Field("name", "text", "What it is for.", required=True, min_length=1, max_length=100),
    Field("scopes", "texts", "What it may do; instead of a role.", choices=SCOPES, nullable=True),
    Field("role", "text", "A named set of scopes.", choices=ROLES, nullable=True),
    Field("repositories", "ids", "Only these; null = all.", nullable=True),
    Field("agent", "text", "The agent that it is bound to.", nullable=True, min_length=1, max_length=100),
    Field("expires_at", "time", "An instant in ISO 8601.", nullable=True),
)


class Keys(Resource):
    """All keys."""

    @operation(Scope.KEYS_READ, "List keys", query=PAGE, returns="Page[Key]")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """The keys, without their secrets."""
        keys, more = part(self.nexus.keys.list(actor=actor_of(req)), self.query(req))
        send(resp, page([key_to_wire(key) for key in keys], more))

    @operation(
        Scope.KEYS_WRITE,
        "Create a key",
        body=NEW,
        returns="NewKey",
        status=201,
        errors=("not_found",),
        one_of=("scopes", "role"),
    )
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A new key; this answer is the only place where it is shown."""
        new = self.body(req)
        actor = actor_of(req)
        scopes, role = new.pop("scopes", None), new.pop("role", None)
        if (scopes is None) == (role is None):
            raise Invalid("name either scopes or a role", faults=(Fault("/scopes", "expected, or else a role"),))
        if new.get("expires_at") is not None:
            new["expires_at"] = from_text(new["expires_at"])
        made = self.nexus.keys.create(new.pop("name"), scopes=scopes, role=role, **new, actor=actor)
        send(resp, new_key_to_wire(made), 201)


class OneKey(Resource):
    """One key."""

    @operation(Scope.KEYS_WRITE, "Revoke a key", status=204)
    def on_delete(self, req: falcon.Request, resp: falcon.Response, key_id: int) -> None:
        """The key is refused from now on."""
        self.nexus.keys.revoke(key_id, actor=actor_of(req))
        resp.status = 204
