"""The checks of tasks alone, and of what is kept beside them.

A new one is a function that yields cases, and an entry in the table below.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..chart import Chart, moves
from ..findings import Case, Check, Mend, Severity
from ..tasks import Status, Task


def counts_drifted(chart: Chart) -> Iterator[Case]:
    """What readiness is looked up by does not agree with the graph: a fault of Nexus, or of a hand in the database."""
    for task in chart.tasks.values():
        true = (
            _open_dependencies(chart, task),
            len(chart.open_children(task)),
            sum(_open_dependencies(chart, above) > 0 for above in chart.ancestors(task)),
        )
        if true != (task.open_dependencies, task.open_subtasks, task.blocked_ancestors):
            yield Case(task=task.id)


def _open_dependencies(chart: Chart, task: Task) -> int:
    return sum(not on.status.is_closed for on in chart.dependencies(task))


def gone_from_file(chart: Chart) -> Iterator[Case]:
    """The file lost it, Nexus did not; the next export would write it back."""
    for task in chart.tasks.values():
        came = task.id in chart.imported and task.external_key is not None
        if chart.file and came and task.external_key not in chart.file.lines and not task.status.is_closed:
            yield Case(task=task.id, message=f"it is {task.status}", commands=moves(chart, [task], Status.CANCELLED))


def unscored(chart: Chart) -> Iterator[Case]:
    """Without a score it is handed out as of complexity 5."""
    for task in chart.tasks.values():
        if task.complexity is None and not task.status.is_closed:
            yield Case(task=task.id, commands=(f"nexus task edit {chart.key(task.id)} --complexity 5",))


CHECKS: tuple[Check, ...] = (
    Check(
        code="counts_drifted", severity=Severity.ERROR, find=counts_drifted,
        one="what Nexus counted beside a task does not agree with its graph; it may be called ready wrongly",
        many="what Nexus counted beside {count} tasks does not agree with its graph; they may be called ready wrongly",
        advice="Please report it, too: it should not happen.",
        mends=(Mend(name="recount", does="counts anew", automatic=True),),
    ),
    Check(
        code="gone_from_file", severity=Severity.WARNING, find=gone_from_file,
        one="a task is no longer in the file that it came from",
        many="{count} tasks are no longer in the file that they came from",
        meanwhile="kept; an export writes it back into the file",
        mends=(Mend(name="cancel", does="cancels the tasks, if they were taken out on purpose"),),
    ),
    Check(
        code="unscored", severity=Severity.NOTE, find=unscored,
        one="a task has no complexity", many="{count} tasks have no complexity",
        meanwhile="handed out as if it were 5",
        advice="Give it one.",
    ),
)  # fmt: skip
