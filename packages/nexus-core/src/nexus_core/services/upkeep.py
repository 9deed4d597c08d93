"""Upkeep of what readiness needs: the counts beside each task, kept with each change that touches them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ..domain.access import Actor
from ..domain.events import TaskReady
from ..domain.graph import topological_order, waiting_counts
from ..domain.tasks import Task
from .work import Work


def task_opened_or_closed(work: Work, task: Task) -> list[int]:
    """A task went from open to closed or back; the tasks whose readiness that may have changed."""
    delta = -1 if task.status.is_closed else 1
    dependents = [dependent for dependent, _ in work.tasks.dependents([task.id])]
    touched = _dependencies_changed(work, dependents, delta)
    if task.parent_id is not None:
        work.tasks.bump_subtasks(task.parent_id, delta)
        touched.append(task.parent_id)
    refresh_impacts(work, task, itself=not task.status.is_closed)
    return touched


def dependency_changed(work: Work, task: Task, on: Task, delta: int) -> None:
    """A dependency was added (1) or removed (-1)."""
    if not on.status.is_closed:
        _dependencies_changed(work, [task.id], delta)
    if not task.status.is_closed:
        refresh_impacts(work, on, itself=True)


def _dependencies_changed(work: Work, ids: Sequence[int], delta: int) -> list[int]:
    counts = work.tasks.bump_dependencies(ids, delta)
    crossed = [task_id for task_id, count in counts.items() if count == max(delta, 0)]
    below = work.tasks.descendants(crossed)
    for times in sorted(set(below.values())):
        work.tasks.bump_ancestors([task_id for task_id, above in below.items() if above == times], delta * times)
    return [*crossed, *below]


def refresh_impacts(work: Work, task: Task, *, itself: bool) -> None:
    """Count anew what waits for the open tasks that `task` waits for (and for itself).

    A task that is closed in the usual way waits for nothing open, so this is no work in the usual case.
    """
    ids = work.tasks.open_prerequisites(task.id) + ([task.id] if itself else [])
    work.tasks.set_impact({task_id: len(work.tasks.waiting_for(task_id)) for task_id in ids})


def announce_ready(work: Work, ids: Iterable[int], *, actor: Actor, because: int | None, delivery: str | None) -> None:
    """Record which of these tasks are ready now."""
    ready = work.tasks.ready_among(list(ids), work.now)
    items = [
        {"task_id": task_id, "repository_id": repository_id, "payload": {"because": because, "title": title}}
        for task_id, repository_id, title in ready
    ]
    work.record_many(TaskReady, items, actor=actor, delivery=delivery)


def lift(work: Work, task: Task, on: Task) -> tuple[int, ...] | None:
    """Lift the level of a task, and of those that wait for it, above that of one that it will depend on.

    Only the tasks in between are looked at: none, when the level is above already. Answers the path from `on` to
    `task` when `on` waits for the task itself, and then changes nothing.
    """
    if task.id == on.id:
        return (task.id,)
    lifted = {task.id: on.level + 1} if task.level <= on.level else {}
    came_from: dict[int, int] = {}
    front = list(lifted)
    while front:
        above: list[int] = []
        for dependent, level, lower in work.tasks.levels_of_dependents(front):
            if lifted.get(dependent, level) > lifted[lower]:
                continue
            came_from[dependent] = lower
            if dependent == on.id:
                return _way(came_from, on.id, task.id)
            lifted[dependent] = lifted[lower] + 1
            above.append(dependent)
        front = list(dict.fromkeys(above))
    work.tasks.set_levels(lifted)
    return None


def _way(came_from: dict[int, int], start: int, end: int) -> tuple[int, ...]:
    path = [start]
    while path[-1] != end:
        path.append(came_from[path[-1]])
    return tuple(path)


def recount(work: Work, ids: Sequence[int]) -> None:
    """Compute the counts of many tasks, and of all that hang together with them, from nothing (after an import)."""
    nodes = _connected(work, ids)
    tasks = {task.id: task for task in work.tasks.many(nodes)}
    depends_on = {task.id: task.dependencies for task in tasks.values()}
    dependents: dict[int, list[int]] = {task_id: [] for task_id in tasks}
    for task_id, others in depends_on.items():
        for other in others:
            dependents.setdefault(other, []).append(task_id)
    is_open = {task.id: not task.status.is_closed for task in tasks.values()}
    impacts = waiting_counts(list(tasks), dependents, is_open)
    open_dependencies = {
        task_id: sum(is_open.get(other, False) for other in others) for task_id, others in depends_on.items()
    }
    open_subtasks = Counter(task.parent_id for task in tasks.values() if is_open[task.id])
    levels: dict[int, int] = {}
    for task_id in topological_order(list(tasks), depends_on)[0]:
        levels[task_id] = 1 + max((levels.get(other, 0) for other in depends_on[task_id]), default=-1)
    work.tasks.set_levels({task_id: level for task_id, level in levels.items() if level != tasks[task_id].level})
    work.tasks.set_counts(
        [
            {
                "id": task.id,
                "open_dependencies": open_dependencies[task.id],
                "open_subtasks": open_subtasks[task.id],
                "blocked_ancestors": _blocked_above(task, tasks, open_dependencies),
                "impact": impacts[task.id],
            }
            for task in tasks.values()
        ]
    )


def _connected(work: Work, ids: Sequence[int]) -> list[int]:
    """The tasks that hang together with these, by dependencies and by parents."""
    known: set[int] = set()
    front = set(ids)
    while front:
        known |= front
        edges = work.tasks.dependencies(sorted(front)) + work.tasks.dependents(sorted(front))
        near = {task_id for edge in edges for task_id in edge} | set(work.tasks.descendants(sorted(front)))
        near |= {task.parent_id for task in work.tasks.many(sorted(front)) if task.parent_id is not None}
        front = near - known
    return sorted(known)


def _blocked_above(task: Task, tasks: dict[int, Task], open_dependencies: dict[int, int]) -> int:
    blocked, above, seen = 0, task.parent_id, {task.id}
    while above is not None and above in tasks and above not in seen:
        seen.add(above)
        blocked += open_dependencies[above] > 0
        above = tasks[above].parent_id
    return blocked
