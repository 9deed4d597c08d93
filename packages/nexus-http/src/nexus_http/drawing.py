"""The dependency graph as a picture: Mermaid text, and a layered drawing in SVG. Pure functions."""

from __future__ import annotations

from html import escape
from itertools import pairwise

from nexus_core.domain.graph import Graph, topological_order
from nexus_core.domain.tasks import Status, Task, task_key

COLOURS = {
    Status.PENDING: "#f3f4f6",
    Status.IN_PROGRESS: "#bfdbfe",
    Status.REVIEW: "#ddd6fe",
    Status.DONE: "#bbf7d0",
    Status.BLOCKED: "#fecaca",
    Status.DEFERRED: "#fde68a",
    Status.CANCELLED: "#d1d5db",
}
_CRITICAL = "#b91c1c"
_WIDTH, _HEIGHT, _ACROSS, _DOWN, _MARGIN = 220, 44, 300, 64, 20


def mermaid(graph: Graph, prefix: str = "NX") -> str:
    """The graph as a Mermaid flowchart: arrows lead from a task to those that wait for it."""
    lines = ["flowchart LR"]
    for task in graph.tasks:
        label = f"{task_key(task.id, prefix)} {shorten(task.title)}"
        lines.append(f'  t{task.id}["{_mermaid_text(label)}"]:::{task.status.replace("-", "_")}')
    critical = _pairs(graph)
    thick = []
    for number, (task_id, on) in enumerate(graph.edges):
        lines.append(f"  t{on} --> t{task_id}")
        if (on, task_id) in critical:
            thick.append(str(number))
    lines += [f"  classDef {status.replace('-', '_')} fill:{colour},color:#111" for status, colour in COLOURS.items()]
    if thick:
        lines.append(f"  linkStyle {','.join(thick)} stroke:{_CRITICAL},stroke-width:3px")
    return "\n".join(lines) + "\n"


def svg(graph: Graph, prefix: str = "NX") -> str:
    """The graph as SVG: a column for each step, left to right; the critical path in red."""
    places = layout(graph)
    columns = max((column for column, _ in places.values()), default=0) + 1
    rows = max((row for _, row in places.values()), default=0) + 1
    width, height = 2 * _MARGIN + (columns - 1) * _ACROSS + _WIDTH, 2 * _MARGIN + (rows - 1) * _DOWN + _HEIGHT
    critical = _pairs(graph)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="12" role="img"><title>Task graph</title>'
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="#6b7280"/></marker></defs>'
    ]
    parts += [
        _svg_edge(places[on], places[task_id], (on, task_id) in critical)
        for task_id, on in graph.edges
        if on in places and task_id in places
    ]
    on_path = set(graph.critical_path)
    parts += [_svg_node(task, places[task.id], prefix, task.id in on_path) for task in graph.tasks]
    return "".join(parts) + "</svg>\n"


def layout(graph: Graph) -> dict[int, tuple[int, int]]:
    """A column and a row for each task: its column is right of all that it waits for."""
    ids = [task.id for task in graph.tasks]
    waits_for: dict[int, list[int]] = {}
    for task_id, on in graph.edges:
        waits_for.setdefault(task_id, []).append(on)
    order, stuck = topological_order(ids, waits_for)
    columns: dict[int, int] = {}
    for task_id in [*order, *stuck]:
        columns[task_id] = max((columns[on] + 1 for on in waits_for.get(task_id, ()) if on in columns), default=0)
    filled: dict[int, int] = {}
    places = {}
    for task_id in [*order, *stuck]:
        column = columns[task_id]
        places[task_id] = (column, filled.get(column, 0))
        filled[column] = filled.get(column, 0) + 1
    return places


def shorten(text: str, length: int = 40) -> str:
    """A text of at most this many characters, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def _pairs(graph: Graph) -> set[tuple[int, int]]:
    path = graph.critical_path
    return set(pairwise(path))


def _mermaid_text(text: str) -> str:
    """A text that Mermaid shows as it is: what it could take for markup or for code becomes an entity."""
    return "".join(f"#{ord(char)};" if char in '"#<>&`[](){}|;\\' else char for char in text)


def _xml(text: str) -> str:
    """A text within XML, which has no place for control characters."""
    return escape("".join(char for char in text if char >= " " and char not in "\ufffe\uffff"))


def _corner(place: tuple[int, int]) -> tuple[int, int]:
    return _MARGIN + place[0] * _ACROSS, _MARGIN + place[1] * _DOWN


def _svg_edge(start: tuple[int, int], end: tuple[int, int], critical: bool) -> str:
    (x, y), (to_x, to_y) = _corner(start), _corner(end)
    x, y, to_y = x + _WIDTH, y + _HEIGHT // 2, to_y + _HEIGHT // 2
    middle = (x + to_x) // 2
    colour, width = (_CRITICAL, 2.5) if critical else ("#6b7280", 1.2)
    return (
        f'<path d="M{x},{y} C{middle},{y} {middle},{to_y} {to_x},{to_y}" fill="none" stroke="{colour}" '
        f'stroke-width="{width}" marker-end="url(#arrow)"/>'
    )


def _svg_node(task: Task, place: tuple[int, int], prefix: str, critical: bool) -> str:
    x, y = _corner(place)
    stroke = _CRITICAL if critical else "#6b7280"
    name = f"{task_key(task.id, prefix)} · {task.status}"
    return (
        f'<g><title>{_xml(task.title)}</title><rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" '
        f'fill="{COLOURS[task.status]}" stroke="{stroke}"/><text x="{x + 10}" y="{y + 18}" font-weight="bold">'
        f'{_xml(name)}</text><text x="{x + 10}" y="{y + 34}">{_xml(shorten(task.title, 32))}</text></g>'
    )
