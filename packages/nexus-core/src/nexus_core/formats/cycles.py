"""Which dependencies of a file are part of a cycle: an import left these out, so no person took them away."""

from __future__ import annotations

from collections.abc import Sequence

from ..domain.graph import find_path
from .model import ParsedTask


class Waits:
    """For whom each task of a file waits: for dependencies, its own and those above it, and for subtasks."""

    def __init__(self, tasks: Sequence[ParsedTask]) -> None:
        self._numbers = {task.external_key: number for number, task in enumerate(tasks)}
        by_key = {task.external_key: task for task in tasks}
        children: dict[str, list[str]] = {}
        for task in tasks:
            if task.parent_key is not None:
                children.setdefault(task.parent_key, []).append(task.external_key)
        self._edges = {
            self._numbers[task.external_key]: [
                self._numbers[other]
                for other in (*_with_those_above(task, by_key), *children.get(task.external_key, ()))
                if other in self._numbers
            ]
            for task in tasks
        }

    def closes_cycle(self, key: str, on: str) -> bool:
        """Whether `on` waits for `key`, so that a dependency of `key` on it is part of a cycle."""
        if key not in self._numbers or on not in self._numbers:
            return False
        return find_path(self._numbers[on], self._numbers[key], self._edges) is not None


def _with_those_above(task: ParsedTask, by_key: dict[str, ParsedTask]) -> list[str]:
    found: list[str] = []
    seen: set[str] = set()
    above: ParsedTask | None = task
    while above is not None and above.external_key not in seen:
        seen.add(above.external_key)
        found += above.dependencies
        above = by_key.get(above.parent_key or "")
    return found
