"""What lies ahead: what a task's end would bring, and the graph as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter

from ..domain.behind import MOST_COUNTED
from ..domain.graph import Graph, Outline, longest_chain
from ..domain.readiness import Impact
from ..domain.tasks import Task
from ..errors import TooMany
from ..ports.graph import Held
from ..ports.queries import Visible
from .work import Work

MOST_SHOWN = 20_000
"""So many tasks one answer holds: as many as a large file has, and far more than a picture can show."""


def impact(work: Work, task: Task) -> Impact:
    """What it would bring to finish a task; a closed one has brought it."""
    if task.status.is_closed:
        return Impact(unblocks=(), waiting=0, longest_chain=0)
    return Impact(
        unblocks=tuple(_unblocks(work, task)),
        waiting=task.impact,
        longest_chain=task.chain,
        is_at_least=task.impact >= MOST_COUNTED,
    )


def _unblocks(work: Work, task: Task) -> list[int]:
    """Those that would become ready: what waits for this task alone, its parent, and what is below these."""
    direct = {one.id: one for one in work.graph.held_by(task.id, work.now)}
    below = work.tasks.descendants([one.id for one in direct.values() if one.open_dependencies == 1])
    parent = [task.parent_id] if task.parent_id is not None else []
    held = {**direct, **{one.id: one for one in work.graph.held([*below, *parent], work.now)}}

    def is_freed(one: Held) -> bool:
        return one.willing and (one.open_dependencies, one.open_subtasks, one.blocked_ancestors) == (
            int(one.id in direct), int(one.id == task.parent_id), below.get(one.id, 0),
        )  # fmt: skip

    return sorted(one.id for one in held.values() if is_freed(one))


def graph(work: Work, repository_id: int | None, visible: Visible) -> Graph:
    """The tasks, the dependencies between them, the longest chain of open ones.

    :raises TooMany: there are more than one answer holds
    """
    tasks = work.graph.nodes(repository_id, visible, MOST_SHOWN + 1)
    if len(tasks) > MOST_SHOWN:
        narrower = "name a repository, or " if repository_id is None else ""
        raise TooMany(
            f"one graph holds at most {MOST_SHOWN:,} tasks, and these are more; {narrower}list the tasks page by page",
            most=MOST_SHOWN,
        )
    shown = {task.id for task in tasks}
    edges = tuple((task.id, on) for task in tasks for on in task.dependencies if on in shown)
    return Graph(tasks=tuple(tasks), edges=edges, critical_path=_critical(tasks))


def _critical(tasks: Iterable[Task]) -> tuple[int, ...]:
    waits = {task.id: task.dependencies for task in tasks if not task.status.is_closed}
    return longest_chain(list(waits), waits)


def outline(work: Work, repository_id: int | None, visible: Visible) -> Outline:
    """Ids alone, in an order in which they can be done."""
    found, edges = work.graph.outline(repository_id, visible), work.graph.edges()
    order = tuple([task_id for task_id, _ in found])
    if repository_id is None and visible is None:
        first, chain = max(found, key=itemgetter(1), default=(0, -1))
        path = work.graph.chain_behind(first) if chain >= 0 else ()
        return Outline(order=order, edges=tuple(edges), critical_path=tuple(path))
    shown = set(order)
    edges = [edge for edge in edges if edge[0] in shown and edge[1] in shown]
    waits: dict[int, list[int]] = {task_id: [] for task_id, chain in found if chain >= 0}
    for task_id, on in edges:
        if task_id in waits:
            waits[task_id].append(on)
    return Outline(order=order, edges=tuple(edges), critical_path=longest_chain(list(waits), waits))
