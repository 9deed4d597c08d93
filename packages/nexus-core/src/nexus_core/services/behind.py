"""What waits behind each open task: how many (its impact), and how many in a row (its chain).

Both stand beside the task, so that neither the order of work nor a reader walks for them. A change of the graph counts
anew from where it happened towards what is waited for, and stops where nothing changed: its cost is that of the tasks
whose numbers change, not that of the graph. Above MOST_COUNTED an impact is no longer counted, so what waits for almost
everything costs nothing. A closed task has no numbers: nothing waits for it. They are counted when it is reopened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from ..domain.behind import MOST_COUNTED, Reach
from ..ports.graph import Standing, TaskGraph
from .work import Work

_FIRST_BLOCK, _LARGEST_BLOCK = 50, 5_000
"""How many tasks are read ahead: few at first, because most changes end soon."""
_LARGEST_REACH = 2 * MOST_COUNTED
"""Above so many tasks the sets of what is behind each are made anew: their size grows with the square."""


def added(work: Work, task: int, impact: int, on: int) -> None:
    """An open task waits for another open one."""
    if impact:
        recount(work, [on])
        return
    others = [one for _, one in work.graph.open_dependencies([task])]
    _Growth(work.graph, [one for one in others if one.id != on]).grow([one for one in others if one.id == on])


def recount(work: Work, ids: Iterable[int], *, mixed: bool = False) -> None:
    """Count anew those of the tasks that are open, and what they wait for as far as that changes.

    `mixed` says that tasks were both tied and untied: then a number that stayed the same proves nothing.
    """
    area = _Area(work.graph)
    queue = _Queue(work.graph.standings(list(ids)))
    area.look([one.id for one in queue.all])
    while (task := queue.pop()) is not None:
        area.need(task.id)
        changed = area.count(task)
        if changed or (mixed and task.impact < MOST_COUNTED):
            queue.push(area.prerequisites[task.id])
    area.write()


class _Queue:
    """Open tasks from the highest level down: what waits comes before what it waits for. Each comes once."""

    def __init__(self, tasks: Sequence[Standing]) -> None:
        self.all = tasks
        self._known = {one.id: one for one in tasks}
        self._heap = [(-one.level, one.id) for one in self._known.values()]
        self._heap.sort()

    def push(self, tasks: Iterable[Standing]) -> None:
        """Add those that did not come yet."""
        for one in tasks:
            if one.id not in self._known:
                self._known[one.id] = one
                heappush(self._heap, (-one.level, one.id))

    def pop(self) -> Standing | None:
        """The next, or None."""
        return self._known[heappop(self._heap)[1]] if self._heap else None


class _Ahead:
    """Reads what tasks wait for, in blocks that grow with the need."""

    def __init__(self, graph: TaskGraph) -> None:
        self.graph = graph
        self.prerequisites: dict[int, list[Standing]] = {}
        self._block = _FIRST_BLOCK

    def need(self, task_id: int) -> None:
        """Make sure that it is known what a task waits for; and what that waits for, which is likely next."""
        if task_id not in self.prerequisites:
            self.look([task_id, *self.graph.before([task_id], self._block)])
            self._block = min(4 * self._block, _LARGEST_BLOCK)

    def look(self, ids: Sequence[int]) -> list[int]:
        """Read what these wait for; those that were not known."""
        new = [task_id for task_id in dict.fromkeys(ids) if task_id not in self.prerequisites]
        self.prerequisites.update((task_id, []) for task_id in new)
        for task_id, one in self.graph.open_dependencies(new):
            self.prerequisites[task_id].append(one)
        return new


class _Area(_Ahead):
    """The part of the graph around a change, with the numbers as they were and as they are."""

    def __init__(self, graph: TaskGraph) -> None:
        super().__init__(graph)
        self._dependents: dict[int, list[Standing]] = {}
        self._new: dict[int, tuple[int, int]] = {}
        self._old: dict[int, tuple[int, int]] = {}
        self._reach = Reach()

    def look(self, ids: Sequence[int]) -> list[int]:
        """Read what these wait for, and what waits for them."""
        new = super().look(ids)
        self._know(new)
        return new

    def _know(self, ids: Sequence[int]) -> None:
        new = [task_id for task_id in ids if task_id not in self._dependents]
        self._dependents.update((task_id, []) for task_id in new)
        for task_id, one in self.graph.open_dependents(new):
            self._dependents[task_id].append(one)
            if not one.impact and one.id not in self._dependents:
                self._reach.know(one.id, ())
        for task_id in new:
            self._reach.know(task_id, [one.id for one in self._dependents[task_id]])

    def count(self, task: Standing) -> bool:
        """Count what is behind a task; whether that changed."""
        behind = self._dependents[task.id]
        now = [(self._new.get(one.id) or (one.impact, one.chain)) for one in behind]
        chain = max((1 + chain for _, chain in now), default=0)
        impact = self._impact([one.id for one in behind], [impact for impact, _ in now])
        self._new[task.id] = impact, chain
        self._old[task.id] = task.impact, task.chain
        return self._new[task.id] != self._old[task.id]

    def _impact(self, behind: Sequence[int], impacts: Sequence[int]) -> int:
        direct, most = len(behind), max(impacts, default=0)
        if most == 0 or direct == 1 or max(direct, most) >= MOST_COUNTED:
            return min(direct + most, MOST_COUNTED)
        if unknown := self._reach.unknown(behind):
            further = self.graph.behind(unknown, MOST_COUNTED)
            if len(further) >= MOST_COUNTED:
                return MOST_COUNTED
            self._know([*unknown, *further])
        if self._reach.size > _LARGEST_REACH:
            self._reach.forget()
        return min(self._reach.count(behind), MOST_COUNTED)

    def write(self) -> None:
        """Write what changed; by differences where many changed alike, as along a chain."""
        changed = {key: value for key, value in self._new.items() if value != self._old[key]}
        alike: dict[tuple[int, int], list[int]] = {}
        for key, (impact, chain) in changed.items():
            before = self._old[key]
            alike.setdefault((impact - before[0], chain - before[1]), []).append(key)
        if len(alike) * 8 > len(changed):
            self.graph.set_behind(changed)
            return
        for (impact, chain), ids in alike.items():
            self.graph.add_behind(ids, impact=impact, chain=chain)


class _Growth(_Ahead):
    """One more task, behind which there is nothing, waits: one more for each that it did not wait for already.

    Only what is waited for is looked at, so that the ten-thousandth that waits for a task costs what the first did.
    """

    def __init__(self, graph: TaskGraph, already: Sequence[Standing]) -> None:
        super().__init__(graph)
        self._already = already

    def grow(self, on: Sequence[Standing]) -> None:
        """Count it for what it now waits for."""
        marked = {one.id for one in self._already}
        reached, chains = {one.id for one in on}, {one.id: 1 for one in on}
        queue = _Queue([*self._already, *on])
        pending = set(reached)
        alike: dict[tuple[int, int], list[int]] = {}
        while pending and (task := queue.pop()) is not None:
            pending.discard(task.id)
            more = int(task.id in reached and task.id not in marked and task.impact < MOST_COUNTED)
            longer = max(0, chains.get(task.id, 0) - task.chain)
            if more or longer:
                alike.setdefault((more, longer), []).append(task.id)
            elif task.id not in marked:
                continue
            self.need(task.id)
            before = self.prerequisites[task.id]
            queue.push(before)
            for one in before:
                if task.id in marked:
                    marked.add(one.id)
                if more:
                    reached.add(one.id)
                if longer:
                    chains[one.id] = max(chains.get(one.id, 0), chains[task.id] + 1)
                if more or longer:
                    pending.add(one.id)
        for (more, longer), ids in alike.items():
            self.graph.add_behind(ids, impact=more, chain=longer)
