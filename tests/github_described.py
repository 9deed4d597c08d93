"""Calls held to GitHub's own description of its REST API, as tools/github_description.py cut it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema

from nexus_demo.standins.github import Recorded
from nexus_plugin_github.transport import USER_AGENT

FILE = Path(__file__).parent / "github_rest.json"
_DOCUMENT = json.loads(FILE.read_text("utf-8"))
#: Called, and not described there: whose organisations, repositories by id after a redirect, GitHub's login.
_BESIDE = re.compile(r"/user/orgs|/repositories/[0-9]+(/.*)?|/login/.*")


def _resolved(part: Any) -> Any:
    """A part with what it refers to in place, in JSON Schema's words."""
    if isinstance(part, list):
        return [_resolved(one) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        _, _, kind, name = part["$ref"].split("/")
        return _resolved(_DOCUMENT["components"][kind][name])
    found = {key: _resolved(value) for key, value in part.items()}
    if found.pop("nullable", False) and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found


PATHS = _resolved(_DOCUMENT["paths"])


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)))


_PATTERNS = sorted(((_pattern(path), path) for path in PATHS), key=lambda pair: pair[1].count("{"))


def _operation(request: Recorded, path: str) -> tuple[str, dict[str, Any], dict[str, str]] | None:
    for pattern, name in _PATTERNS:
        if (found := pattern.fullmatch(path)) and request.method.lower() in PATHS[name]:
            given = {key: unquote(value) for key, value in found.groupdict().items()}
            return name, PATHS[name][request.method.lower()], given
    return None


def _read(value: str, schema: dict[str, Any]) -> Any:
    """A parameter as its schema reads it."""
    if schema.get("type") == "integer" and re.fullmatch(r"-?[0-9]+", value):
        return int(value)
    return {"true": True, "false": False}.get(value, value) if schema.get("type") == "boolean" else value


def faults(request: Recorded) -> list[str]:
    """What GitHub's description has against a request, and against the status of its answer."""
    parts = urlsplit(request.path)
    what = f"{request.method} {parts.path}"
    found = _operation(request, parts.path)
    if found is None:
        return [] if _BESIDE.fullmatch(parts.path) else [f"{what}: GitHub has no such call"]
    _, operation, given = found
    given |= dict(parse_qsl(parts.query, keep_blank_values=True))
    wrong = []
    parameters = {one["name"]: one for one in operation.get("parameters", [])}
    wrong += [f"{what}: there is no parameter {name}" for name in given.keys() - parameters.keys()]
    for name, one in parameters.items():
        if name in given:
            wrong += _errors(_read(given[name], one["schema"]), one["schema"], f"{what}: {name}")
        elif one.get("required"):
            wrong.append(f"{what}: the parameter {name} is missing")
    return wrong + _body_faults(request, operation, what)


def _body_faults(request: Recorded, operation: dict[str, Any], what: str) -> list[str]:
    described = operation.get("requestBody")
    if described is None:
        return [f"{what}: takes no body"] if request.body else []
    if not request.body:
        return [f"{what}: the body is missing"] if described.get("required") else []
    schema = described["content"]["application/json"]["schema"]
    body = request.json
    wrong = _errors(body, schema, what)
    # GitHub takes no notice of fields that it does not know; what we mean by one would be lost.
    if isinstance(body, dict) and "properties" in schema and not schema.get("additionalProperties"):
        wrong += [f"{what}: there is no field {name}" for name in body.keys() - schema["properties"].keys()]
    return wrong


def _errors(value: Any, schema: dict[str, Any], what: str) -> list[str]:
    return [f"{what}: {error.message}" for error in jsonschema.Draft202012Validator(schema).iter_errors(value)]


def ours(requests: Iterable[Recorded]) -> list[Recorded]:
    """The requests that the plugin made, without those that tests make by hand."""
    return [one for one in requests if one.headers.get("user-agent") == USER_AGENT]


def operations(requests: Iterable[Recorded]) -> set[str]:
    """Which operations were called."""
    found = ((one.method, _operation(one, urlsplit(one.path).path)) for one in requests)
    return {f"{method} {operation[0]}" for method, operation in found if operation}
