"""Every answer that an operation may give: each status with its headers and problem codes, for the document."""

from __future__ import annotations

from typing import Any

from .examples import example_of
from .operations import PUBLIC, Operation
from .problems import PROBLEM_JSON, document
from .schemas import all_schemas, reference

_TEXT = {"type": "string"}
_HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "X-Request-Id": ("Finds the request in the log.", _TEXT),
    "ETag": ("The version, for `If-Match` and `If-None-Match`.", _TEXT),
    "Location": ("Where the new thing is.", _TEXT),
    "Retry-After": ("Seconds to wait.", {"type": "integer"}),
    "WWW-Authenticate": ("How to say who you are.", _TEXT),
}
#: What nothing but a broken network of ours, a broken disk or a fault can cause, on every operation.
_ALWAYS = ("invalid", "headers_too_large", "unexpected", "unavailable", "contention")
_NAMING = frozenset({"name", "task"})  #: types of fields that name something that may not be there


def responses(path: str, method: str, operation: Operation, codes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Status -> answer: the good ones first."""
    found = {str(operation.status): _good(operation)}
    if operation.returns == "Claim":
        found["204"] = {"description": "Nothing is ready.", "headers": _headers("X-Request-Id")}
    if any(header.name == "If-None-Match" for header in operation.headers):
        found["304"] = {"description": "It is what you have.", "headers": _headers("X-Request-Id", "ETag")}
    by_status: dict[int, list[str]] = {}
    for code in _codes(path, method, operation):
        status = 412 if code == "stale_write" and _is_conditional(operation) else codes[code]["status"]
        by_status.setdefault(status, []).append(code)
    return found | {str(status): _problem(status, by_status[status], codes) for status in sorted(by_status)}


def _is_conditional(operation: Operation) -> bool:
    return operation.conditional or any(header.name == "If-Match" for header in operation.headers)


def _codes(path: str, method: str, operation: Operation) -> list[str]:
    """The problem codes that the operation may answer with, each once."""
    found = [*_ALWAYS, *operation.errors]
    if operation.scope != PUBLIC:
        found += ["unauthenticated", "forbidden"]
    fields = (*operation.query, *(operation.body or ()))
    if "{" in path or any(field.type in _NAMING or field.name == "repository" for field in fields):
        found.append("not_found")
    if operation.scope == PUBLIC and "{" in path:
        found += ["unauthenticated", "forbidden"]  # the sender's signature
    if len(operation.answers) > 1:
        found.append("not_acceptable")
    if method in ("POST", "PUT", "PATCH", "DELETE"):
        found += ["length_required", "too_large", "unsupported_media_type", "conflict"]
    if operation.takes_key(method):
        found.append("idempotency_key_reused")
    if operation.conditional:
        found += ["stale_write", "precondition_required"]
    return list(dict.fromkeys(found))


def _good(operation: Operation) -> dict[str, Any]:
    names = ["X-Request-Id"]
    if operation.returns == "Task":
        names.append("ETag")
    if operation.status == 201 and operation.returns in ("Task", "Repository", "Claim", "Assignment"):
        names.append("Location")
    good: dict[str, Any] = {"description": operation.summary, "headers": _headers(*names)}
    if operation.status != 204:
        good["content"] = {media: _content(media, operation) for media in operation.answers}
    return good


def _content(media: str, operation: Operation) -> dict[str, Any]:
    if media == "text/event-stream":
        data = {"type": "string", "contentMediaType": "application/json", "contentSchema": reference("Event")}
        properties = {"id": _TEXT, "event": _TEXT, "data": data, "retry": {"type": "integer"}}
        return {"schema": {"type": "object", "properties": properties, "description": "Each event of the stream."}}
    if not media.endswith("json"):
        return {"schema": {"type": "string"}}
    if operation.returns is None:
        return {"schema": {"type": "object"}}
    shape = reference(operation.returns)
    return {"schema": shape, "example": example_of("", shape, all_schemas())}


def _problem(status: int, listed: list[str], codes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    names = ["X-Request-Id", *({401: ["WWW-Authenticate"], 503: ["Retry-After"]}.get(status, []))]
    said = "; ".join(f"`{code}`: {codes[code]['meaning']}" for code in listed)
    example = document(status, listed[0], codes[listed[0]]["meaning"])
    return {
        "description": said,
        "headers": _headers(*names),
        "content": {PROBLEM_JSON: {"schema": reference("Problem"), "example": example}},
        "x-problem-codes": listed,
    }


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"description": _HEADERS[name][0], "schema": _HEADERS[name][1]} for name in names}
