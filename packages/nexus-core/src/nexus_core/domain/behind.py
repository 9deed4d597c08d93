"""How many tasks are behind each: counted exactly, over a part of the graph that grows as far as it is needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MOST_COUNTED = 10_000
"""Up to here the tasks that wait for one are counted one by one; what has more has this many or more."""


class Reach:
    """Which nodes are behind which, as sets of bits."""

    def __init__(self) -> None:
        self._behind: dict[int, Sequence[int]] = {}  #: the nodes directly behind
        self._places: dict[int, int] = {}
        self._sets: dict[int, int] = {}

    def know(self, node: int, behind: Sequence[int]) -> None:
        """Say what is directly behind a node."""
        self._behind[node] = behind

    def unknown(self, nodes: Iterable[int]) -> list[int]:
        """What is behind these, or is one of them, of which it is not known yet what is behind it."""
        missing: list[int] = []
        seen = set(nodes)
        front = list(seen)
        while front:
            node = front.pop()
            if node in self._sets:
                continue
            if node not in self._behind:
                missing.append(node)
                continue
            fresh = [there for there in self._behind[node] if there not in seen]
            seen.update(fresh)
            front += fresh
        return missing

    def count(self, nodes: Sequence[int]) -> int:
        """How many nodes these are, with all that are behind them; everything behind them must be known."""
        self._fill(nodes)
        return self._union(nodes).bit_count()

    def _fill(self, nodes: Sequence[int]) -> None:
        begun = set[int]()
        stack = list(nodes)
        while stack:
            node = stack[-1]
            begun.add(node)
            # What is begun and has no set yet is on the stack: a cycle, which only old data may hold.
            before = [there for there in self._behind[node] if there not in self._sets and there not in begun]
            if before:
                stack += before
                continue
            stack.pop()
            if node not in self._sets:
                self._sets[node] = self._union(self._behind[node])

    def _union(self, nodes: Sequence[int]) -> int:
        bits = 0
        for node in nodes:
            place = self._places.setdefault(node, len(self._places))
            bits |= self._sets.get(node, 0) | (1 << place)
        return bits

    @property
    def size(self) -> int:
        """How many nodes have a place in the sets."""
        return len(self._places)

    def forget(self) -> None:
        """Let go of the sets, not of what is known."""
        self._places.clear()
        self._sets.clear()
