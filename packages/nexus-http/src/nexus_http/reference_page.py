"""The API reference as one page of HTML, made from the OpenAPI document; no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #2563eb; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
h1 { margin: 0 } h2 { margin: 2.5rem 0 .5rem; text-transform: capitalize; border-bottom: 1px solid var(--line) }
a { color: var(--accent) } code { font: .9em ui-monospace, monospace }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 1rem 0 }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; padding: .5rem .8rem }
summary { cursor: pointer; display: flex; flex-wrap: wrap; gap: .6rem; align-items: baseline }
summary b { min-width: 4.5rem; font: 700 .85em ui-monospace, monospace }
summary span { opacity: .75 } table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
td, th { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-top: 1px solid var(--line) }
.scope { background: var(--soft); border-radius: .3rem; padding: 0 .4rem; font-size: .85em }
"""

_METHODS = ("get", "post", "put", "patch", "delete")


def render(document: dict[str, Any]) -> str:
    """The page for an OpenAPI document."""
    groups: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                groups.setdefault(methods[method]["tags"][0], []).append(_operation(path, method, methods[method]))
    schemas = document["components"]["schemas"]
    sections = [
        f'<section id="{escape(tag)}"><h2>{escape(tag)}</h2>{"".join(found)}</section>' for tag, found in groups.items()
    ]
    links = [f'<a href="#{escape(name)}">{escape(name)}</a>' for name in [*groups, "shapes", "problems"]]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Project Nexus: API reference</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head><body>'
        f"<h1>Project Nexus</h1><p>API reference, version {escape(document['info']['version'])}. "
        'The same for tools: <a href="/openapi.json">/openapi.json</a>. Send a key as '
        "<code>Authorization: Bearer nxs_…</code>; what is in brackets is the scope that it needs.</p>"
        f"<nav>{''.join(links)}</nav>{''.join(sections)}"
        f'<section id="shapes"><h2>Shapes</h2>{"".join(_shape(*item) for item in schemas.items())}</section>'
        f'<section id="problems"><h2>Problems</h2>{_problems(document["x-problem-codes"])}</section></body></html>'
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    parts = [f"<p>{escape(operation['description'])}</p>"]
    if parameters := operation["parameters"]:
        rows = [(p["name"], p["in"], _kind(p["schema"]), p.get("description", "")) for p in parameters]
        parts.append(_table(("parameter", "in", "type", ""), rows))
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>Body: <code>{escape(media)}</code></p>{_properties(content.get('schema', {}))}")
    answers = [
        (status, _answer(answer), answer.get("description", ""))
        for status, answer in operation["responses"].items()
        if "$ref" not in answer
    ]
    parts.append(_table(("status", "answer", ""), answers))
    return (
        f'<details id="{operation["operationId"]}"><summary><b>{method.upper()}</b> <code>{escape(path)}</code> '
        f'<span>{escape(operation["summary"])}</span> <span class="scope">[{escape(operation["x-scope"])}]</span>'
        f"</summary>{''.join(parts)}</details>"
    )


def _shape(name: str, schema: dict[str, Any]) -> str:
    inner = _properties(schema) or f"<p>{escape(schema.get('description', ''))}</p>"
    return f'<details id="shape-{escape(name)}"><summary><code>{escape(name)}</code></summary>{inner}</details>'


def _properties(schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        (
            f"{name}{' *' if name in required and 'additionalProperties' in schema else ''}",
            _kind(kind),
            kind.get("description", ""),
        )
        for name, kind in schema.get("properties", {}).items()
    ]
    return _table(("field", "type", ""), rows) if rows else ""


def _problems(codes: dict[str, dict[str, Any]]) -> str:
    rows = "".join(
        f'<tr id="problem-{escape(code)}"><td><code>{escape(code)}</code></td><td>{found["status"]}</td>'
        f"<td>{escape(found['meaning'])}</td></tr>"
        for code, found in codes.items()
    )
    return f"<table><tr><th>code</th><th>status</th><th>meaning</th></tr>{rows}</table>"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _answer(answer: dict[str, Any]) -> str:
    return ", ".join(f"{media}: {_kind(found.get('schema', {}))}" for media, found in answer.get("content", {}).items())


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if "next_cursor" in schema.get("properties", {}):
        return f"page of {_kind(schema['properties']['items']['items'])}"
    kind = schema.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
