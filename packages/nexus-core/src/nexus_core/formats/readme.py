"""The document that Nexus keeps in each repository: progress, tasks by status, the graph."""

from __future__ import annotations

from collections.abc import Sequence

from ..domain.graph import longest_chain
from ..domain.readiness import order_key
from ..domain.tasks import Status, Task, task_key
from .mermaid import to_mermaid

PATH = "docs/nexus/README.md"
_MOST_IN_GRAPH = 80
"""Above so many tasks a picture is no longer readable; finished ones are left out, then subtasks."""

_ENTITIES = {ord(sign): f"&#{ord(sign)};" for sign in "&<>|`\\[]*_~"}

_SECTIONS = (
    (Status.IN_PROGRESS, "In progress"),
    (Status.REVIEW, "In review"),
    (Status.PENDING, "To do"),
    (Status.BLOCKED, "Blocked"),
    (Status.DEFERRED, "Deferred"),
    (Status.DONE, "Done"),
    (Status.CANCELLED, "Cancelled"),
)


def render_readme(name: str, tasks: Sequence[Task], prefix: str = "NX") -> str:
    """The Markdown of a repository's document. `tasks` may hold tasks of other repositories that these touch."""
    own = [task for task in tasks if task.repository == name]
    return "\n".join(
        [
            f"# Tasks of {name}",
            "",
            "*Kept by Project Nexus: change the tasks, not this file.*",
            "",
            _progress(own),
            "",
            *_graph(name, tasks, own, prefix),
            *(line for status, title in _SECTIONS for line in _section(status, title, own, tasks, prefix)),
        ]
    )


def _progress(own: Sequence[Task]) -> str:
    top = [task for task in own if task.parent_id is None and task.status is not Status.CANCELLED]
    done = sum(task.status is Status.DONE for task in top)
    share = done / len(top) if top else 1.0
    bar = "█" * round(20 * share) + "░" * (20 - round(20 * share))
    return f"`{bar}` **{round(100 * share)} %**: {done} of {len(top)} tasks done"


def _graph(name: str, tasks: Sequence[Task], own: Sequence[Task], prefix: str) -> list[str]:
    shown = list(tasks)
    if len(shown) > _MOST_IN_GRAPH:
        shown = [task for task in shown if not task.status.is_closed]
    if len(shown) > _MOST_IN_GRAPH:
        shown = [task for task in shown if task.parent_id is None]
    shown = shown[:_MOST_IN_GRAPH]
    if not shown:
        return []
    waiting = {task.id: list(task.dependencies) for task in own if not task.status.is_closed}
    ready = {task.id for task in own if _is_ready(task)}
    chain = longest_chain(list(waiting), waiting)
    drawn = to_mermaid(shown, home=name, prefix=prefix, ready=ready, path=chain).rstrip()
    return ["## Graph", "", "```mermaid", drawn, "```", ""]


def _is_ready(task: Task) -> bool:
    # Parking is left out on purpose: a document must not change by itself when a clock runs.
    counts = (task.open_dependencies, task.open_subtasks, task.blocked_ancestors)
    return task.status is Status.PENDING and counts == (0, 0, 0) and task.assignment_id is None


def _section(status: Status, title: str, own: Sequence[Task], tasks: Sequence[Task], prefix: str) -> list[str]:
    found = sorted((task for task in own if task.status is status), key=order_key)
    if not found:
        return []
    names = {task.id: task for task in tasks}
    rows = [_row(task, names, prefix) for task in found]
    return [f"## {title} ({len(found)})", "", "| task | title | priority | waits for |", "|---|---|---|---|", *rows, ""]


def _row(task: Task, names: dict[int, Task], prefix: str) -> str:
    waits = [on for on in task.dependencies if on not in names or not names[on].status.is_closed]
    said = ", ".join(task_key(on, prefix) for on in waits)
    title = _cell(task.title) + (" **(ready)**" if _is_ready(task) else "")
    mark = f" by {_cell(task.agent)}" if task.agent else ""
    return f"| {task_key(task.id, prefix)} | {title}{mark} | {task.priority} | {said or '–'} |"


def _cell(text: str) -> str:
    """Text from a task as a cell of a table: nothing in it is Markdown or HTML."""
    for sign in "&<>`[]|*_\\":
        text = text.replace(sign, f"&#{ord(sign)};") if sign != "&" else text.replace("&", "&amp;")
    return " ".join(text.split())
