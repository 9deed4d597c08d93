"""Upkeep of what readiness needs: the counts beside each task, kept with each change that touches them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..domain.access import Actor
from ..domain.events import TaskReady
from ..domain.tasks import Task
from ..ports.graph import State
from . import behind, levels
from .work import Work

_AT_ONCE = 1000
"""How many tasks are counted anew in one transaction: others wait that want to change the graph."""


def task_opened_or_closed(work: Work, task: Task) -> list[int]:
    """A task went from open to closed or back; the tasks that may have become ready by that."""
    delta = -1 if task.status.is_closed else 1
    touched = _dependencies_changed(work, work.graph.bump_dependents(task.id, delta), delta)
    if task.parent_id is not None:
        work.tasks.bump_subtasks(task.parent_id, delta)
        touched.append(task.parent_id)
    waited_for = [one.id for _, one in work.graph.open_dependencies([task.id])]
    if task.status.is_closed:
        # What is closed in the usual way waits for nothing open, so that there is nothing to count.
        behind.recount(work, waited_for)
        return touched
    behind.recount(work, [task.id, *waited_for])
    return []


def dependency_changed(work: Work, task: Task, on: Task, delta: int) -> None:
    """A dependency was added (1) or removed (-1)."""
    if on.status.is_closed:
        return
    _dependencies_changed(work, work.graph.bump_dependencies([task.id], delta), delta)
    if task.status.is_closed:
        return
    if delta > 0:
        behind.added(work, task.id, task.impact, on.id)
    else:
        behind.recount(work, [on.id])


def _dependencies_changed(work: Work, counts: Mapping[int, int], delta: int) -> list[int]:
    crossed = [task_id for task_id, count in counts.items() if count == max(delta, 0)]
    below = work.tasks.descendants(crossed)
    for times in sorted(set(below.values())):
        work.graph.bump_ancestors([task_id for task_id, above in below.items() if above == times], delta * times)
    return [*crossed, *below]


def announce_ready(work: Work, ids: Iterable[int], *, actor: Actor, because: int | None, delivery: str | None) -> None:
    """Record which of these tasks are ready now."""
    ready = work.tasks.ready_among(list(ids), work.now)
    items = [
        {"task_id": task_id, "repository_id": repository_id, "payload": {"because": because, "title": title}}
        for task_id, repository_id, title in ready
    ]
    work.record_many(TaskReady, items, actor=actor, delivery=delivery)


def lift(work: Work, task: Task, on: Task) -> tuple[int, ...] | None:
    """Have a task stand above one that it will depend on: see `levels`.

    Answers the path from `on` to `task` when `on` waits for the task itself, and then changes nothing.
    """
    return levels.lift(work, (task.id, task.level), (on.id, on.level)).cycle or None


def recount(work: Work, ids: Sequence[int]) -> None:
    """Count anew what keeps these tasks from being ready, and what follows from it for their relatives.

    The tasks may be new, have other dependencies, another status, another parent. What is behind each is another
    question: see `behind`.
    """
    graph = work.graph
    direct = {*ids, *(dependent for dependent, _ in work.tasks.dependents(list(ids)))}
    family = {*ids, *(state.parent_id for state in graph.states(list(ids)) if state.parent_id is not None)}
    stored = {state.id: state for state in graph.states([*direct, *family])}
    dependencies, subtasks = graph.count_open_dependencies(list(direct)), graph.count_open_subtasks(list(family))
    now = dict(stored)
    for task_id in direct:
        now[task_id] = now[task_id]._replace(open_dependencies=dependencies[task_id])
    for task_id in family:
        now[task_id] = now[task_id]._replace(open_subtasks=subtasks[task_id])
    turned = [key for key, old in stored.items() if bool(old.open_dependencies) != bool(now[key].open_dependencies)]
    below = {*ids, *work.tasks.descendants([*ids, *turned])}
    read_upwards(work, below, stored, now)
    for task_id in below:
        now[task_id] = now[task_id]._replace(blocked_ancestors=_blocked_above(task_id, now))
    graph.set_counts([state for key, state in now.items() if state != stored[key]])


def read_upwards(work: Work, ids: Iterable[int], *into: dict[int, State]) -> None:
    """Read these and all above them, as far as they are not there yet."""
    front, seen = set(ids), set[int]()
    while front:
        for state in work.graph.states([task_id for task_id in front if task_id not in into[0]]):
            for states in into:
                states[state.id] = state
        seen |= front
        above = (into[0][task_id].parent_id for task_id in front if task_id in into[0])
        front = {task_id for task_id in above if task_id is not None} - seen


def _blocked_above(task_id: int, states: Mapping[int, State]) -> int:
    blocked, above, seen = 0, states[task_id].parent_id, {task_id}
    while above is not None and above in states and above not in seen:
        seen.add(above)
        blocked += states[above].open_dependencies > 0
        above = states[above].parent_id
    return blocked


def recount_some(work: Work, before: int) -> list[int]:
    """Count anew all that is kept beside some open tasks, from those below an id downwards; those that it were.

    What waits for others is mostly the younger, so that most numbers are right when they are counted first; one that
    was counted too early is counted again when what it was counted from changes.
    """
    work.tasks.lock_graph()
    if ids := work.graph.open_tasks(before, _AT_ONCE):
        recount(work, ids)
        behind.recount(work, ids)
    return ids
