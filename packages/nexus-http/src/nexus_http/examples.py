"""Examples of bodies and answers, made from their schemas: one small story, told with the same names everywhere."""

from __future__ import annotations

from typing import Any

INSTANT = "2026-01-31T12:00:00.000000Z"

#: Field -> what it looks like, where its type alone would say too little.
_VALUES: dict[str, Any] = {
    "title": "Refuse stale tokens", "description": "Tokens are accepted after their end.", "key": "NX-12",
    "name": "acme/api", "url": "https://github.com/acme/api.git", "default_branch": "main", "agent": "claude",
    "reason": "acme/api#7 merged", "repository": "acme/api", "labels": ["python"], "scopes": ["tasks:read"],
    "branch": "nexus/nx-12-refuse-stale-tokens", "summary": "Stale tokens are refused.", "username": "octocat",
    "body": "The token's end is checked in two places.", "answer": "Both", "choices": ["Both", "One"],
    "status": "done", "priority": "high", "type": "thought", "max_complexity": 7, "fence": 3, "task_id": 12,
    "content": '{"tasks": [{"id": 1, "title": "Refuse stale tokens"}]}', "path": ".taskmaster/tasks/tasks.json",
    "error": "the tests fail", "dependencies": [3, 9], "external_key": "master:3.2", "version": 4, "id": 12,
    "lane": "default", "kind": "core.delivery", "source": "github", "items": None,
}  # fmt: skip


def example_of(name: str, schema: dict[str, Any], shapes: dict[str, Any] | None = None, depth: int = 0) -> Any:
    """A value of a schema; `shapes` resolves references."""
    if "$ref" in schema:
        return _referred(name, schema["$ref"].rpartition("/")[2], shapes, depth)
    if "anyOf" in schema:
        return None if depth > 1 else example_of(name, schema["anyOf"][0], shapes, depth)
    known = _VALUES.get(name)
    if known is not None and _fits(known, schema):
        return known
    if "enum" in schema:
        return schema["enum"][0]
    return _plain(name, schema, shapes, depth)


def _referred(name: str, shape: str, shapes: dict[str, Any] | None, depth: int) -> Any:
    if shapes is None or shape not in shapes or depth > 4:
        return {}
    return example_of(name, shapes[shape], shapes, depth + 1)


def _plain(name: str, schema: dict[str, Any], shapes: dict[str, Any] | None, depth: int) -> Any:
    kinds = schema.get("type", "object")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if isinstance(kinds, list) and "null" in kinds and name not in _VALUES:
        return None
    if kind == "object":
        properties = schema.get("properties", {})
        return {key: example_of(key, one, shapes, depth) for key, one in properties.items()}
    if kind == "array":
        return [] if depth > 1 else [example_of(name.removesuffix("s"), schema.get("items", {}), shapes, depth + 1)]
    if kind == "string":
        return INSTANT if schema.get("format") == "date-time" else "…"
    return {"integer": max(1, schema.get("minimum", 1)), "number": 1.5, "boolean": True, "null": None}[kind]


def _fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is of a schema, as far as the types go."""
    if "enum" in schema:
        return value in schema["enum"]
    kinds = schema.get("type", [])
    named = {"string": str, "integer": int, "array": list, "object": dict, "boolean": bool, "number": float}
    accepted = [named[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind in named]
    if not any(type(value) is kind for kind in accepted):
        return False
    return not isinstance(value, list) or all(_fits(one, schema.get("items", {})) for one in value)
