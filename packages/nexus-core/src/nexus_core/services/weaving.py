"""Many tasks and dependencies at once, as an import brings them: stored together, cycles left open, counted once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from ..domain.behind import MOST_COUNTED, Reach
from ..domain.graph import find_cycles, topological_order
from ..domain.tasks import NewTask, Status, Task
from ..ports.graph import NewStanding, State
from . import behind, upkeep
from .levels import GAP, lift
from .work import Work

Edge = tuple[int, int]
Cycle = tuple[tuple[int, ...], Edge]


def weave(work: Work, new: Mapping[int, NewTask], wanted: Collection[Edge]) -> tuple[list[Edge], list[Cycle]]:
    """Store new tasks under their reserved ids, and dependencies that were not there.

    Those that were added, and the cycles that others would have closed: each with the dependency that was left out.
    """
    own = {edge for edge in wanted if edge[0] in new}
    cycles = _cycles_among(new, own)
    own -= {edge for _, edge in cycles}
    standings = _Newcomers(work, new, own).count()
    work.tasks.add_reserved(new, standings, work.now)
    work.tasks.depend_all(sorted(own))
    levels = {task_id: standing.level for task_id, standing in standings.items()}
    tied, more = _tie(work, sorted(edge for edge in wanted if edge[0] not in new), levels)
    return [*sorted(own), *tied], [*cycles, *more]


def _cycles_among(new: Mapping[int, NewTask], edges: Iterable[Edge]) -> list[Cycle]:
    """Cycles of new tasks alone: the others cannot wait for them yet."""
    waits: dict[int, list[int]] = {}
    for task_id, on in sorted(edges):
        if on in new:
            waits.setdefault(task_id, []).append(on)
    return find_cycles(sorted(new), waits)


class _Newcomers:
    """New tasks with all that is kept beside them, counted before they are stored."""

    def __init__(self, work: Work, new: Mapping[int, NewTask], edges: Iterable[Edge]) -> None:
        self._work = work
        self._new = new
        self._waits: dict[int, list[int]] = {task_id: [] for task_id in new}
        for task_id, on in edges:
            self._waits[task_id].append(on)
        self._levels: dict[int, int] = {}
        self._open: dict[int, bool] = {task_id: not task.status.is_closed for task_id, task in new.items()}

    def count(self) -> dict[int, NewStanding]:
        """What is to be stored beside each."""
        order = topological_order(list(self._new), self._waits)[0]
        self._look_at_others()
        for task_id in order:
            self._levels[task_id] = max((self._levels[on] + GAP for on in self._waits[task_id]), default=0)
        dependencies = {key: sum(self._open[on] for on in waits) for key, waits in self._waits.items()}
        subtasks = Counter(task.parent_id for key, task in self._new.items() if self._open[key])
        above = self._blocked_above(dependencies)
        impacts, chains = self._behind(order)
        return {
            key: NewStanding(
                level=self._levels[key], open_dependencies=dependencies[key], open_subtasks=subtasks[key],
                blocked_ancestors=above[key], impact=impacts[key], chain=chains[key],
            )
            for key in self._new
        }  # fmt: skip

    def _look_at_others(self) -> None:
        """The tasks that were there before and that new ones depend on."""
        others = [on for waits in self._waits.values() for on in waits if on not in self._new]
        self._levels.update(self._work.graph.levels(others))
        self._open.update((one.id, not Status(one.status).is_closed) for one in self._work.graph.states(others))

    def _blocked_above(self, dependencies: Mapping[int, int]) -> dict[int, int]:
        parents = {key: task.parent_id for key, task in self._new.items()}
        there = {parent for parent in parents.values() if parent is not None and parent not in parents}
        known: dict[int, State] = {}
        upkeep.read_upwards(self._work, there, known)
        blocked = {key: int(state.open_dependencies > 0) for key, state in known.items()}
        blocked |= {key: int(number > 0) for key, number in dependencies.items()}
        parents |= {key: state.parent_id for key, state in known.items()}
        above: dict[int, int] = {}
        for key in (*known, *self._new):
            trail = []
            while key is not None and key not in above:
                trail.append(key)
                key = parents[key]  # type: ignore[assignment] # None ends the trail
            number = 0 if key is None else above[key] + blocked[key]
            for step in reversed(trail):
                above[step] = number
                number += blocked[step]
        return above

    def _behind(self, order: Sequence[int]) -> tuple[dict[int, int], dict[int, int]]:
        """Of new tasks alone: no other waits for them yet."""
        waiting: dict[int, list[int]] = {key: [] for key in self._new}
        for task_id, waits in self._waits.items():
            for on in waits if self._open[task_id] else ():
                if on in waiting:
                    waiting[on].append(task_id)
        impacts: dict[int, int] = {}
        chains: dict[int, int] = {}
        reach = Reach()
        for key in reversed(order):
            most = max((impacts[one] for one in waiting[key]), default=0)
            reach.know(key, waiting[key] if most < MOST_COUNTED else ())
            chains[key] = max((1 + chains[one] for one in waiting[key]), default=0)
            exact = reach.count(waiting[key]) if 0 < most < MOST_COUNTED and len(waiting[key]) > 1 else 0
            impacts[key] = min(exact or len(waiting[key]) + most, MOST_COUNTED)
        return impacts, chains


def _tie(work: Work, wanted: Sequence[Edge], known: Mapping[int, int]) -> tuple[list[Edge], list[Cycle]]:
    """Have tasks that were there depend on others, one dependency after the other."""
    tied: list[Edge] = []
    cycles: list[Cycle] = []
    levels = {**work.graph.levels([end for edge in wanted for end in edge]), **known}
    for task_id, on in wanted:
        lifted = lift(work, (task_id, levels[task_id]), (on, levels[on]))
        if lifted.cycle:
            cycles.append(((*lifted.cycle, on), (task_id, on)))
            continue
        levels.update(lifted.levels)
        work.tasks.depend(task_id, on)
        tied.append((task_id, on))
    return tied, cycles


def recount(
    work: Work, new: Mapping[int, NewTask], turned: Sequence[Task], tied: Sequence[Edge], untied: Sequence[Edge]
) -> None:
    """Count what new tasks, tasks that were closed or reopened, and dependencies that came and went have changed.

    New tasks themselves were counted before they were stored, as far as only they are concerned.
    """
    others = {end for edge in (*tied, *untied) for end in edge} - new.keys()
    touched = {task_id for task_id, _ in (*tied, *untied) if task_id not in new}
    touched |= {task.id for task in turned}
    touched |= {task.parent_id for task in new.values() if task.parent_id is not None and task.parent_id not in new}
    if touched:
        upkeep.recount(work, sorted(touched))
    waited_for = [one.id for _, one in work.graph.open_dependencies([task.id for task in turned])]
    opened = [task.id for task in turned if not task.status.is_closed]
    counted = {*waited_for, *opened, *(on for task_id, on in (*tied, *untied) if {task_id, on} & others)}
    more, less = bool(tied or opened), bool(untied or len(opened) < len(turned))
    behind.recount(work, sorted(counted), mixed=more and less)
