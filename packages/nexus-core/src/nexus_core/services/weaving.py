"""Many tasks and dependencies at once, as an import brings them: stored together, cycles left open, counted once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..domain.graph import find_cycles, topological_order
from ..domain.tasks import NewTask, Task
from . import behind, upkeep
from .levels import GAP, lift
from .work import Work

Edge = tuple[int, int]
Cycle = tuple[tuple[int, ...], Edge]


def weave(work: Work, new: Mapping[int, NewTask], wanted: Iterable[Edge]) -> tuple[list[Edge], list[Cycle]]:
    """Store new tasks under their reserved ids, and dependencies that were not there.

    Those that were added, and the cycles that others would have closed: each with the dependency that was left out.
    """
    own = {edge for edge in wanted if edge[0] in new}
    cycles = _cycles_among(new, own)
    own -= {edge for _, edge in cycles}
    levels = _levels(work, new, own)
    work.tasks.add_reserved(new, levels, work.now)
    work.tasks.depend_all(sorted(own))
    tied, more = _tie(work, sorted(edge for edge in wanted if edge[0] not in new), levels)
    return [*sorted(own), *tied], [*cycles, *more]


def _cycles_among(new: Mapping[int, NewTask], edges: Iterable[Edge]) -> list[Cycle]:
    """Cycles of new tasks alone: the others cannot wait for them yet."""
    waits: dict[int, list[int]] = {}
    for task_id, on in sorted(edges):
        if on in new:
            waits.setdefault(task_id, []).append(on)
    return find_cycles(sorted(new), waits)


def _levels(work: Work, new: Mapping[int, NewTask], edges: Iterable[Edge]) -> dict[int, int]:
    waits: dict[int, list[int]] = {}
    for task_id, on in edges:
        waits.setdefault(task_id, []).append(on)
    levels = work.graph.levels([on for others in waits.values() for on in others if on not in new])
    for task_id in topological_order(list(new), waits)[0]:
        levels[task_id] = max((levels[on] + GAP for on in waits.get(task_id, ())), default=0)
    return levels


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
    """Count what new tasks, tasks that were closed or reopened, and dependencies that came and went have changed."""
    touched = {*new, *(task.id for task in turned), *(task_id for task_id, _ in (*tied, *untied))}
    if not touched:
        return
    upkeep.recount(work, sorted(touched))
    waited_for = [one.id for _, one in work.graph.open_dependencies([task.id for task in turned])]
    opened = [task.id for task in turned if not task.status.is_closed]
    counted = {*waited_for, *opened, *(on for _, on in (*tied, *untied))}
    more, less = bool(tied or opened), bool(untied or len(opened) < len(turned))
    behind.recount(work, sorted(counted), mixed=more and less)
