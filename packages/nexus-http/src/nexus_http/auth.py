"""Who asks, and whether they may: bearer keys, the scope of every operation, and a record of those refused."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from nexus_core.domain.access import Actor, Scope, system_actor
from nexus_core.errors import Fault, Forbidden, Invalid, NexusError, NotFound, StaleClaim, Unauthenticated

from .operations import ANYBODY, PUBLIC, Operation, operation_of

if TYPE_CHECKING:
    import falcon

    from nexus_core.nexus import Nexus

#: Parameters that people put a key into. It would stand in every log on the way.
_KEY_PARAMETERS = frozenset({"access_token", "api_key", "apikey", "token", "bearer"})
_RECORDED_A_MINUTE = 60
_log = logging.getLogger("nexus.http")


class Authentication:
    """Falcon middleware: sets `req.context.actor`, or refuses.

    `trusted` is who acts when a request brings no key: for the in-process transport alone, which no network reaches.
    """

    def __init__(self, nexus: Nexus, trusted: Actor | None = None) -> None:
        self._nexus = nexus
        self._trusted = trusted
        self._recorded = _Budget(_RECORDED_A_MINUTE)

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
        try:
            req.context.actor = self._admit(req, declared, params)
        except (Unauthenticated, Forbidden) as refused:
            self._record(req, refused)
            raise

    def _admit(self, req: falcon.Request, declared: Operation, params: dict[str, Any]) -> Actor:
        try:
            actor = self.identify(req)
        except Unauthenticated:
            self._tell_former_holder(req, params)
            raise
        req.context.actor = actor
        if declared.scope != ANYBODY:
            actor.require(Scope(declared.scope))
        if actor.assignment_id is not None and params.get("assignment_id", actor.assignment_id) != actor.assignment_id:
            raise NotFound("there is no such assignment, or it is not yours to see")
        return actor

    def identify(self, req: falcon.Request) -> Actor:
        """Who the key in `Authorization` belongs to.

        :raises Unauthenticated: there is none, or it is none of ours
        """
        _refuse_key_in_query(req)
        header = req.get_header("Authorization")
        if header is None:
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
        """Keep the refusal among the events; so many a minute, since anybody on the network can cause them."""
        if not self._recorded.take():
            _log.warning("refused %s %s: %s (not recorded: too many)", req.method, req.path, refused.code)
            return
        payload = {
            "reason": refused.message, "method": req.method, "path": req.path[:200], "address": req.remote_addr,
        }  # fmt: skip
        actor = getattr(req.context, "actor", None) or system_actor("http")
        try:
            self._nexus.events.record("access.refused", payload=payload, actor=actor)
        except NexusError:
            _log.exception("a refusal could not be recorded")


def _refuse_key_in_query(req: falcon.Request) -> None:
    for name in _KEY_PARAMETERS & {name.lower() for name in req.params}:
        raise Invalid(
            "a key does not belong into an address; send it as “Authorization: Bearer …”, and revoke this one",
            faults=(Fault(f"?{name}", "is not accepted"),),
        )


class _Budget:
    """Lets so many through in each minute."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._left = size
        self._minute = 0
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether there is one left in this minute."""
        with self._lock:
            minute = int(time.monotonic() // 60)
            if minute != self._minute:
                self._minute, self._left = minute, self._size
            self._left -= 1
            return self._left >= 0
