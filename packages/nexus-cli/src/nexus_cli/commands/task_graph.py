"""`nexus task graph`: the dependencies, told or drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import scope
from ..files import write_file
from ..options import command, repo_option
from ..session import Session

if TYPE_CHECKING:
    from ..screen import Screen


@command("graph", example="nexus task graph --repo acme/api --svg graph.svg\nnexus task graph --mermaid")
@repo_option()
@click.option("--mermaid", metavar="[FILE]", is_flag=False, flag_value="-", help="As Mermaid, into a file or shown.")
@click.option("--svg", metavar="[FILE]", is_flag=False, flag_value="-", help="As SVG, into a file or shown.")
@click.option(
    "--limit", type=click.IntRange(1), help="How many tasks at most: the longest chain, then open ones first."
)
def graph(session: Session, repository: str | None, mermaid: str | None, svg: str | None, limit: int | None) -> None:
    """Show what waits for what, and the longest chain of open tasks; or draw it."""
    if mermaid and svg:
        raise click.UsageError("draw it either as --mermaid or as --svg")
    if mermaid or svg:
        accept = "text/vnd.mermaid" if mermaid else "image/svg+xml"
        query = {"repository": scope.chosen(repository), "limit": limit}
        write_file(session, str(mermaid or svg), session.call("GET", "/tasks/graph", query=query, accept=accept).body)
    else:
        session.show(scope.ask(session, "/tasks/graph", repository, query={"limit": limit}), show_graph)


def show_graph(screen: Screen, found: dict[str, Any]) -> None:
    """Tell a graph: the critical path, then each task with what it waits for."""
    names = {node["id"]: node.get("key", str(node["id"])) for node in found["nodes"]}
    waits: dict[int, list[str]] = {}
    for edge in found["edges"]:
        task, other = _ends(edge)
        waits.setdefault(task, []).append(names.get(other, str(other)))
    if found["critical_path"]:
        path = " → ".join(names.get(task, str(task)) for task in found["critical_path"])
        screen.line(f"Longest chain of open tasks: {screen.bold(path)}\n")
    rows = [
        (names[node["id"]], screen.status(node["status"]), ", ".join(waits.get(node["id"], ())), node["title"])
        for node in found["nodes"]
    ]
    screen.table(("task", "status", "waits for", "title"), rows, empty="No tasks.")
    if any(found["left_out"].values()):
        screen.line(
            screen.dim(f"Left out: {found['left_out']['open']} open and {found['left_out']['closed']} closed tasks.")
        )


def _ends(edge: Any) -> tuple[int, int]:
    if isinstance(edge, dict):
        task, other = edge.values()
        return int(task), int(other)
    return int(edge[0]), int(edge[1])
