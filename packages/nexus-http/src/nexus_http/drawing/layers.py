"""A layered drawing of a graph: a column for each box, an order within each column that makes few lines cross.

Lines that span more than one column are led through helpers, one a column, that keep their way free. Lines from one box
share theirs, so that many that go far are one trunk with branches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

import attrs

_SWEEPS = 16
_MOST_HELPERS = 6_000
"""Beyond so many, lines take the straight way, whatever stands there."""

Node = int | tuple[int, int]
"""A box by its id, or a helper: the box from which its lines come, and its column."""


@attrs.frozen(kw_only=True)
class Layers:
    """Columns of nodes, each in its order, and the way of every line through them."""

    columns: tuple[tuple[Node, ...], ...]
    routes: Mapping[tuple[int, int], tuple[Node, ...]]  #: line (from, to) -> the nodes that it passes, ends included

    def neighbours(self) -> tuple[dict[Node, list[Node]], dict[Node, list[Node]]]:
        """For each node those left of it and those right of it."""
        left: dict[Node, list[Node]] = defaultdict(list)
        right: dict[Node, list[Node]] = defaultdict(list)
        steps = {step: None for route in self.routes.values() for step in pairwise(route)}
        for one, other in steps:
            right[one].append(other)
            left[other].append(one)
        return left, right


def arrange(boxes: Sequence[int], lines: Sequence[tuple[int, int]], lane_of: Mapping[int, int]) -> Layers:
    """Arrange boxes so that lines lead to the right; within a column, boxes of one lane stay together."""
    forward = _without_circles(boxes, lines)
    column = _columns(boxes, forward)
    span = sum(column[there] - column[here] - 1 for here, there in forward)
    routes = {line: _route(line, column, direct=span > _MOST_HELPERS) for line in forward}
    nodes: list[list[Node]] = [[] for _ in range(max(column.values(), default=-1) + 1)]
    for box in boxes:
        nodes[column[box]].append(box)
    helpers: dict[Node, None] = {node: None for route in routes.values() for node in route[1:-1]}
    for helper in helpers:
        nodes[_column_of(helper, column)].append(helper)

    def lane(node: Node) -> int:
        return lane_of[node if isinstance(node, int) else node[0]]

    layers = Layers(columns=tuple(tuple(sorted(each, key=lane)) for each in nodes), routes=routes)
    return _with_few_crossings(layers, lane)


def _without_circles(boxes: Sequence[int], lines: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The lines without those that would lead back in a circle."""
    ahead: dict[int, list[int]] = defaultdict(list)
    for one, other in lines:
        ahead[one].append(other)
    forward: list[tuple[int, int]] = []
    state: dict[int, int] = {}  # 1 = being looked at, 2 = done
    for start in boxes:
        stack = [(start, iter(ahead[start]))] if start not in state else []
        state.setdefault(start, 1)
        while stack:
            here, following = stack[-1]
            there = next(following, None)
            if there is None:
                state[here] = 2
                stack.pop()
            elif state.get(there) != 1:
                forward.append((here, there))
                if there not in state:
                    state[there] = 1
                    stack.append((there, iter(ahead[there])))
    return forward


def _columns(boxes: Sequence[int], lines: Sequence[tuple[int, int]]) -> dict[int, int]:
    """The column of each box: right of all that lead to it, and near to what it leads to."""
    ahead: dict[int, list[int]] = defaultdict(list)
    behind: dict[int, int] = dict.fromkeys(boxes, 0)
    for here, there in lines:
        ahead[here].append(there)
        behind[there] += 1
    missing, column = dict(behind), dict.fromkeys(boxes, 0)
    order = [box for box in boxes if not missing[box]]
    for here in order:
        for there in ahead[here]:
            column[there] = max(column[there], column[here] + 1)
            missing[there] -= 1
            if not missing[there]:
                order.append(there)
    for here in reversed(order):
        if len(ahead[here]) > behind[here]:
            column[here] = min(column[there] for there in ahead[here]) - 1
    return column


def _route(line: tuple[int, int], column: Mapping[int, int], *, direct: bool) -> tuple[Node, ...]:
    here, there = line
    between = () if direct else range(column[here] + 1, column[there])
    return (here, *((here, number) for number in between), there)


def _column_of(node: Node, column: Mapping[int, int]) -> int:
    return column[node] if isinstance(node, int) else node[1]


def _with_few_crossings(layers: Layers, lane: Callable[[Node], int]) -> Layers:
    """Sweep to and fro, each time putting nodes in the order of what they hang on; the best order counts."""
    left, right = layers.neighbours()
    columns = [list(column) for column in layers.columns]
    best, fewest = layers.columns, crossings(layers.columns, right)
    for sweep in range(_SWEEPS):
        to_the_right = sweep % 2 == 0
        hang_on = left if to_the_right else right
        way = range(1, len(columns)) if to_the_right else range(len(columns) - 2, -1, -1)
        for number in way:
            beside = columns[number - 1 if to_the_right else number + 1]
            _sort(columns[number], beside, hang_on, lane)
        now = tuple(map(tuple, columns))
        number = crossings(now, right)
        if number < fewest:
            best, fewest = now, number
    return attrs.evolve(layers, columns=best)


def _sort(
    column: list[Node], beside: Sequence[Node], hang_on: Mapping[Node, list[Node]], lane: Callable[[Node], int]
) -> None:
    """Sort a column by the mean place of what its nodes hang on; those that hang on nothing stay where they are."""
    place = {node: number for number, node in enumerate(beside)}
    own = {node: number * len(beside) / max(1, len(column)) for number, node in enumerate(column)}

    def mean(node: Node) -> float:
        places = [place[other] for other in hang_on.get(node, ()) if other in place]
        return sum(places) / len(places) if places else own[node]

    column.sort(key=lambda node: (lane(node), mean(node)))


def crossings(columns: Sequence[Sequence[Node]], right: Mapping[Node, Sequence[Node]]) -> int:
    """How many pairs of lines cross between neighbouring columns."""
    return sum(_crossings(one, other, right) for one, other in pairwise(columns))


def _crossings(one: Sequence[Node], other: Sequence[Node], right: Mapping[Node, Sequence[Node]]) -> int:
    """Inversions, counted in a tree of sums."""
    place = {node: number for number, node in enumerate(other)}
    ends = [end for node in one for end in sorted(place[there] for there in right.get(node, ()) if there in place)]
    size = 1 << len(other).bit_length()
    tree = [0] * (2 * size)
    total = 0
    for end in ends:
        at = end + size
        while at > 1:
            if at % 2 == 0:
                total += tree[at + 1]
            tree[at] += 1
            at //= 2
        tree[at] += 1
    return total
