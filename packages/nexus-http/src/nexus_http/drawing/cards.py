"""Cards: what a picture shows of a task, with its subtasks as rows, and how high that makes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from nexus_core.domain.tasks import Task

from .lettering import clean, wrap

WIDTH = 272
PADDING = 12
LINE, ROW = 17, 19
HEAD = 30  #: the line with key and state
TITLE_SIZE, ROW_SIZE, SMALL = 13, 11.5, 11
BOLD = 1.08  #: so much wider is bold text
_TITLE_LINES = 3
_MOST_ROWS = 30


@attrs.frozen(kw_only=True)
class Row:
    """A subtask on the card of the task that it is part of."""

    task: Task
    depth: int
    y: float  #: of its middle, within the card


@attrs.frozen(kw_only=True)
class Card:
    """A task that is drawn as a card."""

    task: Task
    title: tuple[str, ...]
    rows: tuple[Row, ...]
    number: int  #: of subtasks
    closed: int  #: of these
    height: float

    @property
    def folded(self) -> int:
        """So many subtasks have no row."""
        return self.number - len(self.rows)

    @property
    def id(self) -> int:
        """The task's id."""
        return self.task.id

    def middle_of(self, task_id: int) -> float:
        """Where lines to a task of this card end, from the card's top."""
        return next((row.y for row in self.rows if row.task.id == task_id), HEAD / 2 + 2)

    @property
    def members(self) -> tuple[int, ...]:
        """The tasks that have a place on the card."""
        return (self.task.id, *(row.task.id for row in self.rows))


def make_cards(tasks: Sequence[Task]) -> list[Card]:
    """A card for each task whose parent is not there; the others are rows on the cards of those."""
    known = {task.id for task in tasks}
    below: Mapping[int, list[Task]] = defaultdict(list)
    for task in sorted(tasks, key=lambda task: task.id):
        if task.parent_id in known and task.parent_id is not None:
            below[task.parent_id].append(task)
    return [_card(task, list(_below(task.id, below.get, 0))) for task in tasks if task.parent_id not in known]


def _below(
    task_id: int, children: Callable[[int, list[Task]], list[Task] | None], depth: int
) -> Iterable[tuple[Task, int]]:
    for child in children(task_id, []) or ():
        yield child, depth
        yield from _below(child.id, children, depth + 1) if depth < 8 else ()


def _card(task: Task, subtasks: list[tuple[Task, int]]) -> Card:
    title = tuple(wrap(clean(task.title), WIDTH - 2 * PADDING, TITLE_SIZE * BOLD, _TITLE_LINES))
    top = HEAD + LINE * len(title) + (8 if subtasks else 0)
    shown = _kept(subtasks)
    rows = tuple(
        Row(task=child, depth=depth, y=top + 12 + ROW * (number + 0.5)) for number, (child, depth) in enumerate(shown)
    )
    height = top + (12 + ROW * (len(rows) + (len(rows) < len(subtasks))) if subtasks else 0) + 10
    closed = sum(child.status.is_closed for child, _ in subtasks)
    return Card(task=task, title=title, rows=rows, number=len(subtasks), closed=closed, height=height)


def _kept(subtasks: list[tuple[Task, int]]) -> list[tuple[Task, int]]:
    """Those that get a row: all, or of very many the open ones first."""
    if len(subtasks) <= _MOST_ROWS:
        return subtasks
    by_need = sorted(subtasks, key=lambda pair: pair[0].status.is_closed)[:_MOST_ROWS]
    wanted = {task.id for task, _ in by_need}
    return [pair for pair in subtasks if pair[0].id in wanted]
