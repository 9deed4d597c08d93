"""What a store is asked, and how it answers in parts: values without behaviour."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

import attrs

from ..domain.jobs import JobState

T = TypeVar("T")

#: The repositories that somebody may see; None = all.
Visible = frozenset[int] | None


#: What a cursor of the list of tasks is: how they are sorted, then where the last one stood.
TASK_CURSOR = (
    r"(?:-?id\.[0-9]{1,18}|-updated_at\.[0-9]{1,18}\.[0-9]{1,17}|order\.[0-9]{1,18}\.[0-3]\.[0-9]{1,9}\.[0-9]{1,2})"
)


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """Part of a list, and where the next part begins."""

    items: tuple[T, ...]
    next_cursor: str | None = None


@attrs.frozen(kw_only=True)
class TaskQuery:
    """Which tasks to list, and in what order."""

    status: tuple[str, ...] = ()
    repository: int | str | None = None
    ready: bool | None = None
    label: str | None = None
    parent: int | None = None
    q: str | None = None  #: words in title or description
    agent: str | None = None
    sort: str = "id"  #: id, -id, -updated_at, order (the order of `next`)
    limit: int = 50
    cursor: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether one plan of a database suits it whatever its values: an index holds all that it asks, in order."""
        others = (self.ready, self.label, self.parent, self.q, self.agent)
        return self.sort in ("id", "-id") and len(self.status) <= 1 and all(value is None for value in others)


@attrs.frozen(kw_only=True)
class ShownTask:
    """A task as the API shows it, and what must be known of it to answer."""

    repository_id: int | None
    version: int
    body: str  #: a JSON object, as `wire.task_to_wire` makes it
    linked: bool  #: whether there are changes that name it
    changes: str = "[]"  #: those that may be seen, a JSON array of what `wire.change_to_wire` makes

    @property
    def whole(self) -> str:
        """The task with its `changes`, as JSON."""
        return f'{self.body.rstrip()[:-1]}, "changes": {self.changes}}}'


@attrs.frozen(kw_only=True)
class ShownPage:
    """A page of tasks as the API shows them, and where the next begins."""

    items: str  #: a JSON array of what `wire.task_to_wire` makes
    next_cursor: str | None = None


@attrs.frozen(kw_only=True)
class ReadyQuery:
    """Which ready tasks to consider."""

    repository_id: int | None = None
    max_complexity: int | None = None
    skills: frozenset[str] = frozenset()  #: when given, a labelled task must have one of them
    visible: Visible = None
    limit: int = 50

    @property
    def is_open(self) -> bool:
        """Whether it takes any ready task, whatever its repository, complexity and labels."""
        return self.repository_id is None and self.max_complexity is None and self.visible is None and not self.skills


@attrs.frozen(kw_only=True)
class LaneStats:
    """How many jobs of a lane are in a state, and since when the oldest waits."""

    lane: str
    state: JobState
    number: int
    oldest: datetime | None


@attrs.frozen(kw_only=True)
class LaneFigures:
    """How a lane is doing."""

    lane: str
    waiting: int  #: due or not
    running: int
    dead: int
    oldest: datetime | None  #: since when the oldest that waits is due
    done_a_minute: int  #: in the minute before, of the latest 20,000 jobs
    died_a_minute: int
