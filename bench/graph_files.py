"""Task files of any size for the bench of the graph, and how long their import takes."""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import time
from collections.abc import Sequence
from typing import Any

from nexus_core.formats import taskmaster
from nexus_core.nexus import Nexus

TASKS = 10_000
AT = "2026-01-31T12:00:00.000000Z"
_COLUMNS = (
    "id", "title", "description", "details", "test_strategy", "complexity_auto", "status", "priority", "priority_rank",
    "repository_id", "labels", "external_key", "raw_data", "created_at", "updated_at", "open_dependencies", "impact",
    "chain", "level",
)  # fmt: skip


def net(number: int, seed: int = 3) -> bytes:
    """A file as Taskmaster writes it: each task waits for up to three of the two hundred before it."""
    chance = random.Random(seed)
    waits = [{max(1, task - chance.randint(1, 200)) for _ in range(3)} - {task} for task in range(1, number + 1)]
    tasks = [
        {
            "id": task, "title": f"Implement feature number {task}", "description": "What it is about. " * 4,
            "status": "pending", "dependencies": sorted(on),
            "priority": chance.choice(["high", "medium", "low"]), "details": "How it is done, in some detail. " * 12,
            "testStrategy": "What shows that it works. " * 3, "subtasks": [],
        }
        for task, on in enumerate(waits, 1)
    ]  # fmt: skip
    return _file(tasks)


def fan(number: int, parts: int = 0) -> bytes:
    """One task on which all others wait, each with parts of its own."""
    tasks: list[dict[str, Any]] = [{"id": 1, "title": "First", "status": "pending", "dependencies": [], "subtasks": []}]
    tasks += [
        {
            "id": task, "title": f"Task {task}", "status": "pending", "dependencies": [1],
            "subtasks": [
                {"id": part, "title": f"Part {part}", "status": "pending", "dependencies": []}
                for part in range(1, parts + 1)
            ],
        }
        for task in range(2, number + 2)
    ]  # fmt: skip
    return _file(tasks)


def _file(tasks: list[dict[str, Any]]) -> bytes:
    return json.dumps({"master": {"tasks": tasks, "metadata": {"description": "bench"}}}, indent=2).encode()


def imports(engine: str, url: str, nexus: Nexus, options: argparse.Namespace) -> None:
    """A file of ten thousand tasks, beside its parsing alone and beside its rows written by hand."""
    content = net(TASKS)
    tasks, edges = _rows(content)
    times: dict[str, list[float]] = {"import": [], "again": [], "parse": [], "by hand": []}
    for number in range(options.rounds):
        name = f"bench/import-{number}"
        times["import"].append(_seconds(lambda name=name: nexus.tasks.import_file(content, name)))
        times["again"].append(_seconds(lambda name=name: nexus.tasks.import_file(content, name)))
        times["parse"].append(_seconds(lambda: taskmaster.parse(content)))
        times["by hand"].append(_seconds(lambda number=number: _by_hand(url, tasks, edges, number)))
    middle = {name: statistics.median(found) for name, found in times.items()}
    beyond = [
        (whole - parse) / hand
        for whole, parse, hand in zip(times["import"], times["parse"], times["by hand"], strict=True)
    ]
    print(
        f"{engine:<11}import   {TASKS} tasks, {len(edges)} dependencies, {len(content) / 1e6:.1f} MB: "
        f"{middle['import']:.2f} s, of which {middle['parse']:.2f} s parsing ({middle['parse'] / middle['import']:.0%})"
        f"  again {middle['again']:.2f} s  rows by hand {middle['by hand']:.2f} s"
        f"  (import - parsing) / by hand = {statistics.median(beyond):.1f}",
        flush=True,
    )


def _seconds(action: Any) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _rows(content: bytes) -> tuple[list[tuple[Any, ...]], list[tuple[int, int]]]:
    """What the tables hold after an import: ids from 1, to be moved."""
    parsed = taskmaster.parse(content).tasks
    numbers = {one.external_key: index for index, one in enumerate(parsed, 1)}
    tasks = [
        (
            numbers[one.external_key], one.title, one.description, one.details, one.test_strategy, 5, str(one.status),
            str(one.priority), one.priority.rank, None, "[]", one.external_key, json.dumps(one.raw_data), AT, AT,
            len(one.dependencies), 0, 0, numbers[one.external_key],
        )
        for one in parsed
    ]  # fmt: skip
    return tasks, [(numbers[one.external_key], numbers[on]) for one in parsed for on in one.dependencies]


def _by_hand(url: str, tasks: Sequence[tuple[Any, ...]], edges: Sequence[tuple[int, int]], number: int) -> None:
    base = 10**6 * (number + 1)
    moved = [(task[0] + base, *task[1:]) for task in tasks]
    tied = [(task + base, on + base) for task, on in edges]
    columns = ", ".join(_COLUMNS)
    if "://" in url:
        import psycopg

        with psycopg.connect(url) as connection, connection.cursor() as cursor:
            for statement, rows in (
                (f"COPY tasks ({columns}) FROM STDIN", moved),
                ("COPY task_dependencies (task_id, depends_on_id) FROM STDIN", tied),
            ):
                with cursor.copy(statement) as copy:
                    for row in rows:
                        copy.write_row(row)
        return
    connection = sqlite3.connect(url)
    connection.execute("PRAGMA synchronous = NORMAL")
    marks = ", ".join("?" * len(_COLUMNS))
    connection.executemany(f"INSERT INTO tasks ({columns}) VALUES ({marks})", moved)
    connection.executemany("INSERT INTO task_dependencies VALUES (?, ?)", tied)
    connection.commit()
    connection.close()
