"""The OpenAPI document, made from the route table and from what every operation declares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nexus_core import __version__
from nexus_core.errors import NexusError, all_errors

from .fields import body_schema
from .operations import ANYBODY, PUBLIC, Operation, operation_of
from .problems import HTTP_CODES, PROBLEM_JSON, status_of
from .routes import API, all_routes, plugin_resource
from .schemas import all_schemas, reference

if TYPE_CHECKING:
    from nexus_core.nexus import Nexus

IDEMPOTENCY_KEY = {"type": "string", "pattern": "^[!-~]{1,255}$", "minLength": 1, "maxLength": 255}
_PARAMETER = re.compile(r"{(\w+)(?::[^}]*)?}")


def describe(nexus: Nexus) -> dict[str, Any]:
    """The whole API as OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for path, method, operation, resource in operations(nexus):
        place = paths.setdefault(_PARAMETER.sub(r"{\1}", path), {})
        place[method.lower()] = _operation(path, method, operation, resource)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Project Nexus", "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "One hub for many repositories and many coding agents. Errors are RFC 9457 problems.",
        },
        "servers": [{"url": nexus.config.public_url}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": all_schemas(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key, nxs_…"}},
            "responses": {"Problem": {
                "description": "What went wrong.", "content": {PROBLEM_JSON: {"schema": reference("Problem")}},
            }},
        },
        "x-problem-codes": problem_codes(),
    }  # fmt: skip


def operations(nexus: Nexus) -> Iterator[tuple[str, str, Operation, str]]:
    """Path, method, declaration and the responder's own words, for every route of ours and of plugins."""
    for path, entry in all_routes():
        resource = entry.load()
        for method in entry.methods:
            yield path, method, _declared(resource, method), _words(resource, method)
    for route in nexus.plugins.routes.values():
        made = plugin_resource(route, nexus)
        for method in made.methods:
            yield API + route.path, method, _declared(made, method), _words(made.target, method)


def problem_codes() -> dict[str, dict[str, Any]]:
    """Every code that an error may carry, with its status and what it means."""
    codes = {code: {"status": status, "meaning": said} for status, (code, said) in HTTP_CODES.items()}
    for kind in all_errors():
        status = status_of(kind.__new__(kind))
        if kind is not NexusError and status != 500:
            codes[kind.code] = {"status": status, "meaning": (kind.__doc__ or "").strip()}
    return dict(sorted(codes.items()))


def _declared(resource: object, method: str) -> Operation:
    declared = operation_of(resource, method)
    if declared is None:
        raise LookupError(f"{resource!r} declares no operation for {method}")
    return declared


def _words(resource: object, method: str) -> str:
    return " ".join((getattr(resource, f"on_{method.lower()}").__doc__ or "").split())


def _operation(path: str, method: str, operation: Operation, words: str) -> dict[str, Any]:
    tag = path.removeprefix(API).strip("/").partition("/")[0] if path.startswith(API) else "server"
    scope = {PUBLIC: "public", ANYBODY: "any key"}.get(operation.scope, str(operation.scope))
    described: dict[str, Any] = {
        "operationId": _identifier(method, path), "tags": [tag], "summary": operation.summary, "description": words,
        "x-scope": scope, "parameters": _parameters(path, method, operation), "responses": _responses(operation),
    }  # fmt: skip
    if operation.scope == PUBLIC:
        described["security"] = []
    if body := _request_body(operation):
        described["requestBody"] = body
    return described


def _identifier(method: str, path: str) -> str:
    words = re.findall(r"\w+", _PARAMETER.sub(r"\1", path.removeprefix(API)))
    return "_".join([method.lower(), *words])


def _parameters(path: str, method: str, operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(kind)}
        for name, kind in re.findall(r"{(\w+)(?::(\w+)[^}]*)?}", path)
    ]
    for field in operation.query:
        schema = field.schema()
        doc = {"description": schema.pop("description")} if "description" in schema else {}
        found.append({"name": field.name, "in": "query", "required": field.required, "schema": schema} | doc)
    if operation.conditional:
        found.append({"name": "If-Match", "in": "header", "required": True, "schema": {"type": "string"}})
    if operation.takes_key(method):
        found.append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": IDEMPOTENCY_KEY})
    return found


def _path_schema(kind: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1} if kind == "int" else {"type": "string"}


def _request_body(operation: Operation) -> dict[str, Any] | None:
    content: dict[str, Any] = {}
    if operation.body is not None:
        content["application/json"] = {"schema": body_schema(operation.body)}
    content |= {media: {} for media in operation.media if media not in content}
    if not content:
        return None
    needed = any(field.required for field in operation.body or ())
    return {"required": needed, "content": content}


def _responses(operation: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": operation.summary}
    if operation.status != 204:
        shape = reference(operation.returns) if operation.returns else {}
        good["content"] = {media: {"schema": shape if media.endswith("json") else {}} for media in operation.answers}
    problem = {"$ref": "#/components/responses/Problem"}
    found = {str(operation.status): good}
    if operation.returns == "Claim":
        found["204"] = {"description": "Nothing is ready."}
    codes = problem_codes()
    statuses = {str(codes[code]["status"]) for code in operation.errors if code in codes}
    statuses |= {"400"} if operation.body is not None or operation.query else set()
    statuses |= {"401", "403"} if operation.scope != PUBLIC else set()
    statuses |= {"412", "428"} if operation.conditional else set()
    return found | dict.fromkeys(sorted(statuses), problem) | {"default": problem}
