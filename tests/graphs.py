"""Graphs of any size for tests, as the task files that they come from."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from typing import Any

from nexus_core.nexus import Nexus
from nexus_core.ports.queries import TaskQuery


def task(number: int, on: Iterable[int], **more: Any) -> dict[str, Any]:
    """A task of a file."""
    return {"id": number, "title": f"Task {number}", "status": "pending", "dependencies": sorted(set(on)), **more}


def chain(number: int) -> list[dict[str, Any]]:
    """Each waits for the one before."""
    return [task(index, [index - 1] if index > 1 else []) for index in range(1, number + 1)]


def fan(number: int) -> list[dict[str, Any]]:
    """All but the first wait for the first."""
    return [task(index, [1] if index > 1 else []) for index in range(1, number + 1)]


def thirds(number: int) -> list[dict[str, Any]]:
    """A third done, a third ready, a third that waits for three of those and ranks above them."""
    chance, part = random.Random(7), number // 3
    done = [task(index, [], status="done") for index in range(1, part + 1)]
    ready = [task(index, chance.sample(range(1, part + 1), 3)) for index in range(part + 1, 2 * part + 1)]
    blocked = [
        task(index, chance.sample(range(part + 1, 2 * part + 1), 3), priority="high")
        for index in range(2 * part + 1, number + 1)
    ]
    return [*done, *ready, *blocked]


def net(number: int, window: int) -> list[dict[str, Any]]:
    """Each waits for up to three of those shortly before it: far behind the first waits almost everything."""
    chance = random.Random(5)
    return [
        task(index, {max(1, index - chance.randint(1, window)) for _ in range(3)} - {index})
        for index in range(1, number + 1)
    ]


def bring(nexus: Nexus, name: str, tasks: list[dict[str, Any]]) -> list[int]:
    """Import them into a new repository; their ids, in the order of the file."""
    nexus.tasks.import_file(json.dumps({"master": {"tasks": tasks}}).encode(), name)
    return [one.id for one in nexus.tasks.list(TaskQuery(repository=name, limit=len(tasks))).items]
