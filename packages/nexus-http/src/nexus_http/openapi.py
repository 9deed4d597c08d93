"""The OpenAPI document, made from the route table and from what every operation declares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nexus_core import __version__
from nexus_core.errors import NexusError, all_errors

from .examples import example_of
from .fields import Field, body_schema
from .links import links_of
from .operations import ANYBODY, PUBLIC, Operation, operation_of
from .problems import HTTP_CODES, status_of
from .responses import responses
from .routes import API, all_routes, plugin_resource
from .schemas import all_schemas, reference

if TYPE_CHECKING:
    from nexus_core.nexus import Nexus

IDEMPOTENCY_KEY = {"type": "string", "pattern": "^[!-~]{1,255}$", "minLength": 1, "maxLength": 255}
_PARAMETER = re.compile(r"{(\w+)(?::[^}]*)?}")
_ABOUT = """One hub for many repositories and many coding agents.

Errors are RFC 9457 problems with a stable `code`. Lists answer `items` and `next_cursor`; hand that on as `cursor`.
What a key may not see does not exist for it: the answer is 404, never 403. The fields of an answer may become more.
"""
TAGS = {
    "tasks": "What is to be done, in which order, and why.",
    "repositories": "The repositories that Nexus looks after, and the documents that it keeps in them.",
    "users": "People, with their roles.",
    "me": "Whoever asks.",
    "agents": "Agents, and tasks given to them by people.",
    "assignments": "One agent on one task: leases, activities, and how it ends. The holder's writes carry its `fence`.",
    "keys": "Keys for agents and tools; each is shown once.",
    "events": "All that happened, in the order of the commits.",
    "jobs": "Background work.",
    "deliveries": "Webhooks as they came.",
    "webhooks": "Where other systems send their webhooks.",
    "inbox": "Questions of agents that wait for a person.",
    "plugins": "What is installed.",
    "doctor": "How the hub is.",
    "auth": "How people come in.",
    "server": "The server itself: health, figures, this description.",
}


def describe(nexus: Nexus) -> dict[str, Any]:
    """The whole API as OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    codes = problem_codes()
    for path, method, operation, resource in operations(nexus):
        place = paths.setdefault(_PARAMETER.sub(r"{\1}", path), {})
        place[method.lower()] = _operation(path, method, operation, resource, codes)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Project Nexus", "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}, "description": _ABOUT,
        },
        "servers": [{"url": nexus.config.public_url}],
        "security": [{"key": []}],
        "tags": _tags(paths),
        "paths": paths,
        "components": {
            "schemas": all_schemas(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key, nxs_…"}},
        },
        "x-problem-codes": codes,
    }  # fmt: skip
    settled: dict[str, Any] = _settled(document, _Hub(nexus))
    return settled


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


class _Hub:
    """What depends on the hub: the prefix of its tasks, and the names that its plugins add."""

    def __init__(self, nexus: Nexus) -> None:
        self.prefix = "".join(
            f"[{one.upper()}{one.lower()}]" if one.isalpha() else one for one in nexus.config.key_prefix
        )
        checks = nexus.task_doctor.checks()
        self.listed = {
            "formats": sorted(nexus.plugins.formats),
            "checks": sorted(check.code for check in checks),
            "mends": sorted(
                {f"{check.code}:{mend.name}" for check in checks for mend in check.mends}
                | {check.code for check in checks if check.mend() is not None}
            ),
        }


def _settled(value: Any, hub: _Hub) -> Any:
    """A part of the document with what the hub knows filled in."""
    if isinstance(value, list):
        return [_settled(one, hub) for one in value]
    if isinstance(value, str):
        return value.replace("TASK_PREFIX", hub.prefix)
    if not isinstance(value, dict):
        return value
    return {
        "enum" if name == "x-listed" else name: hub.listed[one] if name == "x-listed" else _settled(one, hub)
        for name, one in value.items()
    }


