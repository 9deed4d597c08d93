"""How much each may ask for: keys by what they read and change, addresses by what they ask without one and what failed.

Whoever brings a valid key, or a webhook with a good signature, is never refused for what others at its address did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import problems
from .metering import WINDOW, Count, Meter
from .operations import PUBLIC
from .problems import HttpProblem

if TYPE_CHECKING:
    import falcon

    from nexus_core.config import Config

_POLICIES = ("reads", "writes", "anonymous", "failures")
_READING = ("GET", "HEAD", "OPTIONS")


class Limits:
    """Falcon middleware, behind the authentication: counts, tells how much is left, and refuses what is too much."""

    def __init__(self, config: Config, meter: Meter) -> None:
        self._meter = meter
        self._quotas = {name: int(config[f"rate_limit.{name}"]) for name in _POLICIES}

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: object, params: dict[str, Any]
    ) -> None:
        """Count the request. :raises HttpProblem: 429, with the time to come again"""
        declared = getattr(req.context, "operation", None)
        if declared is None or not declared.metered:
            return
        actor = getattr(req.context, "actor", None)
        if actor is None:
            policy, who = "anonymous", f"address {address_of(req)}"
        else:
            policy = "reads" if req.method in _READING else "writes"
            who = f"{actor.kind} {actor.name if actor.id is None else actor.id}"
        count = self._meter.count(f"{policy} of {who}", self._quotas[policy])
        self._tell(resp, policy, count)
        if count.used > self._quotas[policy]:
            raise HttpProblem(429, headers={"Retry-After": str(count.reset)})

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        """Count what failed for its credentials, a key or the signature of a webhook; and what leads nowhere."""
        declared = getattr(req.context, "operation", None)
        if resp.status_code != 401 and declared is not None:
            return
        is_public = declared is not None and declared.scope == PUBLIC
        is_failure = resp.status_code == 401 and (is_public or req.get_header("Authorization") is not None)
        policy = "failures" if is_failure else "anonymous"
        count = self._meter.count(f"{policy} of address {address_of(req)}", self._quotas[policy])
        if count.used > self._quotas[policy]:
            code, said = problems.HTTP_CODES[429]
            problems.answer(resp, problems.document(429, code, said, problems.request_id(req)))
            resp.delete_header("WWW-Authenticate")
            resp.set_header("Retry-After", str(count.reset))
            self._tell(resp, policy, count)

    def _tell(self, resp: falcon.Response, policy: str, count: Count) -> None:
        quota = self._quotas[policy]
        resp.set_header("RateLimit-Policy", f'"{policy}";q={quota};w={WINDOW}')
        resp.set_header("RateLimit", f'"{policy}";r={max(0, quota - count.used)};t={count.reset}')


def address_of(req: falcon.Request) -> str:
    """Where a request comes from: what was found out about it, else the other end of the connection."""
    return str(getattr(req.context, "address", None) or req.env.get("REMOTE_ADDR") or "")
