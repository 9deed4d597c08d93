"""A look at one repository: its live tasks and its task file, and what every check finds in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import attrs

from ..domain.chart import Chart, FileFacts
from ..domain.checks.table import CHECKS
from ..domain.findings import Case, Check, Diagnosis, FileMend, Severity, diagnose
from ..domain.tasks import Task
from ..errors import UnreadableFile
from ..formats.model import FileExamination, Warning_
from ..plugins.records import TaskFormat
from .work import UnitOfWork, Work

_GRACE = timedelta(minutes=2)
"""A worker looks for leases that ended more often than this."""
_MOST_EXPIRED = 1000
_MOST_OTHERS = 2000
"""So many tasks of other repositories are looked at for one."""
_GRAVITY = list(Severity)

#: What is told of the files of a format that brings no doctor.
FILE_WARNING = Check(
    code="file_warning", severity=Severity.WARNING, find=lambda warnings: warnings,
    one="the task file has an oddity", many="the task file has {count} oddities",
    advice="Correct it in the file, then import the file again.",
)  # fmt: skip


@attrs.frozen(kw_only=True)
class Checkup:
    """What was looked at, and what was found."""

    chart: Chart
    path: str | None  #: of the task file
    diagnoses: tuple[Diagnosis, ...]  #: the gravest first

    def cases(self, code: str) -> tuple[Case, ...]:
        """What one check found."""
        return next((found.cases for found in self.diagnoses if found.check.code == code), ())


def check_up(work: Work, unit: UnitOfWork, repository_id: int | None) -> Checkup:
    """Look at a repository, or at the tasks that are in none."""
    kept = None if repository_id is None else work.tasks.file(repository_id)
    seen = None if kept is None else _examine(unit.plugins.formats.get(kept[1]), kept[2])
    tasks = {task.id: task for task in work.charts.outline(repository_id)}
    is_imported = kept is not None and repository_id is not None
    chart = Chart(
        now=work.now,
        prefix=unit.config.key_prefix,
        tasks=tasks,
        others=_others(work, tasks),
        imported=work.charts.imported(repository_id) if is_imported and repository_id is not None else frozenset(),
        expired={
            one.task_id: one
            for one in work.assignments.expired(work.now - _GRACE, _MOST_EXPIRED)
            if one.task_id in tasks
        },
        agents=tuple(unit.config.agents.values()),
        max_failures=unit.config["assignment.max_failures"],
        file=None if seen is None else seen.facts,
    )
    mended = frozenset(work.charts.file_mends(repository_id)) if repository_id is not None else frozenset[FileMend]()
    found = [*(seen.diagnoses if seen else ()), *diagnose(CHECKS, chart)]
    told = [attrs.evolve(one, cases=_placed(one.cases, chart, mended)) for one in found]
    grave = sorted((one for one in told if one.cases), key=lambda one: _GRAVITY.index(one.check.severity))
    return Checkup(chart=chart, path=None if kept is None else kept[0], diagnoses=tuple(grave))


def _examine(task_format: TaskFormat | None, content: bytes) -> FileExamination | None:
    """What a format says of a file; nothing, when its plugin is gone or no longer reads it."""
    if task_format is None:
        return None
    try:
        if task_format.doctor is not None:
            return task_format.doctor().examine(content)
        warnings = task_format.parse(content).warnings
    except UnreadableFile:
        return None
    return FileExamination(diagnoses=tuple(diagnose([FILE_WARNING], _cases(warnings))), facts=FileFacts())


def _cases(warnings: Iterable[Warning_]) -> list[Case]:
    return [Case(message=f"{one.place}: {one.message}; {one.done}") for one in warnings]


def _placed(cases: Sequence[Case], chart: Chart, mended: frozenset[FileMend]) -> tuple[Case, ...]:
    """The cases that are not mended yet, each with its task and its place in the file."""
    return tuple(_place(case, chart) for case in cases if not (case.edits and mended.issuperset(case.edits)))


def _place(case: Case, chart: Chart) -> Case:
    if case.task is None:
        task = chart.by_key.get(case.key or "")
        return case if task is None else attrs.evolve(case, task=task.id)
    task = chart.tasks.get(case.task)
    if case.line is not None or task is None or chart.file is None:
        return case
    return attrs.evolve(case, line=chart.file.lines.get(task.external_key or ""))


def _others(work: Work, tasks: Mapping[int, Task]) -> dict[int, Task]:
    """The tasks elsewhere that these depend on, what the open ones of those wait for, and who depends on these."""
    found: dict[int, Task] = {}
    ours = {on for task in tasks.values() for on in task.dependencies}
    open_ids = [task.id for task in tasks.values() if not task.status.is_closed]
    front = (ours | {task_id for task_id, _ in work.tasks.dependents(open_ids)}) - tasks.keys()
    while front and len(found) < _MOST_OTHERS:
        near = {task.id: task for task in work.charts.outlines(sorted(front))}
        found |= near
        beyond = {on for task in near.values() if not task.status.is_closed for on in task.dependencies}
        front = beyond - found.keys() - tasks.keys()
    return found
