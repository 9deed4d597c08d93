"""The mends: how each changes what a check found. A new one is a function, and an entry in the table at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import attrs

from ..domain.access import Actor
from ..domain.chart import Chart
from ..domain.findings import Case, Check, FileMend, Mend
from ..domain.tasks import Status, Task
from . import upkeep
from .assignments import reclaim
from .checkup import Checkup
from .moves import drop_dependency, move_task
from .work import Work


@attrs.frozen(kw_only=True)
class Mending:
    """One mend at work, within its transaction, which has locked the graph."""

    work: Work
    checkup: Checkup
    actor: Actor
    reason: str
    repository_id: int | None

    @property
    def chart(self) -> Chart:
        """The tasks as they were looked at."""
        return self.checkup.chart

    def move(self, task: Task, to: Status) -> Iterator[str]:
        """Move a task, unless somebody holds it or moved it since it was looked at."""
        now = self.work.tasks.get(task.id, lock=True)
        if now.assignment_id is None and now.status is task.status is not to:
            move_task(self.work, now, to, reason=self.reason, actor=self.actor)
            yield f"{self.chart.key(task.id)}: {task.status} → {to}"

    def task(self, case: Case) -> Task:
        """The task of a case."""
        assert case.task is not None  # noqa: S101 - cases of live tasks have one
        return self.chart.everyone[case.task]


def apply(mending: Mending, check: Check, mend: Mend) -> list[str]:
    """Mend all that a check found; what was changed, in words."""
    cases = mending.checkup.cases(check.code)
    if mend.edits_file:
        return _edit_file(mending, cases)
    return list(ACTIONS[check.code, mend.name](mending, cases))


def _edit_file(mending: Mending, cases: Iterable[Case]) -> list[str]:
    """Remember the edits: every export makes them from now on."""
    if mending.repository_id is None:
        return []
    known = {_place(one): one for one in mending.work.charts.file_mends(mending.repository_id)}
    new = {_place(one): one for case in cases for one in case.edits}
    mending.work.charts.set_file_mends(mending.repository_id, list((known | new).values()))
    return [f"{one.key} {one.member}: {one.was} → {one.now or 'taken out'}" for one in new.values()]


def _place(one: FileMend) -> tuple[str, str, str, bool]:
    """What another edit would contradict; an element may be taken out once and be written otherwise where it holds."""
    return one.key, one.member, one.was, one.now is None


def _move_below(to: Status) -> Callable[[Mending, Iterable[Case]], Iterator[str]]:
    """Move the open tasks below that of each case, the lowest first."""

    def act(mending: Mending, cases: Iterable[Case]) -> Iterator[str]:
        for case in cases:
            for task in reversed(mending.chart.open_below(mending.task(case))):
                yield from mending.move(task, to)

    return act


def _move_others(to: Status) -> Callable[[Mending, Iterable[Case]], Iterator[str]]:
    """Move the other tasks of each case."""

    def act(mending: Mending, cases: Iterable[Case]) -> Iterator[str]:
        for case in cases:
            for other in case.others:
                yield from mending.move(mending.chart.everyone[other], to)

    return act


def _move(to: Status) -> Callable[[Mending, Iterable[Case]], Iterator[str]]:
    """Move the task of each case."""

    def act(mending: Mending, cases: Iterable[Case]) -> Iterator[str]:
        for case in cases:
            yield from mending.move(mending.task(case), to)

    return act


def _drop_dependencies(mending: Mending, cases: Iterable[Case]) -> Iterator[str]:
    for case in cases:
        task = mending.work.tasks.get(mending.task(case).id, lock=True)
        for on in case.others:
            if drop_dependency(mending.work, task, on, actor=mending.actor, reason=mending.reason):
                yield f"{mending.chart.key(task.id)} no longer depends on {mending.chart.key(on)}"


def _reclaim(mending: Mending, cases: Iterable[Case]) -> Iterator[str]:
    for case in cases:
        lost = reclaim(mending.work, assignment_id=mending.chart.expired[mending.task(case).id].id)
        if lost is not None:
            yield f"{mending.chart.key(lost.task_id)} was taken back from {lost.agent}"


def _recount(mending: Mending, cases: Iterable[Case]) -> Iterator[str]:
    ids = [mending.task(case).id for case in cases]
    tasks = mending.work.tasks
    ready = {task_id for task_id, _, _ in tasks.ready_among(ids, mending.work.now)}
    upkeep.recount(mending.work, ids)
    freed = [task_id for task_id in ids if task_id not in ready]
    upkeep.announce_ready(mending.work, freed, actor=mending.actor, because=None, delivery=None)
    yield from (f"{mending.chart.key(task_id)} was counted anew" for task_id in ids)


#: (code of the check, name of the mend) -> what it does.
ACTIONS: dict[tuple[str, str], Callable[[Mending, Iterable[Case]], Iterator[str]]] = {
    ("counts_drifted", "recount"): _recount,
    ("done_with_open_subtasks", "complete"): _move_below(Status.DONE),
    ("done_with_open_subtasks", "reopen"): _move(Status.PENDING),
    ("cancelled_with_open_subtasks", "cancel"): _move_below(Status.CANCELLED),
    ("cancelled_with_open_subtasks", "reopen"): _move(Status.PENDING),
    ("deferred_with_ready_subtasks", "defer"): _move_others(Status.DEFERRED),
    ("open_with_closed_subtasks", "complete"): _move(Status.DONE),
    ("cancelled_dependency", "drop"): _drop_dependencies,
    ("in_progress_forgotten", "release"): _move(Status.PENDING),
    ("in_progress_unheld", "release"): _move(Status.PENDING),
    ("stale_lease", "reclaim"): _reclaim,
    ("gone_from_file", "cancel"): _move(Status.CANCELLED),
}
