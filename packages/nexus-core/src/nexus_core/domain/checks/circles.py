"""The checks of tasks that wait for each other in a circle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from ..chart import Chart
from ..findings import Case, Check, Mend, Severity
from ..graph import find_path, topological_order
from ..tasks import Task


def cycle(chart: Chart) -> Iterator[Case]:
    """The import left the last step of each cycle out, so that the others can go on."""
    for link in chart.file.links if chart.file else ():
        task, on = chart.by_key.get(link.key), chart.by_key.get(link.on)
        if task is None or on is None or on.id in task.dependencies:
            continue
        if way := _way_back(chart, on, task):
            names = " → ".join(chart.key(step.id) for step in (task, *way))
            yield Case(
                task=task.id,
                others=(on.id,),
                line=chart.file.lines.get(link.key) if chart.file else None,
                message=f"{names}; that it waits for {chart.key(on.id)} was left out",
                edits=(link.drop,) if link.drop else (),
            )


def _way_back(chart: Chart, start: Task, goal: Task) -> list[Task]:
    """The tasks from one to another along what each waits for, or nothing."""
    came_from: dict[int, Task | None] = {start.id: None}
    front = [start]
    for here in front:  # grows as it goes
        if here.id == goal.id:
            way = [here]
            while (before := came_from[way[-1].id]) is not None:
                way.append(before)
            return way[::-1]
        above = [on for parent in chart.ancestors(here) for on in chart.dependencies(parent)]
        for there in (*chart.dependencies(here), *chart.children.get(here.id, ()), *above):
            if there.id not in came_from:
                came_from[there.id] = here
                front.append(there)
    return []


def deadlock(chart: Chart) -> Iterator[Case]:
    """No dependency closes a circle by itself, but those of subtasks and of their parents together do."""
    waits = {task.id: _waits_for(chart, task) for task in chart.everyone.values() if not task.status.is_closed}
    told: set[int] = set()
    for task_id in _stuck(waits):
        if task_id in told:
            continue
        circles = (find_path(there, task_id, waits) for there in waits[task_id])
        circle = next((path for path in circles if path is not None), ())
        told.update(circle)
        if any(step in chart.tasks for step in circle):
            steps = (task_id, *circle)
            yield Case(
                task=next(step for step in steps if step in chart.tasks),
                others=tuple(dict.fromkeys(circle)),
                message=" → ".join(chart.key(step) for step in steps),
                commands=tuple(
                    f"nexus task depend {chart.key(one)} {chart.key(on)} --remove"
                    for one, on in pairwise(steps)
                    if on in chart.everyone[one].dependencies
                ),
            )


def _waits_for(chart: Chart, task: Task) -> list[int]:
    """The open tasks without which a task cannot be done: those it depends on, those above it do, and its subtasks."""
    above = [on for one in (task, *chart.ancestors(task)) for on in chart.dependencies(one)]
    return [other.id for other in (*above, *chart.open_children(task)) if not other.status.is_closed]


def _stuck(waits: Mapping[int, list[int]]) -> list[int]:
    """The tasks of circles, and those between two of them."""
    behind = topological_order(list(waits), waits)[1]
    known = set(behind)
    back: dict[int, list[int]] = {task_id: [] for task_id in behind}
    for task_id in behind:
        for on in waits[task_id]:
            if on in known:
                back[on].append(task_id)
    return sorted(topological_order(behind, back)[1])


CHECKS: tuple[Check, ...] = (
    Check(
        code="deadlock", severity=Severity.ERROR, find=deadlock,
        one="tasks wait for each other in a circle, so none of them can ever be done",
        many="tasks wait for each other in {count} circles, so none of them can ever be done",
        advice="Let one of them no longer depend on the next, or move a subtask elsewhere.",
    ),
    Check(
        code="cycle", severity=Severity.WARNING, find=cycle,
        one="tasks of the file wait for each other in a circle",
        many="tasks of the file wait for each other in {count} circles",
        meanwhile="the last step is left out, so the tasks can be worked on; Taskmaster offers none of them",
        advice="Or take another step of the circle out of the file, then import the file again.",
        mends=(Mend(name="drop", does="takes that step out of the file too", edits_file=True),),
    ),
)  # fmt: skip
