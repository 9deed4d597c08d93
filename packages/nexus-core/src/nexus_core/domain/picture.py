"""What of a large graph is drawn: a picture that nobody can take in helps nobody."""

from __future__ import annotations

import attrs

from .graph import Graph
from .tasks import Task


@attrs.frozen(kw_only=True)
class Excerpt:
    """Part of a graph, with what it leaves out."""

    graph: Graph
    left_out_open: int = 0
    left_out_closed: int = 0

    @property
    def note(self) -> str:
        """What was left out, in words; empty when nothing was.

        >>> Excerpt(graph=Graph(tasks=(), edges=(), critical_path=()), left_out_closed=3).note
        'not drawn: 3 closed tasks'
        """
        words = [
            f"{number} {word} task{'' if number == 1 else 's'}"
            for number, word in ((self.left_out_open, "open"), (self.left_out_closed, "closed"))
            if number
        ]
        return f"not drawn: {' and '.join(words)}" if words else ""


def excerpt(graph: Graph, limit: int) -> Excerpt:
    """At most so many tasks of a graph: the critical path first, then what is open, then what that waited for.

    Of open ones, tasks come before subtasks and those that many wait for before others; of closed ones, the latest.
    """
    if len(graph.tasks) <= limit:
        return Excerpt(graph=graph)
    path = {task_id: number for number, task_id in enumerate(graph.critical_path)}
    is_open = {task.id for task in graph.tasks if not task.status.is_closed}
    waited_for = {on for task_id, on in graph.edges if task_id in is_open}

    def rank(task: Task) -> tuple[int, int, int, int]:
        if task.id in path:
            return (0, 0, path[task.id], 0)
        if task.id in is_open:
            return (1, task.parent_id is not None, -task.impact, task.id)
        return (2 if task.id in waited_for else 3, task.parent_id is not None, 0, -task.id)

    ranked = sorted(graph.tasks, key=rank)
    kept = {task.id for task in ranked[:limit]}
    left_out = ranked[limit:]
    closed = sum(task.status.is_closed for task in left_out)
    part = Graph(
        tasks=tuple(task for task in graph.tasks if task.id in kept),
        edges=tuple(edge for edge in graph.edges if kept.issuperset(edge)),
        critical_path=tuple(task_id for task_id in graph.critical_path if task_id in kept),
    )
    return Excerpt(graph=part, left_out_open=len(left_out) - closed, left_out_closed=closed)
