"""Gates: whether a change may be merged, as far as the graph of tasks goes."""

from __future__ import annotations

import attrs

from .changes import Change
from .tasks import Task


@attrs.frozen(kw_only=True)
class GatedTask:
    """A task of a change."""

    task: Task
    closes: bool  #: merging the change completes it
    waits_for: tuple[Task, ...] = ()  #: open tasks that should be done before


@attrs.frozen(kw_only=True)
class Gate:
    """A change with its tasks."""

    change: Change
    repository: str  #: `owner/name`
    tasks: tuple[GatedTask, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether nothing that the change completes waits for something else."""
        return not any(one.closes and one.waits_for for one in self.tasks)
