"""Merging a task of a file into the one that Nexus has: what the file changed is taken over, field by field.

`base` is what the file said when it was imported last. Where both sides changed a field, the file's value is taken and
the other told in full; but work never goes back: of two statuses the further one stays. A value that Nexus itself had
meanwhile is no change of the file's: somebody exported it, and Nexus went on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import attrs

from ..domain.events import Event, TaskMoved
from ..domain.tasks import Status, Task
from ..formats.model import ParsedTask
from ..wire import plain

MERGED = (
    "title", "description", "details", "test_strategy", "status", "priority", "labels", "complexity_manual",
    "not_before", "raw_data",
)  # fmt: skip

WHILE_HELD = (Status.IN_PROGRESS, Status.REVIEW, Status.BLOCKED)
"""What a task file may say of a task that an agent holds."""

_PROGRESS = {
    Status.PENDING: 0, Status.DEFERRED: 0, Status.BLOCKED: 1, Status.IN_PROGRESS: 1, Status.REVIEW: 2, Status.DONE: 3,
    Status.CANCELLED: 3,
}  # fmt: skip


#: What changed the task in Nexus: since its file was imported (True), or ever.
History = Callable[[bool], Iterable[Event]]


@attrs.frozen(kw_only=True)
class Conflict:
    """A field that the file and Nexus both changed. Values are as the API shows them; `base` is null when unknown."""

    task: int
    external_key: str
    field: str
    base: Any
    file: Any
    nexus: Any
    taken: str  #: `file` or `nexus`
    reason: str = ""
    code: str = "conflict"  #: of its warning


def conflict(
    task: Task, theirs: ParsedTask, field: str, *, base: Any, file: Any, taken: str, reason: str = "",
    code: str = "conflict",
) -> Conflict:  # fmt: skip
    """The conflict over a field of a task, whose present value is Nexus's."""
    return Conflict(
        task=task.id,
        external_key=theirs.external_key,
        field=field,
        base=plain(base),
        file=plain(file),
        nexus=plain(getattr(task, field)),
        taken=taken,
        reason=reason,
        code=code,
    )


@attrs.frozen(kw_only=True)
class Merged:
    """What is taken from the file, and what that hides."""

    taken: dict[str, Any]
    conflicts: tuple[Conflict, ...]


def merge(task: Task, theirs: ParsedTask, base: ParsedTask | None, had: History) -> Merged:
    """Merge one task."""
    merger = _Merger(task, theirs, base, had)
    for field in MERGED:
        if field in theirs.said:
            merger.merge(field)
    return Merged(taken=merger.taken, conflicts=tuple(merger.conflicts))


class _Merger:
    """The merge of one task."""

    def __init__(self, task: Task, theirs: ParsedTask, base: ParsedTask | None, had: History) -> None:
        self.task = task
        self.theirs = theirs
        self.base = base
        self.had = had
        self.taken: dict[str, Any] = {}
        self.conflicts: list[Conflict] = []

    def merge(self, field: str) -> None:
        """Decide about one field."""
        nexus, new = getattr(self.task, field), getattr(self.theirs, field)
        is_known = self.base is not None and field in self.base.said
        was = getattr(self.base, field) if is_known else None
        if new == nexus or (is_known and new == was):
            return
        if field == "raw_data":  # a copy of what the file says, which nobody changes in Nexus
            self.taken[field] = new
        elif field == "status" and self.task.assignment_id is not None and new not in WHILE_HELD:
            self.note(field, was, new, "nexus", reason=f"{self.task.agent} holds it", code="held")
        elif is_known and nexus == was:
            self.taken[field] = new
        else:
            self.settle(field, was, new, is_known=is_known)

    def settle(self, field: str, was: Any, new: Any, *, is_known: bool) -> None:
        """Decide about a field that Nexus changed too, or may have changed."""
        nexus = getattr(self.task, field)
        past = self.past(field, since_import=is_known)
        if plain(new) in past:
            return
        if not is_known and not past:
            self.taken[field] = new  # nobody touched it in Nexus
        elif field == "labels":
            self.taken[field] = _united(was or (), new, nexus)
        elif field == "status" and _PROGRESS[nexus] > _PROGRESS[new]:
            self.note(field, was, new, "nexus", reason="the task is further on there")
        else:
            self.taken[field] = new
            self.note(field, was, new, "file")

    def note(self, field: str, was: Any, new: Any, taken: str, **why: str) -> None:
        """Remember a conflict."""
        self.conflicts.append(conflict(self.task, self.theirs, field, base=was, file=new, taken=taken, **why))

    def past(self, field: str, *, since_import: bool) -> Collection[Any]:
        """The values that the field had in Nexus since the file was imported, or ever."""
        values: list[Any] = []
        for event in self.had(since_import):
            said = event.payload if event.type == TaskMoved.TYPE else event.payload.get("changes", {}).get(field)
            if said and (field == "status") is (event.type == TaskMoved.TYPE):
                values += (said.get("from"), said.get("to"))
        return values


def _united(was: Iterable[str], theirs: Iterable[str], ours: tuple[str, ...]) -> tuple[str, ...]:
    """Labels with what the file added and without what it took away."""
    before, after = set(was), set(theirs)
    kept = [label for label in ours if label in after or label not in before]
    return tuple(dict.fromkeys([*kept, *(label for label in theirs if label not in before)]))
