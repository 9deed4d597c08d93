"""The dependency graph as plain mappings: order, cycles, critical path."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

import attrs

from .tasks import Task


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
            path = [here]
            while here != start:
                here = came_from[here]
                path.append(here)
            return tuple(reversed(path))
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
    """Cycles whose removal leaves the graph without any: each as a path that ends where it began, and the edge to drop.

    Every cycle must hold an edge that may be dropped.

    >>> find_cycles([1, 2, 3], {1: [2], 2: [1], 3: [3]})
    [((1, 2, 1), (2, 1)), ((3, 3), (3, 3))]
    """
    alive = {node: list(edges.get(node, ())) for node in nodes}
    cycles: list[tuple[tuple[int, ...], tuple[int, int]]] = []
    while cycle := _some_cycle(nodes, alive):
        steps = list(pairwise(cycle))
        dropped = next(edge for edge in reversed(steps) if may_drop(*edge))
        cycles.append((cycle, dropped))
        alive[dropped[0]].remove(dropped[1])
    return cycles


def _some_cycle(nodes: Sequence[int], edges: Mapping[int, Sequence[int]]) -> tuple[int, ...] | None:
    stuck = set(topological_order(nodes, edges)[1])
    within = {node: [there for there in edges.get(node, ()) if there in stuck] for node in stuck}
    for node in sorted(stuck):
        for there in within[node]:
            back = find_path(there, node, within)
            if back is not None:
                return (node, *back)
    return None


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