def _tags(paths: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    used = dict.fromkeys(operation["tags"][0] for methods in paths.values() for operation in methods.values())
    return [{"name": tag, "description": TAGS.get(tag, "What a plugin brings.")} for tag in used]


def _declared(resource: object, method: str) -> Operation:
    declared = operation_of(resource, method)
    if declared is None:
        raise LookupError(f"{resource!r} declares no operation for {method}")
    return declared


def _words(resource: object, method: str) -> str:
    return " ".join((getattr(resource, f"on_{method.lower()}").__doc__ or "").split())


def _operation(
    path: str, method: str, operation: Operation, words: str, codes: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    tag = path.removeprefix(API).strip("/").partition("/")[0] if path.startswith(API) else "server"
    scope = {PUBLIC: "public", ANYBODY: "any key"}.get(operation.scope, str(operation.scope))
    name = _identifier(method, path)
    described: dict[str, Any] = {
        "operationId": name, "tags": [tag], "summary": operation.summary, "description": words,
        "x-scope": scope, "parameters": _parameters(path, method, operation),
        "responses": responses(path, method, operation, codes),
    }  # fmt: skip
    if links := links_of(name):
        described["responses"][str(operation.status)]["links"] = links
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
        {"name": name, "in": "path", "required": True, **_path_field(name, kind)}
        for name, kind in re.findall(r"{(\w+)(?::(\w+)[^}]*)?}", path)
    ]
    found += [_parameter(field, "query") for field in operation.query]
    if operation.conditional:
        words = "The ETag of the version that you read; 428 without it, 412 when it was changed meanwhile."
        found.append(_parameter(Field("If-Match", "text", words, required=True, min_length=1, example='"4"'), "header"))
    if operation.takes_key(method):
        found.append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": IDEMPOTENCY_KEY})
    return found + [_parameter(field, "header") for field in operation.headers]


def _parameter(field: Field, place: str) -> dict[str, Any]:
    schema = field.schema()
    doc = {"description": schema.pop("description")} if "description" in schema else {}
    example = {"example": field.example} if field.example is not None else {}
    return {"name": field.name, "in": place, "required": field.required, "schema": schema} | doc | example


def _path_field(name: str, kind: str) -> dict[str, Any]:
    if kind == "int":
        return {"schema": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}, "example": 5}
    if name in ("task", "other"):
        schema = Field(name, "task").schema() | {"type": "string"}
        words = "Its number, or its key such as `NX-12`."
        return {"schema": {"type": "string", "pattern": schema["pattern"]}, "description": words, "example": "12"}
    return {"schema": {"type": "string", "minLength": 1, "pattern": "^[^/\\x00]+$"}, "example": "github"}


def _request_body(operation: Operation) -> dict[str, Any] | None:
    content: dict[str, Any] = {}
    fields = operation.body
    if fields is not None:
        shown = {"schema": _body(fields, operation.one_of), "example": _example(fields, operation.one_of)}
        content["application/json"] = shown
        # As it is for JSON, where the media type is another name for it; else the bytes as they are.
        content |= {media: shown for media in operation.media if media.endswith("+json")}
    content |= {media: {"schema": {"type": "string"}} for media in operation.media if media not in content}
    if not content:
        return None
    needed = bool(operation.one_of) or any(field.required for field in fields or ())
    return {"required": needed, "content": content}


def _body(fields: tuple[Field, ...], one_of: tuple[str, ...]) -> dict[str, Any]:
    """The schema of a body; of `one_of` exactly one is there, the others are missing or null."""
    if not one_of:
        return body_schema(fields)
    variants = []
    for chosen in one_of:
        variant = body_schema(fields)
        variant["required"] = [*variant.get("required", ()), chosen]
        for name in one_of:
            schema = dict(variant["properties"][name])
            if name == chosen:
                schema = _not_null(schema)
            else:
                schema = {"type": "null"}
            variant["properties"][name] = schema
        variants.append(variant)
    return {"anyOf": variants}  # not oneOf: the tools ask for more to tell its variants apart


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = [kind for kind in schema["type"] if kind != "null"]
    enum = {"enum": [one for one in schema["enum"] if one is not None]} if "enum" in schema else {}
    least = {"minItems": 1} if "array" in kinds else {}
    return schema | {"type": kinds[0]} | enum | least


def _example(fields: tuple[Field, ...], one_of: tuple[str, ...]) -> dict[str, Any]:
    """A body as people would send it: what is required, and what shows how the rest is written."""
    return {
        field.name: example_of(field.name, field.schema())
        for field in fields
        if (field.required or field.name in _TOLD) and field.name not in one_of[1:]
    }


#: Fields that an example shows although they are not required.
_TOLD = frozenset({"priority", "labels", "repository", "reason", "max_complexity", "summary", "branch", "scopes"})

__all__ = ["describe", "operations", "problem_codes", "reference"]
