"""The plan of a picture: where each card stands, which bands the repositories have, which way lines take."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

import attrs

from .cards import WIDTH, Card
from .heights import stand
from .layers import Layers, Node, arrange

GAP = 64  #: between columns
_BETWEEN, _BESIDE = 20, 9  #: between cards, beside helpers
_HELPER = 6
BAND_HEAD, BAND_PADDING = 34, 18


@attrs.frozen(kw_only=True)
class Band:
    """The part of a picture that belongs to a repository."""

    name: str
    top: float
    height: float


@attrs.frozen(kw_only=True)
class Plan:
    """Everything's place; x and y of a card are those of its upper left corner."""

    places: Mapping[int, tuple[float, float]]
    bands: tuple[Band, ...]  #: empty when there is but one repository
    ways: Mapping[tuple[int, int], tuple[tuple[float, float], ...]]  #: line -> the helpers' places that it passes
    width: float
    height: float


def make_plan(cards: Sequence[Card], lines: Sequence[tuple[int, int]], home: str | None) -> Plan:
    """Plan a picture of cards, with lines between them that lead from what comes first to what waits."""
    names = _lanes(cards, home)
    lane_of = {card.id: names.index(card.task.repository or "") for card in cards}
    tied = {end for line in lines for end in line}
    layers = arrange([card.id for card in cards if card.id in tied], lines, lane_of)
    planner = _Planner(cards, layers, lane_of)
    for lane, name in enumerate(names):
        planner.add_lane(lane, name if len(names) > 1 else None)
    return planner.plan()


def _lanes(cards: Sequence[Card], home: str | None) -> list[str]:
    """The repositories, the one that was asked for first, tasks of none last."""
    names = {card.task.repository or "" for card in cards}
    return sorted(names, key=lambda name: (not name, name != home, name.lower()))


class _Planner:
    """Puts one lane below the other."""

    def __init__(self, cards: Sequence[Card], layers: Layers, lane_of: Mapping[int, int]) -> None:
        self.cards = {card.id: card for card in cards}
        self.layers = layers
        self.lane_of = lane_of
        self.places: dict[int, tuple[float, float]] = {}
        self.helpers: dict[Node, tuple[float, float]] = {}
        self.bands: list[Band] = []
        self.bottom = 0.0
        loose = [card for card in cards if not any(card.id in column for column in map(set, layers.columns))]
        self.loose: dict[int, list[Card]] = defaultdict(list)
        for card in loose:
            self.loose[lane_of[card.id]].append(card)
        self.columns = max(1, len(layers.columns), self._columns_for_loose())

    def _columns_for_loose(self) -> int:
        """As many as make what hangs on nothing about half as high as it is wide."""
        most = max((len(cards) for cards in self.loose.values()), default=0)
        return min(most, max(1, math.ceil(math.sqrt(most))), 8)

    def lane(self, node: Node) -> int:
        """The lane of a card or of a helper."""
        return self.lane_of[node if isinstance(node, int) else node[0]]

    def height(self, node: Node) -> float:
        """How much room a node takes."""
        return self.cards[node].height if isinstance(node, int) else _HELPER

    def add_lane(self, lane: int, name: str | None) -> None:
        """Put a lane below those that are there."""
        top = self.bottom
        start = top + (BAND_HEAD if name is not None else 0)
        end = self._add_tied(lane, start)
        end = self._add_loose(lane, end + (_BETWEEN if end > start and self.loose[lane] else 0))
        if name is not None:
            end += BAND_PADDING
            self.bands.append(Band(name=name or "no repository", top=top, height=end - top))
        self.bottom = end + (_BETWEEN if name is not None else 0)

    def _add_tied(self, lane: int, top: float) -> float:
        """The cards that lines connect, in layers; where they end."""
        columns = tuple(tuple(node for node in column if self.lane(node) == lane) for column in self.layers.columns)
        routes = self.layers.routes.items()
        own = {line: tuple(node for node in route if self.lane(node) == lane) for line, route in routes}
        middles = stand(Layers(columns=columns, routes=own), self.height, _gap)
        for number, column in enumerate(columns):
            for node in column:
                at = top + middles[node]
                if isinstance(node, int):
                    self.places[node] = (_x(number), at - self.height(node) / 2)
                else:
                    self.helpers[node] = (_x(number), at)
        return top + max((middles[node] + self.height(node) / 2 for node in middles), default=0.0)

    def _add_loose(self, lane: int, top: float) -> float:
        """The cards that hang on nothing, each in the column that ends first so far; where they end."""
        ends = [top - _BETWEEN] * self.columns
        for card in self.loose[lane]:
            column = ends.index(min(ends))
            at = ends[column] + _BETWEEN
            self.places[card.id] = (_x(column), at)
            ends[column] = at + card.height
        return max(top, *ends)

    def plan(self) -> Plan:
        """The plan, once all lanes are there."""
        ways = {line: tuple(self.helpers[node] for node in route[1:-1]) for line, route in self.layers.routes.items()}
        return Plan(
            places=self.places,
            bands=tuple(self.bands),
            ways=ways,
            width=_x(self.columns) - GAP,
            height=max(0.0, self.bottom),
        )


def _x(column: int) -> float:
    return column * (WIDTH + GAP)


def _gap(one: Node, other: Node) -> float:
    return _BETWEEN if isinstance(one, int) and isinstance(other, int) else _BESIDE
