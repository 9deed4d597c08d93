"""Where the nodes of layers stand, from top to bottom: near to what they hang on, never upon each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from .layers import Layers, Node

_PASSES = 10


def stand(layers: Layers, height: Callable[[Node], float], gap: Callable[[Node, Node], float]) -> dict[Node, float]:
    """The middle of each node, from 0 down; the order within columns stays."""
    left, right = layers.neighbours()
    middle: dict[Node, float] = {}
    for column in layers.columns:
        distances = _distances(column, height, gap)
        at = 0.0
        for node, distance in zip(column, [0.0, *distances], strict=False):
            at += distance
            middle[node] = at
    for number in range(_PASSES):
        hang_on = left if number % 2 == 0 else right
        for column in layers.columns if number % 2 == 0 else reversed(layers.columns):
            wanted = [_pull(node, hang_on, middle) for node in column]
            middle.update(zip(column, spread(wanted, _distances(column, height, gap)), strict=True))
    top = min((middle[node] - height(node) / 2 for node in middle), default=0.0)
    return {node: at - top for node, at in middle.items()}


def _distances(
    column: Sequence[Node], height: Callable[[Node], float], gap: Callable[[Node, Node], float]
) -> list[float]:
    """How far the middles of neighbours are apart at least."""
    return [(height(one) + height(other)) / 2 + gap(one, other) for one, other in pairwise(column)]


def _pull(node: Node, hang_on: Mapping[Node, Sequence[Node]], middle: Mapping[Node, float]) -> float:
    """Where a node would like to stand."""
    others = hang_on.get(node, ())
    return sum(middle[other] for other in others) / len(others) if others else middle[node]


def spread(wanted: Sequence[float], distances: Sequence[float]) -> list[float]:
    """The places nearest to those that are wanted, in their order, with these distances between them.

    Neighbours that want the same room move as one, to the mean of what they want.

    >>> spread([0, 0, 10], [4, 4])
    [-2.0, 2.0, 10.0]
    """
    offsets = [0.0]
    for distance in distances:
        offsets.append(offsets[-1] + distance)
    blocks: list[tuple[float, int]] = []  # mean, size
    for want, offset in zip(wanted, offsets, strict=False):
        mean, size = want - offset, 1
        while blocks and blocks[-1][0] > mean:
            other, number = blocks.pop()
            mean, size = (mean * size + other * number) / (size + number), size + number
        blocks.append((mean, size))
    means = [mean for mean, size in blocks for _ in range(size)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=False)]
