"""Levels: a number beside each task, above those of all that it depends on.

Sorted by level, tasks stand in an order in which they can be done. A new dependency that points from a higher level to
a lower one closes no cycle; that is most of them, and it is seen without a look at anything else. Otherwise the two
ends are searched towards each other, only between their levels and the most promising tasks first, and then one side
moves out of the way. Levels stand far apart, so that there is room between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from ..domain.graph import find_path
from .work import Work

GAP = 1 << 20
"""How far a task that may stand anywhere is put from its neighbour."""
_FIRST, _GROWTH, _MOST = 4, 1.1, 500
"""How many tasks one step of a search looks at: few at first, because what looks best mostly is."""
_NARROW, _PATIENCE = 2, 6
"""So many steps that find no more tasks than this follow a chain: then many are asked for at once."""


class Lifted(NamedTuple):
    """What came of making room for a dependency."""

    cycle: tuple[int, ...]  #: when it would close one: from what is to be depended on, down to the task
    levels: dict[int, int]  #: those that changed


def lift(work: Work, task: tuple[int, int], on: tuple[int, int]) -> Lifted:
    """Have a task stand above one that it will depend on; each is given with its level.

    When the other waits for the task itself, nothing is changed and the way between them is told.
    """
    if task[0] == on[0]:
        return Lifted((on[0],), {})
    if task[1] > on[1]:
        return Lifted((), {})
    up = _Side(task, bound=on[1], sign=1, step=work.graph.levels_above, walk=work.graph.walk_above)
    down = _Side(on, bound=task[1], sign=-1, step=work.graph.levels_below, walk=work.graph.walk_below)
    if (side := _free(down, up)) is None:
        side, meeting = _search(up, down)
        if meeting is not None:
            return Lifted((*down.way(meeting), *reversed(up.way(meeting)[:-1])), {})
    levels = side.moved()
    work.graph.set_levels(levels)
    return Lifted((), levels)


def _free(*sides: _Side) -> _Side | None:
    """The first side whose end nothing holds."""
    return next((side for side in sides if side.is_free), None)


def _search(up: _Side, down: _Side) -> tuple[_Side, int | None]:
    """The side that is searched to its end, or a task at which the two sides meet."""
    number = float(_FIRST)
    while True:
        for side, other in ((down, up), (up, down)):
            met = side.go_on(int(number)) & other.seen.keys()
            if met or side.is_searched:
                return side, min(met, default=None)
        number = min(number * _GROWTH, _MOST)


class _Side:
    """The search from one end: upwards from the task, or downwards from what it is to depend on."""

    def __init__(
        self, end: tuple[int, int], *, bound: int, sign: int,
        step: Callable[[Sequence[int]], list[tuple[int, int, int]]],
        walk: Callable[[int, int, int], dict[int, int]],
    ) -> None:  # fmt: skip
        self.end, level = end
        self.bound = bound  #: the level of the other end
        self.sign = sign  #: 1 upwards, -1 downwards
        self.seen = {self.end: level}
        self._steps: dict[int, list[tuple[int, int]]] = {}  #: where each task that was looked at leads, with levels
        self._nearest = [(-sign * level, self.end)]
        self._narrow = 0
        self._step = step
        self._walk = walk

    @property
    def is_free(self) -> bool:
        """Whether the end leads nowhere."""
        return not self._leads([self.end])

    @property
    def is_searched(self) -> bool:
        """Whether nothing is left to look at."""
        return not self._nearest

    def go_on(self, number: int) -> set[int]:
        """Look at the tasks whose levels are nearest to the other end; what was found."""
        here = [heappop(self._nearest)[1] for _ in range(min(number, len(self._nearest)))]
        found = self._see(self._leads(here))
        self._narrow = self._narrow + 1 if len(found) <= _NARROW else 0
        if self._narrow > _PATIENCE:
            for task in tuple(found):
                found |= self._see(self._walk(task, self.bound, _MOST).items())
        return found

    def way(self, goal: int) -> tuple[int, ...]:
        """A way from the end to a task that was seen."""
        while (found := find_path(self.end, goal, self._ways())) is None:
            # It was found by following a chain, whose steps are still to be read.
            self._leads(list(self.seen))
        return found

    def _ways(self) -> dict[int, list[int]]:
        return {here: [task for task, _ in led] for here, led in self._steps.items()}

    def moved(self) -> dict[int, int]:
        """Levels beyond the other end, for this end and for all that must make room for it in their turn."""
        further = max if self.sign > 0 else min
        levels = {self.end: self.bound + self.sign * (GAP if self.is_free else 1)}
        waiting = [(self.sign * self.seen[self.end], self.end)]
        while waiting:
            here = waiting[0][1]
            if here not in self._steps:
                self._leads([task for _, task in waiting[:_MOST]])
            heappop(waiting)
            for task, level in self._steps[here]:
                if self.sign * (level - levels[here]) > 0:
                    continue
                if task not in levels:
                    heappush(waiting, (self.sign * level, task))
                levels[task] = further(levels.get(task, levels[here] + self.sign), levels[here] + self.sign)
        return levels

    def _leads(self, tasks: Sequence[int]) -> list[tuple[int, int]]:
        """Where these lead."""
        new = [task for task in tasks if task not in self._steps]
        self._steps.update((task, []) for task in new)
        for here, task, level in self._step(new) if new else ():
            self._steps[here].append((task, level))
        return [led for task in tasks for led in self._steps[task]]

    def _see(self, tasks: Iterable[tuple[int, int]]) -> set[int]:
        """Those of the tasks that are new and between the levels: only they can lead to the other end."""
        found = set[int]()
        for task, level in tasks:
            room = self.sign * (self.bound - level)
            if task in self.seen or room < 0:
                continue
            self.seen[task] = level
            found.add(task)
            if room > 0:
                heappush(self._nearest, (-self.sign * level, task))
        return found
