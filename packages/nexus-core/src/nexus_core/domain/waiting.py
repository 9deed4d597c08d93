"""Who waits for a task that will not be done as things stand, and along which way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import attrs

from .chart import Chart
from .findings import Case
from .tasks import Status, Task

_MOST = 1000
"""So many tasks are followed from one that holds them up."""
_SHOWN_STEPS = 6

Rule = Callable[[Task], bool]


@attrs.frozen(kw_only=True)
class Queue:
    """The tasks that wait for one, directly or not."""

    waiting: tuple[Task, ...]
    longest: tuple[int, ...]  #: from the one that waits farthest off to the one that all wait for


def held_up(chart: Chart, is_stuck: Rule, because: Callable[[Task], str]) -> Iterator[Case]:
    """A case for each stuck task that others wait for."""
    for root in chart.everyone.values():
        if not is_stuck(root) or (root.id not in chart.dependents and root.parent_id is None):
            continue
        ours = root.id in chart.tasks
        queue = queue_behind(chart, root, is_stuck, lambda task, ours=ours: ours or task.id in chart.tasks)  # type: ignore[misc] # mypy does not see the default
        if queue.waiting:
            many = len(queue.waiting)
            words = f"{many} tasks wait" if many > 1 else "1 task waits"
            yield Case(
                task=root.id,
                others=tuple(task.id for task in queue.waiting),
                message=f"{because(root)}; {words} for it: {_way(chart, queue.longest)}",
                commands=tuple(_ways_out(chart, root)),
            )


def queue_behind(chart: Chart, root: Task, stops: Rule, counts: Rule) -> Queue:
    """The pending tasks that wait for `root` and count; those where it `stops` hold up others on their own account.

    A task waits for what it depends on, its subtasks wait with it, and a task waits for its open subtasks. The last is
    the usual way of a task with subtasks, so who waits in that way alone is left out.
    """
    start = (root.id, False)
    came_from = {start: start}
    front, last, waiting = deque([start]), start, dict[int, Task]()
    while front and len(came_from) < _MOST:
        here = front.popleft()
        for task, depends in _next(chart, *here):
            there = (task.id, here[1] or depends)
            if there in came_from or task.id == root.id or task.status.is_closed or stops(task):
                continue
            came_from[there] = here
            front.append(there)
            if there[1] and task.status is Status.PENDING and counts(task):
                waiting[task.id], last = task, there
    longest = [last]
    while longest[-1] != start:
        longest.append(came_from[longest[-1]])
    return Queue(waiting=tuple(waiting.values()), longest=tuple(task_id for task_id, _ in longest))


def _next(chart: Chart, task_id: int, depends: bool) -> Iterator[tuple[Task, bool]]:
    """Who waits for a task directly, and whether by a dependency."""
    yield from ((other, True) for other in chart.dependents.get(task_id, ()))
    if depends:
        yield from ((child, True) for child in chart.children.get(task_id, ()))
    if (parent := chart.parent(chart.everyone[task_id])) is not None:
        yield parent, False


def _way(chart: Chart, path: tuple[int, ...]) -> str:
    names = [chart.key(task_id) for task_id in path]
    if len(names) > _SHOWN_STEPS:
        names[2 : 3 - _SHOWN_STEPS] = ["…"]
    return " → ".join(names)


def _ways_out(chart: Chart, root: Task) -> Iterator[str]:
    key = chart.key(root.id)
    if root.id in chart.tasks:
        parked = root.not_before is not None and root.status is Status.PENDING
        yield f"nexus task edit {key} --not-before now" if parked else f"nexus task status {key} pending"
    for task in chart.dependents.get(root.id, ()):
        if task.id in chart.tasks and not task.status.is_closed:
            yield f"nexus task depend {chart.key(task.id)} {key} --remove"
