"""The graph in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ..clock import to_text
from ..domain.tasks import Task
from ..ports.graph import Held, Standing, State
from ..ports.queries import Visible
from .session import SqlSession, chunks
from .tasks import node, visibility


class SqlTaskGraph:
    """Walks along the dependencies, and the counts that follow from them."""

    def __init__(self, session: SqlSession) -> None:
        self._session = session

    def _rows(self, statement: str, ids: Sequence[int], **more: Any) -> Iterator[tuple[Any, ...]]:
        for part in chunks(sorted(set(ids))):
            yield from self._session.tuples(statement, ids=part, **more)

    def before(self, ids: Sequence[int], limit: int) -> list[int]:
        """Open tasks that these wait for."""
        return self._walk("walk_before", ids, limit)

    def behind(self, ids: Sequence[int], limit: int) -> list[int]:
        """Open tasks that wait for these."""
        return self._walk("walk_behind", ids, limit)

    def _walk(self, statement: str, ids: Sequence[int], limit: int) -> list[int]:
        found: dict[int, None] = {}
        for part in chunks(list(ids)):
            found.update((row[0], None) for row in self._session.tuples(statement, ids=part, limit=limit))
            if len(found) >= limit:
                break
        return list(found)[:limit]

    def standings(self, ids: Sequence[int]) -> list[Standing]:
        """Those of the ids that are open."""
        return [Standing(*row) for row in self._rows("standings", ids)]

    def open_dependents(self, ids: Sequence[int]) -> list[tuple[int, Standing]]:
        """(one of the ids, an open task that depends on it)."""
        return [(of, Standing(*one)) for of, *one in self._rows("open_dependents", ids)]

    def open_dependencies(self, ids: Sequence[int]) -> list[tuple[int, Standing]]:
        """(one of the ids, an open task that it depends on)."""
        return [(of, Standing(*one)) for of, *one in self._rows("open_dependencies", ids)]

    def add_behind(self, ids: Sequence[int], *, impact: int, chain: int) -> None:
        """Change impact and chain by differences."""
        for part in chunks(sorted(ids)):
            self._session.later("add_behind", ids=part, impact=impact, chain=chain)

    def set_behind(self, values: Mapping[int, tuple[int, int]]) -> None:
        """Write impact and chain."""
        stored = [{"id": key, "impact": impact, "chain": chain} for key, (impact, chain) in sorted(values.items())]
        self._session.many("set_behind", stored)

    def levels(self, ids: Sequence[int]) -> dict[int, int]:
        """The levels of tasks."""
        return {row[0]: row[1] for row in self._rows("levels", ids)}

    def levels_above(self, ids: Sequence[int]) -> list[tuple[int, int, int]]:
        """(one of the ids, a task that depends on it, that one's level)."""
        return [(row[0], row[1], row[2]) for row in self._rows("levels_above", ids)]

    def levels_below(self, ids: Sequence[int]) -> list[tuple[int, int, int]]:
        """(one of the ids, a task that it depends on, that one's level)."""
        return [(row[0], row[1], row[2]) for row in self._rows("levels_below", ids)]

    def walk_above(self, task_id: int, level: int, limit: int) -> dict[int, int]:
        """Tasks that wait for a task, through tasks below a level."""
        return dict(self._session.tuples("walk_above", id=task_id, level=level, limit=limit))

    def walk_below(self, task_id: int, level: int, limit: int) -> dict[int, int]:
        """Tasks that a task waits for, through tasks above a level."""
        return dict(self._session.tuples("walk_below", id=task_id, level=level, limit=limit))

    def set_levels(self, levels: Mapping[int, int]) -> None:
        """Write levels."""
        self._session.many("set_level", [{"id": key, "level": value} for key, value in sorted(levels.items())])

    def states(self, ids: Sequence[int]) -> list[State]:
        """Those of the ids that exist."""
        return [State(*row) for row in self._rows("states", ids)]

    def count_open_dependencies(self, ids: Sequence[int]) -> dict[int, int]:
        """How many of their dependencies are open."""
        return {row[0]: row[1] for row in self._rows("count_open_dependencies", ids)}

    def count_open_subtasks(self, ids: Sequence[int]) -> dict[int, int]:
        """How many of their subtasks are open."""
        return {row[0]: row[1] for row in self._rows("count_open_subtasks", ids)}

    def set_counts(self, states: Sequence[State]) -> None:
        """Write the three counts of each."""
        self._session.many("set_counts", [state._asdict() for state in sorted(states)])

    def bump_dependencies(self, ids: Sequence[int], delta: int) -> dict[int, int]:
        """Change the count of open dependencies; the new counts."""
        return {row[0]: row[1] for row in self._rows("bump_open_dependencies", ids, delta=delta)}

    def bump_dependents(self, task_id: int, delta: int) -> dict[int, int]:
        """Change the count of open dependencies of all that depend on a task; the new counts."""
        return {row[0]: row[1] for row in self._session.tuples("bump_dependents", id=task_id, delta=delta)}

    def bump_ancestors(self, ids: Sequence[int], delta: int) -> None:
        """Change the count of ancestors that are unready for their own dependencies."""
        for part in chunks(sorted(set(ids))):
            self._session.later("bump_blocked_ancestors", ids=part, delta=delta)

    def held(self, ids: Sequence[int], now: datetime) -> list[Held]:
        """What keeps these from being ready."""
        return [Held(*row) for row in self._rows("list_to_free", ids, now=to_text(now))]

    def held_by(self, task_id: int, now: datetime) -> list[Held]:
        """What keeps those from being ready that depend on a task."""
        return [Held(*row) for row in self._session.tuples("list_dependents_to_free", id=task_id, now=to_text(now))]

    def open_tasks(self, before: int, limit: int) -> list[int]:
        """Open tasks below an id, from the highest down."""
        return [row[0] for row in self._session.tuples("open_tasks", before=before, limit=limit)]

    def nodes(self, repository_id: int | None, visible: Visible, limit: int) -> list[Task]:
        """The tasks of a repository and those of others that they touch, or all."""
        scope = {**visibility(visible), "limit": limit}
        if repository_id is None:
            found = self._session.all("graph_nodes", **scope)
        else:
            found = self._session.all("graph_nodes_of", **scope, repository_id=repository_id)
        edges: dict[int, list[int]] = {}
        for task_id, on in self._rows("dependencies_of", [row["id"] for row in found]):
            edges.setdefault(task_id, []).append(on)
        return [node(row, tuple(edges.get(row["id"], ()))) for row in found]

    def outline(self, repository_id: int | None, visible: Visible) -> list[tuple[int, int]]:
        """(task, its chain, or -1 when it is closed), each behind all that it depends on."""
        # As they come: building a hundred thousand tuples anew would cost as much as reading them.
        found: list[Any] = self._session.tuples("outline_tasks", **visibility(visible), repository_id=repository_id)
        return found

    def edges(self) -> list[tuple[int, int]]:
        """(task, what it depends on): all there are."""
        found: list[Any] = self._session.tuples("outline_edges")
        return found

    def chain_behind(self, task_id: int) -> list[int]:
        """The task and the longest chain of open tasks behind it."""
        return [row[0] for row in self._session.tuples("chain_behind", id=task_id)]
