"""The API reference as one page of HTML, made from the OpenAPI document; nothing is loaded from elsewhere.

Everything can be read without the script, which only searches and copies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from .reference_assets import SCRIPT, STYLE

_METHODS = ("get", "post", "put", "patch", "delete")


def render(document: dict[str, Any]) -> str:
    """The page for an OpenAPI document."""
    groups: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                groups.setdefault(methods[method]["tags"][0], []).append((path, method, methods[method]))
    said = {tag["name"]: tag["description"] for tag in document.get("tags", ())}
    server = document["servers"][0]["url"]
    sections = [_section(tag, said.get(tag, ""), found, server) for tag, found in groups.items()]
    schemas = document["components"]["schemas"]
    shapes = "".join(_shape(*item) for item in schemas.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Project Nexus: API reference</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head><body>'
        f'<nav aria-label="Operations">{_navigation(groups)}</nav><main>'
        f"{_intro(document, server)}{''.join(sections)}"
        f'<section id="shapes"><h2>Shapes</h2><p>What the answers are made of.</p>{shapes}</section>'
        f'<section id="problems"><h2>Problems</h2>{_problems(document["x-problem-codes"])}</section>'
        f"</main><script>{SCRIPT}</script></body></html>"
    )


def _intro(document: dict[str, Any], server: str) -> str:
    paragraphs = "".join(f"<p>{_words(part)}</p>" for part in document["info"]["description"].strip().split("\n\n"))
    example = f'curl -H "Authorization: Bearer $NEXUS_TOKEN" {server}/api/v1/tasks?ready=true'
    return (
        f"<header><h1>Project Nexus</h1><p class=soft>API reference, version {escape(document['info']['version'])} · "
        'for tools: <a href="/openapi.json">/openapi.json</a></p>'
        f"{paragraphs}<p>Send a key as <code>Authorization: Bearer nxs_…</code>; beside each operation stands the "
        f"scope that the key needs.</p>{_code(example)}</header>"
    )


def _navigation(groups: dict[str, list[tuple[str, str, dict[str, Any]]]]) -> str:
    parts = [
        '<label class=find>Search<input type="search" id="find" autocomplete="off"'
        ' placeholder="path, word, scope, code"></label>'
        "<p id=none hidden>Nothing is called that.</p>"
    ]
    for tag, found in groups.items():
        links = "".join(
            f'<li><a href="#{operation["operationId"]}"><b class="m {method}">{method.upper()}</b>'
            f"<span>{escape(_short(path))}</span></a></li>"
            for path, method, operation in found
        )
        parts.append(
            f'<details open><summary><a href="#tag-{escape(tag)}">{escape(tag)}</a></summary><ul>{links}</ul></details>'
        )
    return "".join(parts) + '<p><a href="#shapes">Shapes</a> · <a href="#problems">Problems</a></p>'


def _section(tag: str, said: str, found: Iterable[tuple[str, str, dict[str, Any]]], server: str) -> str:
    inner = "".join(_operation(path, method, operation, server) for path, method, operation in found)
    return f'<section id="tag-{escape(tag)}"><h2>{escape(tag)}</h2><p>{_words(said)}</p>{inner}</section>'


def _operation(path: str, method: str, operation: dict[str, Any], server: str) -> str:
    parts = [f"<p>{_words(operation['description'])}</p>"]
    if parameters := operation["parameters"]:
        parts += ["<h4>Parameters</h4>", _table([_parameter(one) for one in parameters])]
    parts += _bodies(operation.get("requestBody", {}))
    parts += ["<h4>Request</h4>", _code(curl(path, method, operation, server))]
    parts += _good(operation["responses"])
    parts += ["<h4>Problems</h4>", _table(_refusals(operation["responses"]))]
    return (
        f'<details class=op id="{operation["operationId"]}"><summary><b class="m {method}">{method.upper()}</b> '
        f"<code>{_path(path)}</code> <span>{escape(operation['summary'])}</span> "
        f'<i class=scope title="the scope that a key needs">{escape(operation["x-scope"])}</i></summary>'
        f"<div>{''.join(parts)}</div></details>"
    )


def _parameter(one: dict[str, Any]) -> tuple[str, str, str]:
    return _name(one["name"], one.get("required", False)), f"{_kind(one['schema'])} <em>{one['in']}</em>", _about(one)


def _bodies(body: dict[str, Any]) -> list[str]:
    parts = []
    for media, content in body.get("content", {}).items():
        shown = f"<h4>Body <code>{escape(media)}</code></h4>"
        variants = content["schema"].get("anyOf", [content["schema"]])
        tables = [table for one in variants if (table := _properties(one))]
        parts.append(
            shown + "<p class=soft>or</p>".join(tables) if tables else shown + "<p>The bytes, as they are.</p>"
        )
    return parts


def _good(responses: dict[str, Any]) -> list[str]:
    parts = []
    for status, answer in responses.items():
        if status >= "400":
            continue
        parts.append(f"<h4>Answer {status}</h4><p>{escape(answer['description'])}")
        for media, content in answer.get("content", {}).items():
            parts.append(f"<br><code>{escape(media)}</code> {_kind(content['schema'])}")
        parts.append("</p>")
        examples = [one["example"] for one in answer.get("content", {}).values() if "example" in one]
        parts += [_code(json.dumps(one, indent=2, ensure_ascii=False)) for one in examples[:1]]
    return parts


def _refusals(responses: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (
            status,
            ", ".join(f'<a href="#problem-{code}"><code>{code}</code></a>' for code in answer["x-problem-codes"]),
            "",
        )
        for status, answer in responses.items()
        if status >= "400"
    ]


def curl(path: str, method: str, operation: dict[str, Any], server: str) -> str:
    """The request as one would type it."""
    query = []
    for one in operation["parameters"]:
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", str(one.get("example", 1)))
        elif one["in"] == "query" and one.get("required"):
            query.append(f"{one['name']}={one.get('example', 'acme/api')}")
    verb = "" if method == "get" else f"-X {method.upper()} "
    lines = [f"curl {verb}'{server}{path}{'?' if query else ''}{'&'.join(query)}'"]
    if operation.get("security") != []:
        lines.append('-H "Authorization: Bearer $NEXUS_TOKEN"')
    lines += [
        f"-H '{one['name']}: {one.get('example', '…')}'"
        for one in operation["parameters"]
        if one["in"] == "header" and one.get("required")
    ]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content:
        text = json.dumps(content["example"], ensure_ascii=False).replace("'", "'\\''")
        lines += ["-H 'Content-Type: application/json'", f"-d '{text}'"]
    return " \\\n  ".join(lines)


def _shape(name: str, schema: dict[str, Any]) -> str:
    inner = _properties(schema, all_required=True) or f"<p>{_words(schema.get('description', ''))}</p>"
    head = f"<summary><code>{escape(name)}</code></summary>"
    return f'<details class=op id="shape-{escape(name)}">{head}<div>{inner}</div></details>'


def _properties(schema: dict[str, Any], *, all_required: bool = False) -> str:
    required = () if all_required else schema.get("required", ())
    rows = [
        (_name(name, name in required), _kind(kind), _about(kind))
        for name, kind in schema.get("properties", {}).items()
    ]
    return _table(rows) if rows else ""


def _problems(codes: dict[str, dict[str, Any]]) -> str:
    rows = [
        f'<tr id="problem-{escape(code)}"><td><code>{escape(code)}</code></td><td>{found["status"]}</td>'
        f"<td>{_words(found['meaning'])}</td></tr>"
        for code, found in codes.items()
    ]
    return (
        "<p>An error is <code>application/problem+json</code>: <code>code</code> is stable, <code>detail</code> says "
        "what happened and what to do, <code>errors</code> names every fault of an input with its place, "
        "<code>request_id</code> finds the request in the log.</p><div class=wide><table><thead><tr><th>code</th>"
        f"<th>status</th><th>meaning</th></tr></thead>{''.join(rows)}</table></div>"
    )


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    """A table of cells that are HTML already."""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<div class=wide><table>{body}</table></div>"


def _code(text: str) -> str:
    return f"<pre><code>{escape(text)}</code></pre>"


def _name(name: str, required: bool) -> str:
    return f"<code>{escape(name)}</code>{'<b class=must title=required>*</b>' if required else ''}"


def _words(text: str) -> str:
    """A text in which backticks mark code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _about(schema: dict[str, Any]) -> str:
    """What is said of a field, with the limits that people meet."""
    inner = schema.get("schema", schema)
    limits = [f"{inner['minimum']} to {inner['maximum']}"] if _is_narrow(inner) else []
    if inner.get("maxLength", 500) != 500:
        limits.append(f"at most {inner['maxLength']:,} characters")
    return " ".join(
        filter(None, (_words(schema.get("description", "")), f"<em>{'; '.join(limits)}</em>" if limits else ""))
    )


def _is_narrow(schema: dict[str, Any]) -> bool:
    return "minimum" in schema and schema.get("maximum", 2**53) < 2**53


def _short(path: str) -> str:
    return path.removeprefix("/api/v1")


def _path(path: str) -> str:
    """A path whose parameters stand out."""
    return re.sub(r"{(\w+)}", r"<u>{\1}</u>", escape(path))


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words, with links to its shapes."""
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).rpartition("/")[2])
        return f'<a href="#shape-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(escape(str(value)) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if "next_cursor" in schema.get("properties", {}):
        return f"page of {_kind(schema['properties']['items']['items'])}"
    if schema.get("format") == "date-time":
        return "instant"
    kind = schema.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
