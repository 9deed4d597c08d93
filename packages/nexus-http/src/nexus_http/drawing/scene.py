"""What is to be drawn, looked at from all sides: states, cards, who waits for whom."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from nexus_core.domain.graph import Graph
from nexus_core.domain.readiness import is_ready
from nexus_core.domain.tasks import Task, task_key

from .cards import Card, make_cards
from .lettering import clean
from .looks import STATES, state_of


class Scene:
    """A graph at an instant."""

    def __init__(self, graph: Graph, prefix: str, now: datetime) -> None:
        self.graph = graph
        self.prefix = prefix
        self.now = now
        self.tasks = {task.id: task for task in graph.tasks}
        self.states = {task.id: self._state(task) for task in graph.tasks}
        self.cards = make_cards(graph.tasks)
        self.card_of = {member: card for card in self.cards for member in card.members}
        self.path = set(graph.critical_path) if len(graph.critical_path) > 1 else set[int]()
        self.edges = [edge for edge in graph.edges if self.card_of.keys() >= set(edge)]
        self._steps = set(pairwise(graph.critical_path))
        self._waits: dict[int, list[int]] = {}
        for task_id, on in self.edges:
            self._waits.setdefault(task_id, []).append(on)

    def _state(self, task: Task) -> str:
        is_parked = task.not_before is not None and task.not_before > self.now
        return state_of(task, is_ready=is_ready(task, self.now), is_parked=is_parked)

    def key(self, task: Task) -> str:
        """What a task is called."""
        return task_key(task.id, self.prefix)

    def waits(self, task_id: int) -> list[int]:
        """What a task depends on."""
        return self._waits.get(task_id, [])

    def look(self, on: int, task_id: int) -> str:
        """How the line of a dependency is drawn: `critical`, `met` or `plain`."""
        if (on, task_id) in self._steps:
            return "critical"
        return "met" if self.tasks[on].status.is_closed else "plain"

    def lines(self) -> list[tuple[int, int]]:
        """Which cards are connected, from what comes first to what waits, each pair once."""
        pairs = {(self.card_of[on].id, self.card_of[task_id].id): None for task_id, on in self.edges}
        return [pair for pair in pairs if pair[0] != pair[1]]

    def is_on_path(self, card: Card) -> bool:
        """Whether the critical path leads through a card."""
        return not self.path.isdisjoint(card.members)

    def tooltip(self, task: Task) -> str:
        """All that the picture knows of a task."""
        said = [f"{self.key(task)} {clean(task.title)}", f"{STATES[self.states[task.id]][0]}, {task.priority} priority"]
        waits = [self.tasks[on] for on in self.waits(task.id) if not self.tasks[on].status.is_closed]
        if waits:
            said.append(f"waits for {', '.join(map(self.key, waits))}")
        if task.agent:
            said.append(f"held by {task.agent}")
        if task.id in self.path:
            said.append("on the longest chain of open tasks")
        return "; ".join(said)
