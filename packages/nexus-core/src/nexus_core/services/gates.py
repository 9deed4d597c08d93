"""Gates: what the graph of tasks says of merging a change. For plugins that show it at the change's host."""

from __future__ import annotations

import builtins

from ..domain.access import LOCAL, Actor
from ..domain.changes import Change, ChangeState
from ..domain.gates import Gate, GatedTask
from ..domain.tasks import Task
from .work import UnitOfWork, Work, require_seen

_MOST = 200  #: tasks that are looked at around one
_OPEN = (ChangeState.OPEN, ChangeState.DRAFT)


class GateService:
    """Changes, and whether their tasks wait for others."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    def around(self, task_id: int, *, actor: Actor = LOCAL) -> builtins.list[Gate]:
        """The gates of the open changes of a task, and of the tasks that depend on it or stand below it."""
        with self._unit.read() as work:
            require_seen(actor, work.tasks.get(task_id).repository_id, f"task {task_id}")
            below = [task_id, *work.tasks.descendants([task_id])]
            waiting = [task for task, _ in work.tasks.dependents(below)][:_MOST]
            # What stands below a task waits for what that task waits for.
            near = dict.fromkeys([*below, *waiting, *work.tasks.descendants(waiting)])
            found: dict[int, Gate] = {}
            for one in list(near)[:_MOST]:
                for change, _ in work.changes.of_task(one):
                    if change.state in _OPEN and change.id not in found:
                        found[change.id] = _gate(work, change, actor)
        return [gate for gate in found.values() if actor.sees(gate.change.repository_id)]

    def of_branch(self, repository: str, branch: str, *, actor: Actor = LOCAL) -> builtins.list[Gate]:
        """The gates of the open changes of a branch."""
        with self._unit.read() as work:
            place = work.repositories.find(repository)
            if place is None or not actor.sees(place.id):
                return []
            changes = work.changes.by_branch(place.id, branch)
            return [_gate(work, change, actor) for change in changes if change.state in _OPEN]


def _gate(work: Work, change: Change, actor: Actor) -> Gate:
    links = {link.task_id: link for link in work.changes.links(change.id)}
    tasks = [task for task in work.tasks.many(sorted(links)) if actor.sees(task.repository_id)]
    return Gate(
        change=change,
        repository=work.repositories.get(change.repository_id).name,
        tasks=tuple(
            GatedTask(task=task, closes=links[task.id].closes, waits_for=_waits_for(work, task)) for task in tasks
        ),
    )


def _waits_for(work: Work, task: Task) -> tuple[Task, ...]:
    """The open tasks that a task, or one above it, depends on."""
    if task.status.is_closed:
        return ()
    above = [task, *work.tasks.ancestors(task.id)]
    wanted = sorted({on for one in above for on in one.dependencies})
    return tuple(other for other in work.tasks.many(wanted) if not other.status.is_closed)
