"""What HTTP asks of every address alike: methods that nobody knows, parameters that mean nothing, what is known."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from nexus_core.errors import Fault, Invalid

from .operations import PUBLIC, Operation
from .problems import HttpProblem

if TYPE_CHECKING:
    import falcon

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


class Manners:
    """Falcon middleware, behind the authentication."""

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: object, params: dict[str, Any]
    ) -> None:
        """Refuse an invented method, and parameters of the query that the operation does not have.

        :raises HttpProblem: 405, naming the methods that are allowed
        :raises Invalid: naming each parameter that is not known here
        """
        if req.method not in _METHODS:
            raise HttpProblem(405, headers={"Allow": ", ".join(_allowed(resource))})
        declared = getattr(req.context, "operation", None)
        if declared is not None and req.params and _is_strict(declared):
            _check_names(req, declared)

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        """Give a single document its ETag, and answer 304 to who has it already."""
        declared = getattr(req.context, "operation", None)
        if req.method not in ("GET", "HEAD") or resp.status_code != 200 or not _is_single(declared):
            return
        if resp.get_header("ETag") is None and isinstance(resp.data, bytes):
            resp.etag = hashlib.blake2b(resp.data, digest_size=12).hexdigest()
        # A resource may know of more than what its version tells of.
        known = None if getattr(resp.context, "is_told_anew", False) else req.if_none_match
        current = resp.get_header("ETag")
        if known and current is not None and any(tag == "*" or f'"{tag}"' == current for tag in known):
            resp.status = 304
            resp.data = resp.text = resp.media = None
            resp.delete_header("Content-Type")


def _allowed(resource: object) -> list[str]:
    return [method for method in sorted(_METHODS) if hasattr(resource, f"on_{method.lower()}")]


def _is_strict(declared: Operation) -> bool:
    """Whether the operation says all of its parameters; those of a plugin may read what they like."""
    return declared.scope != PUBLIC and "*/*" not in declared.media


def _check_names(req: falcon.Request, declared: Operation) -> None:
    known = [field.name for field in declared.query]
    if unknown := [name for name in req.params if name not in known]:
        message = f"is not known here; known are {', '.join(known) or 'none'}"
        raise Invalid("the query is not valid", faults=tuple(Fault(f"?{name}", message) for name in unknown))


def _is_single(declared: Operation | None) -> bool:
    return declared is not None and not (declared.returns or "").startswith("Page[")
