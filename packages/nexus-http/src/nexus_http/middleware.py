"""Around every request: an id, one line in the log, security headers, and what a body may be before it is read."""

from __future__ import annotations

import logging
import re
import secrets
import time
from fnmatch import fnmatchcase
from itertools import count, repeat
from typing import TYPE_CHECKING, Any

from .counters import RequestCounters
from .encoding import encode
from .operations import Operation, operation_of
from .problems import HttpProblem

if TYPE_CHECKING:
    import falcon

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_log = logging.getLogger("nexus.http.access")

#: On every answer. A page of its own (docs) loosens the policy for itself.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HSTS = "max-age=31536000"


class Journal:
    """Falcon middleware: the request's id, its line in the log, its count, the headers of every answer."""

    def __init__(self, counters: RequestCounters, *, tls: bool) -> None:
        self._counters = counters
        self._headers = HEADERS | ({"Strict-Transport-Security": HSTS} if tls else {})
        self._ids = map("{}{:012x}".format, repeat(secrets.token_hex(10)), count(1))

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Give the request its id: the caller's, when it is a sane one. Set the headers that all answers have."""
        given = req.get_header("X-Request-Id")
        is_sane = given is not None and _REQUEST_ID.fullmatch(given)
        req.context.request_id = given if is_sane else next(self._ids)
        req.context.started = time.perf_counter()
        resp.set_headers(self._headers)
        resp.set_header("X-Request-Id", req.context.request_id)

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        """Count, and log."""
        seconds = time.perf_counter() - req.context.started
        self._counters.count(req.method, resp.status_code, seconds)
        if _log.isEnabledFor(logging.INFO):
            _log.info(_line(req, resp.status_code, seconds))


def _line(req: falcon.Request, status: int, seconds: float) -> str:
    """A request in the log: no query and no header, since both may hold what nobody should read."""
    actor = getattr(req.context, "actor", None)
    fields: dict[str, Any] = {
        "request_id": req.context.request_id, "method": req.method, "path": req.path[:500], "status": status,
        "ms": round(seconds * 1000, 1), "actor": f"{actor.kind}:{actor.name}" if actor else None,
    }  # fmt: skip
    return encode(fields).decode()


class BodyRules:
    """Falcon middleware: refuses a body by its headers, before a byte of it is read."""

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: object, params: dict[str, Any]
    ) -> None:
        """Check length, encoding and type.

        :raises HttpProblem: 411, 413 or 415
        """
        declared = operation_of(resource, req.method) if req.method in _BODY_METHODS else None
        if declared is None:
            return
        if req.get_header("Transfer-Encoding") is not None and req.content_length is None:
            raise HttpProblem(411)
        length = req.content_length or 0
        if length > declared.max_body:
            raise HttpProblem(413, f"the body is larger than {declared.max_body} bytes", {"Connection": "close"})
        if length:
            _check_encoding(req)
            _check_type(req, declared)


def _check_encoding(req: falcon.Request) -> None:
    encoding = (req.get_header("Content-Encoding") or "identity").strip().lower()
    if encoding != "identity":
        raise HttpProblem(415, f"send the body as it is, without the content encoding {encoding[:40]!r}")


def _check_type(req: falcon.Request, declared: Operation) -> None:
    if "*/*" in declared.media:
        return
    given = media_type(req)
    accepted = [*(["application/json"] if declared.body is not None else []), *declared.media]
    if any(fnmatchcase(given, pattern) for pattern in accepted) or (declared.body is not None and is_json(given)):
        return
    if not accepted:
        raise HttpProblem(415, "this takes no body")
    raise HttpProblem(415, f"send the body as {' or '.join(accepted)}")


def media_type(req: falcon.Request) -> str:
    """The media type of the body, without its parameters, in small letters; empty when none is given."""
    return (req.content_type or "").partition(";")[0].strip().lower()


def is_json(media: str) -> bool:
    """Whether a media type is JSON."""
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))
