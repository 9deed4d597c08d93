"""The dependency graph as plain mappings: cycles, waiting counts, critical path."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

import attrs

from .tasks import Task


@attrs.frozen(kw_only=True)
class Graph:
    """Tasks, the dependencies between them, and the longest chain of open ones."""

    tasks: tuple[Task, ...]
    edges: tuple[tuple[int, int], ...]  #: (task, the task that it depends on)
    critical_path: tuple[int, ...]  #: from the first to be done to the last


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
    known = set(nodes)
    missing = {node: sum(1 for there in edges.get(node, ()) if there in known) for node in nodes}
    pointing: dict[int, list[int]] = {node: [] for node in nodes}
    for node in nodes:
        for there in edges.get(node, ()):
            if there in known:
                pointing[there].append(node)
    queue = deque(node for node in nodes if not missing[node])
    order: list[int] = []
    while queue:
        node = queue.popleft()
        order.append(node)
        for dependent in pointing[node]:
            missing[dependent] -= 1
            if not missing[dependent]:
                queue.append(dependent)
    placed = set(order)
    return order, [node for node in nodes if node not in placed]


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


def waiting_counts(
    nodes: Sequence[int], dependents: Mapping[int, Sequence[int]], is_open: Mapping[int, bool]
) -> dict[int, int]:
    """For each node, how many open tasks wait for it, directly or not, through open tasks.

    Exact, by sets as bits: time and memory grow with nodes times open nodes / 8 bytes, so callers pass one connected
    part of the graph.
    """
    order, stuck = topological_order(nodes, dependents)
    place = {node: index for index, node in enumerate(nodes)}
    reached: dict[int, int] = {}
    for node in [*order, *stuck]:
        bits = 0
        for dependent in dependents.get(node, ()):
            if is_open.get(dependent):
                bits |= reached.get(dependent, 0) | (1 << place[dependent])
        reached[node] = bits
    return {node: bits.bit_count() for node, bits in reached.items()}


def longest_chain(nodes: Sequence[int], edges: Mapping[int, Sequence[int]]) -> tuple[int, ...]:
    """The longest path, from the node that depends on nothing to the one that nothing depends on."""
    order, _ = topological_order(nodes, edges)
    length: dict[int, int] = {}
    towards: dict[int, int | None] = {}
    for node in order:
        before = [there for there in edges.get(node, ()) if there in length]
        best = max(before, key=lambda there: (length[there], -there), default=None)
        length[node] = 1 + (length[best] if best is not None else 0)
        towards[node] = best
    if not length:
        return ()
    here: int | None = max(length, key=lambda node: (length[node], -node))
    path: list[int] = []
    while here is not None:
        path.append(here)
        here = towards[here]
    return tuple(reversed(path))
