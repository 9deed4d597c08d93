"""The dependency graph as plain mappings: order, cycles, critical path."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from .tasks import Task

_LARGE_KNOT = 1000  # tasks that all wait for each other; no file of a sane mind has as many


@attrs.frozen(kw_only=True)
class Graph:
    """Tasks, the dependencies between them, and the longest chain of open ones."""

    tasks: tuple[Task, ...]  #: without their texts
    edges: tuple[tuple[int, int], ...]  #: (task, the task that it depends on)
    critical_path: tuple[int, ...]  #: from the first to be done to the last


@attrs.frozen(kw_only=True)
class Outline:
    """A graph of any size: ids alone."""

    order: tuple[int, ...]  #: each task behind all that it depends on
    edges: tuple[tuple[int, int], ...]  #: (task, the task that it depends on)
    critical_path: tuple[int, ...]  #: the longest chain of open tasks, from the first to be done to the last


def find_path(start: int, goal: int, edges: Mapping[int, Iterable[int]]) -> tuple[int, ...] | None:
    """A shortest path from `start` to `goal` along `edges`, both ends included.

    >>> find_path(1, 3, {1: [2], 2: [3]})
    (1, 2, 3)
    """
    came_from: dict[int, int] = {start: start}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        if here == goal:
            return _way_back(came_from, start, goal)
        for there in edges.get(here, ()):
            if there not in came_from:
                came_from[there] = here
                queue.append(there)
    return None


def topological_order(nodes: Sequence[int], edges: Mapping[int, Sequence[int]]) -> tuple[list[int], list[int]]:
    """The nodes so that each stands behind all that it points to, and those that a cycle holds back.

    >>> topological_order([1, 2, 3], {1: [2], 2: [3]})
    ([3, 2, 1], [])
    """
    pointing, missing = _turned(nodes, edges)
    order = [node for node in nodes if not missing[node]]
    for node in order:
        for dependent in pointing[node]:
            missing[dependent] -= 1
            if not missing[dependent]:
                order.append(dependent)
    return order, [node for node in nodes if missing[node]]


def find_cycles(
    nodes: Sequence[int],
    edges: Mapping[int, Sequence[int]],
    may_drop: Callable[[int, int], bool] = lambda node, there: True,
) -> list[tuple[tuple[int, ...], tuple[int, int]]]:
    """Cycles whose last steps, dropped, leave the graph without any; each is a shortest one and with its last step.

    Only steps are dropped that would close a cycle with those that stay; of a cycle rather one to a higher number,
    since tasks are mostly numbered as they can be done. Those that may not be dropped hold no cycle among themselves.

    >>> find_cycles([1, 2, 3], {1: [2], 2: [1], 3: [3]})
    [((2, 1, 2), (1, 2)), ((3, 3), (3, 3))]
    """
    cycles: list[tuple[tuple[int, ...], tuple[int, int]]] = []
    for knot in _knots(nodes, edges):
        fixed = {node: [there for there in knot[node] if not may_drop(node, there)] for node in knot}
        # By number and mended, more of a knot stays whole; depth first needs no mending, which would take minutes.
        is_large = len(knot) > _LARGE_KNOT and not any(fixed.values())
        order = _deepest_first(list(knot), knot) if is_large else topological_order(list(knot), fixed)[0]
        growing = _Growing(order, fixed)
        loose = [(node, there) for node in knot for there in knot[node] if may_drop(node, there)]
        for node, there in sorted(loose, key=lambda step: (not growing.fits(*step), step[1] >= step[0])):
            path = growing.add(node, there)
            if path is not None:
                cycles.append(((*path, there), (node, there)))
    return cycles


def _knots(nodes: Sequence[int], edges: Mapping[int, Sequence[int]]) -> list[dict[int, list[int]]]:
    """The strongly connected parts in which there are cycles, each with the edges inside it (Kosaraju's way)."""
    known = set(nodes)
    ahead = {node: [there for there in edges.get(node, ()) if there in known] for node in nodes}
    behind: dict[int, list[int]] = {node: [] for node in nodes}
    for node in nodes:
        for there in ahead[node]:
            behind[there].append(node)
    part_of: dict[int, int] = {}
    for start in reversed(_deepest_first(nodes, ahead)):
        front = [start] if start not in part_of else []
        while front:
            part_of[front[-1]] = start
            front += [node for node in behind[front.pop()] if node not in part_of]
    knots: dict[int, dict[int, list[int]]] = {}
    for node in nodes:
        inside = [there for there in ahead[node] if part_of[there] == part_of[node]]
        if inside:
            knots.setdefault(part_of[node], {})[node] = inside
    return list(knots.values())


def _deepest_first(nodes: Sequence[int], edges: Mapping[int, Sequence[int]]) -> list[int]:
    """The nodes, each behind all that it points to, except where a cycle leads back: depth first from the last node."""
    order: list[int] = []
    seen: set[int] = set()
    for start in reversed(nodes):
        trail = [] if start in seen else [(start, iter(edges.get(start, ())))]
        seen.add(start)
        while trail:
            here, rest = trail[-1]
            there = next((node for node in rest if node not in seen), None)
            if there is None:
                order.append(here)
                trail.pop()
            else:
                seen.add(there)
                trail.append((there, iter(edges.get(there, ()))))
    return order


class _Growing:
    """A graph without cycles that takes one more edge at a time, and keeps its nodes in an order that shows it.

    The order is mended where an edge does not fit it, after Pearce and Kelly, so most edges cost next to nothing.
    """

    def __init__(self, order: Sequence[int], edges: Mapping[int, Sequence[int]]) -> None:
        self.place = {node: place for place, node in enumerate(order)}
        self.ahead: dict[int, list[int]] = {node: list(edges.get(node, ())) for node in order}
        self.behind: dict[int, list[int]] = {node: [] for node in order}
        for node in order:
            for there in self.ahead[node]:
                self.behind[there].append(node)

    def fits(self, node: int, there: int) -> bool:
        """Whether an edge is as the order has it."""
        return self.place[there] < self.place[node]

    def add(self, node: int, there: int) -> tuple[int, ...] | None:
        """Take an edge; or answer the path from `there` to `node`, with which it would close a cycle, and leave it."""
        if not self.fits(node, there):
            first, last = self.place[node], self.place[there]
            before = self._reach(there, self.ahead, range(first, last + 1), node)
            if node in before:
                return _way_back(before, there, node)
            self._mend(before, self._reach(node, self.behind, range(first, last + 1), there))
        self.ahead[node].append(there)
        self.behind[there].append(node)
        return None

    def _reach(self, start: int, edges: Mapping[int, Sequence[int]], places: range, goal: int) -> dict[int, int]:
        """What is reached within a part of the order, until the goal is: each node with the one that led to it."""
        came_from = {start: start}
        queue = deque([start])
        while queue and goal not in came_from:
            here = queue.popleft()
            for node in edges[here]:
                if node not in came_from and self.place[node] in places:
                    came_from[node] = here
                    queue.append(node)
        return came_from

    def _mend(self, before: Iterable[int], after: Iterable[int]) -> None:
        """Have some nodes stand before some others, on the places that they have together."""
        moved = [*sorted(before, key=self.place.__getitem__), *sorted(after, key=self.place.__getitem__)]
        places = sorted(self.place[node] for node in moved)
        self.place.update(zip(moved, places, strict=True))


def _way_back(came_from: Mapping[int, int], start: int, goal: int) -> tuple[int, ...]:
    path = [goal]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return tuple(reversed(path))


def longest_chain(nodes: Sequence[int], edges: Mapping[int, Sequence[int]]) -> tuple[int, ...]:
    """The longest path, from the node that depends on nothing to the one that nothing depends on.

    >>> longest_chain([1, 2, 3, 4], {2: [1], 3: [2], 4: [1]})
    (1, 2, 3)
    """
    pointing, missing = _turned(nodes, edges)
    order = [node for node in nodes if not missing[node]]
    length = dict.fromkeys(order, 1)
    towards: dict[int, int | None] = dict.fromkeys(order)
    for node in order:
        further = length[node] + 1
        for dependent in pointing[node]:
            known = length.get(dependent, 0)
            if further > known or (further == known and node < (towards[dependent] or node)):
                length[dependent], towards[dependent] = further, node
            missing[dependent] -= 1
            if not missing[dependent]:
                order.append(dependent)
    here: int | None = max(order, key=lambda node: (length[node], -node), default=None)
    path: list[int] = []
    while here is not None:
        path.append(here)
        here = towards[here]
    return tuple(reversed(path))


def _turned(nodes: Sequence[int], edges: Mapping[int, Sequence[int]]) -> tuple[dict[int, list[int]], dict[int, int]]:
    """What points to each node, and to how many each points itself; other nodes do not count."""
    pointing: dict[int, list[int]] = {node: [] for node in nodes}
    missing = dict.fromkeys(nodes, 0)
    for node in nodes:
        for there in edges.get(node, ()):
            if there in pointing:
                pointing[there].append(node)
                missing[node] += 1
    return pointing, missing
