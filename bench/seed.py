"""A graph of any size, written straight into the tables of either engine, as a hub would have left it.

A third is done. A third is ready and waits for done ones. A third is blocked: each waits for three open ones, has a
higher priority than all that is ready, and so stands before it in every order, as epics do in life.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from typing import Any

AT = "2026-01-31T12:00:00.000000Z"
COLUMNS = (
    "id", "title", "description", "status", "priority", "priority_rank", "labels", "raw_data", "created_at",
    "updated_at", "open_dependencies", "impact", "complexity_auto", "level",
)  # fmt: skip


def graph(number: int, seed: int = 7) -> tuple[Iterator[tuple[Any, ...]], Iterator[tuple[int, int]]]:
    """Rows of `tasks` (in the order of COLUMNS) and of `task_dependencies`; three dependencies a task."""
    done, ready = number // 3, 2 * number // 3
    rows = _tasks(number, done, ready)
    return rows, _edges(number, done, ready, random.Random(seed))


def _tasks(number: int, done: int, ready: int) -> Iterator[tuple[Any, ...]]:
    for task in range(1, number + 1):
        is_blocked = task > ready
        yield (
            task, f"Implement feature number {task}", "What it is about. " * 6, "done" if task <= done else "pending",
            "high" if is_blocked else "medium", 1 if is_blocked else 2, "[]", "{}", AT, AT,
            3 if is_blocked else 0, 0 if is_blocked else 3, 1 + task % 9, task,
        )  # fmt: skip


def _edges(number: int, done: int, ready: int, chance: random.Random) -> Iterator[tuple[int, int]]:
    for task in range(4, number + 1):
        first, last = (
            (1, max(3, done)) if done < task <= ready else (1, task - 1) if task <= done else (done + 1, ready)
        )
        for on in chance.sample(range(first, last + 1), 3):
            yield task, on


def fill_sqlite(path: str, number: int) -> None:
    """Fill the tables of an SQLite file."""
    tasks, edges = graph(number)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    marks = ", ".join("?" * len(COLUMNS))
    connection.executemany(f"INSERT INTO tasks ({', '.join(COLUMNS)}) VALUES ({marks})", tasks)
    connection.executemany("INSERT INTO task_dependencies VALUES (?, ?)", edges)
    connection.commit()
    connection.execute("ANALYZE")
    connection.commit()
    connection.close()


def fill_postgres(url: str, number: int) -> None:
    """Fill the tables of a PostgreSQL database."""
    import psycopg

    tasks, edges = graph(number)
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.cursor() as cursor:
            with cursor.copy(f"COPY tasks ({', '.join(COLUMNS)}) FROM STDIN") as copy:
                for row in tasks:
                    copy.write_row(row)
            with cursor.copy("COPY task_dependencies (task_id, depends_on_id) FROM STDIN") as copy:
                for row in edges:
                    copy.write_row(row)
        connection.execute("SELECT setval(pg_get_serial_sequence('tasks', 'id'), %s)", (number,))
        connection.execute("VACUUM ANALYZE")
