"""Errors as RFC 9457 problems: the one table from the error tree to HTTP, for Nexus's errors and the framework's."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import falcon

from nexus_core import errors

from .encoding import encode

PROBLEM_JSON = "application/problem+json"

#: Error class -> status. The nearest class in an error's ancestry decides; what is not here is a 500.
STATUSES: dict[type[errors.NexusError], int] = {
    errors.Invalid: 400,
    errors.UnreadableFile: 409,  # the request is well-formed; what it brings is no file that can be taken in
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.Unavailable: 503,
    errors.KeyReused: 422,
}

#: The framework's and our own HTTP errors: status -> (code, what to say when nothing better is known).
HTTP_CODES: dict[int, tuple[str, str]] = {
    400: ("invalid", "The request is not valid."),
    401: ("unauthenticated", "Who you are could not be established."),
    403: ("forbidden", "You may not do this."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "The method is not allowed here; `Allow` names those that are."),
    406: ("not_acceptable", "None of the accepted media types can be made."),
    408: ("request_timeout", "The request did not arrive in time."),
    411: ("length_required", "A body must come with its Content-Length."),
    412: ("stale_write", "It was changed meanwhile. Read it again, then repeat the change."),
    413: ("too_large", "The body is too large."),
    414: ("uri_too_long", "The address is too long."),
    415: ("unsupported_media_type", "The body has a content type that is not understood here."),
    417: ("expectation_failed", "The expectation cannot be met."),
    428: ("precondition_required", "Send `If-Match` with the ETag of the version that you read."),
    429: ("too_many_requests", "Too many requests; `Retry-After` says when to come again."),
    431: ("headers_too_large", "The request's headers are too large."),
    500: ("unexpected", "Something went wrong here. The request id finds it in the log."),
    501: ("not_implemented", "This is not supported."),
    503: ("unavailable", "Something that is needed cannot be reached at the moment. Try again."),
}

RETRY_AFTER_SECONDS = 2
_DETAILS_WITHHELD = frozenset({"type", "title", "status", "detail", "code", "instance", "request_id", "errors"})
_log = logging.getLogger("nexus.http")


class HttpProblem(Exception):
    """A problem of HTTP itself, such as a missing Content-Length; the domain knows none of these."""

    def __init__(self, status: int, detail: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.detail = detail or HTTP_CODES[status][1]
        self.headers = dict(headers or {})
        super().__init__(self.detail)


def status_of(error: errors.NexusError, *, conditional: bool = False) -> int:
    """The status for an error; `conditional` says that the request carried `If-Match`."""
    if conditional and isinstance(error, errors.StaleWrite):
        return 412
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)


def document(status: int, code: str, detail: str, request_id: str = "", **more: Any) -> dict[str, Any]:
    """A problem as RFC 9457 has it, with our stable `code` and the request's id."""
    title = falcon.code_to_http_status(status).partition(" ")[2]
    named = {
        "type": f"/docs#problem-{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }
    return named | ({"request_id": request_id} if request_id else {}) | more


def of_error(error: errors.NexusError, request_id: str, *, conditional: bool = False) -> dict[str, Any]:
    """The problem for an error of Nexus: its code, its details, and every fault with its pointer."""
    status = status_of(error, conditional=conditional)
    if status == 500:
        return document(500, "unexpected", HTTP_CODES[500][1], request_id)
    more = {key: value for key, value in error.details.items() if key not in _DETAILS_WITHHELD}
    if isinstance(error, errors.Invalid) and error.faults:
        more["errors"] = [{"pointer": fault.pointer, "message": fault.message} for fault in error.faults]
    return document(status, error.code, error.message, request_id, **more)


def install(app: falcon.App[Any, Any]) -> None:
    """Have the application answer every error as a problem."""
    app.add_error_handler(Exception, _on_unexpected)
    app.add_error_handler(falcon.HTTPError, _on_framework_error)
    app.add_error_handler(HttpProblem, _on_http_problem)
    app.add_error_handler(errors.NexusError, _on_nexus_error)


def answer(resp: falcon.Response, problem: Mapping[str, Any]) -> None:
    """Make a problem the answer."""
    resp.status = int(problem["status"])
    resp.content_type = PROBLEM_JSON
    resp.text = None
    resp.media = None
    resp.stream = None
    resp.data = encode(problem)
    if resp.status_code == 503 or problem["code"] == errors.InFlight.code:
        resp.set_header("Retry-After", str(RETRY_AFTER_SECONDS))
    if resp.status_code == 401:
        resp.set_header("WWW-Authenticate", 'Bearer realm="nexus"')


def _on_nexus_error(req: falcon.Request, resp: falcon.Response, error: Exception, _: dict[str, Any]) -> None:
    assert isinstance(error, errors.NexusError)  # noqa: S101 - what the handler is registered for
    req.context.error = error
    problem = of_error(error, request_id(req), conditional=bool(req.get_header("If-Match")))
    if problem["status"] == 500:
        _log.error("request %s failed: %s", request_id(req), error.message, exc_info=error)
    answer(resp, problem)


def _on_http_problem(req: falcon.Request, resp: falcon.Response, error: Exception, _: dict[str, Any]) -> None:
    assert isinstance(error, HttpProblem)  # noqa: S101 - what the handler is registered for
    answer(resp, document(error.status, HTTP_CODES[error.status][0], error.detail, request_id(req)))
    resp.set_headers(error.headers)


def _on_framework_error(req: falcon.Request, resp: falcon.Response, error: Exception, _: dict[str, Any]) -> None:
    assert isinstance(error, falcon.HTTPError)  # noqa: S101 - what the handler is registered for
    code, said = HTTP_CODES.get(error.status_code, ("http", str(error.title)))
    answer(resp, document(error.status_code, code, said, request_id(req)))
    resp.set_headers(error.headers or {})


def _on_unexpected(req: falcon.Request, resp: falcon.Response, error: Exception, _: dict[str, Any]) -> None:
    _log.error("request %s failed: %s %s", request_id(req), req.method, req.path, exc_info=error)
    answer(resp, document(500, "unexpected", HTTP_CODES[500][1], request_id(req)))


def request_id(req: falcon.Request) -> str:
    """The id that the middleware gave to the request."""
    return str(getattr(req.context, "request_id", ""))
