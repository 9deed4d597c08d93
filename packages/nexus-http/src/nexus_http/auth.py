"""Who asks, and whether they may: keys and sessions, the scope of every operation, and a record of those refused."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from nexus_core.domain.access import Actor, Scope, system_actor
from nexus_core.domain.events import AccessRefused
from nexus_core.errors import Fault, Forbidden, Invalid, NexusError, NotFound, StaleClaim, Unauthenticated

from .browser import Browsers
from .client_address import address_of
from .operations import ANYBODY, PUBLIC, Operation, operation_of

if TYPE_CHECKING:
    import falcon

    from nexus_core.nexus import Nexus

#: Parameters that people put a key into. It would stand in every log on the way.
_KEY_PARAMETERS = frozenset({"access_token", "api_key", "apikey", "token", "bearer"})


class KeyInAddress(Invalid):
    """A key stood in the address."""


class Authentication:
    """Falcon middleware: sets `req.context.actor`, or refuses.

    `trusted` is who acts when a request brings no key: for the in-process transport alone, which no network reaches.
    """

    def __init__(self, nexus: Nexus, trusted: Actor | None = None) -> None:
        self._nexus = nexus
        self._trusted = trusted
        self._browsers = Browsers(nexus)

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: object, params: dict[str, Any]
    ) -> None:
        """Let the request through when its actor has the operation's scope.

        :raises Unauthenticated: there is no key, or it is none of ours
        :raises Forbidden: the key lacks the scope
        """
        method = "GET" if req.method == "HEAD" else req.method
        declared = operation_of(resource, method)
        if declared is None:
            if not hasattr(resource, f"on_{method.lower()}") or method == "OPTIONS":
                return  # the framework answers: 405, or what is allowed
            raise Forbidden("this route declares no scope, so nobody may use it")
        req.context.operation = declared
        if declared.scope == PUBLIC:
            return
        req.context.actor = self._admit(req, declared, params)

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        """Put a refusal on record, whoever refused."""
        refused = getattr(req.context, "error", None)
        if isinstance(refused, (Unauthenticated, Forbidden, KeyInAddress)) and not refused.is_on_record:
            self._record(req, refused)

    def _admit(self, req: falcon.Request, declared: Operation, params: dict[str, Any]) -> Actor:
        try:
            actor = _from_where(self.identify(req), req)
        except Unauthenticated:
            self._tell_former_holder(req, params)
            raise
        req.context.actor = actor
        req.context.identify_again = partial(self.identify, req)  # for answers that last
        if declared.scope != ANYBODY:
            actor.require(Scope(declared.scope))
        if actor.assignment_id is not None and params.get("assignment_id", actor.assignment_id) != actor.assignment_id:
            raise NotFound("there is no such assignment, or it is not yours to see")
        return actor

    def identify(self, req: falcon.Request) -> Actor:
        """Who the key in `Authorization` belongs to; without one, who the browser's session does.

        :raises Unauthenticated: there is none, or it is none of ours
        :raises Forbidden: another site may have made the request
        """
        _refuse_key_in_query(req)
        header = req.get_header("Authorization")
        if header is None:
            if (session := self._browsers.session_of(req)) is not None:
                req.context.session = session
                return self._browsers.identify(req, session)
            if self._trusted is not None:
                return self._trusted
            raise Unauthenticated("send an API key as “Authorization: Bearer …”")
        scheme, _, secret = header.partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise Unauthenticated("send an API key as “Authorization: Bearer …”")
        return self._nexus.keys.authenticate(secret.strip())

    def _tell_former_holder(self, req: falcon.Request, params: dict[str, Any]) -> None:
        """Let an agent that reports to an assignment hear that it has ended, rather than that its key has.

        :raises StaleClaim: the key was that assignment's, and ended with it
        """
        secret = (req.get_header("Authorization") or "").partition(" ")[2].strip()
        reported_to = params.get("assignment_id") if req.method == "POST" and secret else None
        if reported_to is not None and self._nexus.keys.ended_assignment(secret) == reported_to:
            raise StaleClaim

    def _record(self, req: falcon.Request, refused: NexusError) -> None:
        actor = getattr(req.context, "actor", None) or _from_where(system_actor("http"), req)
        self._nexus.refusals.note(
            AccessRefused, actor=actor, address=address_of(req), reason=refused.message,
            code="key_in_address" if isinstance(refused, KeyInAddress) else refused.code, method=req.method,
            path=req.path[:200], key_given=req.get_header("Authorization") is not None,
        )  # fmt: skip


def _from_where(actor: Actor, req: falcon.Request) -> Actor:
    """The actor with what the audit says of the request."""
    return attrs.evolve(actor, address=address_of(req) or None, request_id=getattr(req.context, "request_id", None))


def _refuse_key_in_query(req: falcon.Request) -> None:
    for name in _KEY_PARAMETERS & {name.lower() for name in req.params}:
        raise KeyInAddress(
            "a key does not belong into an address; send it as “Authorization: Bearer …”, and revoke this one",
            faults=(Fault(f"?{name}", "is not accepted"),),
        )
