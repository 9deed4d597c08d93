"""A hub as it is in life, for the benches of the API: 20 repositories, tasks with what they came from, two
dependencies each, of every status. Written straight into the tables of either engine."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

REPOSITORIES = 20
STATUSES = ("pending", "pending", "pending", "in-progress", "done", "done", "done", "blocked")
PRIORITIES = ("critical", "high", "medium", "low")
COLUMNS = (
    "id", "title", "description", "status", "priority", "priority_rank", "repository_id", "labels", "external_key",
    "raw_data", "created_at", "updated_at", "complexity_auto", "complexity_manual", "open_dependencies", "level",
)  # fmt: skip
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def _at(task: int, days: int) -> str:
    at = _FIRST + timedelta(days=days, seconds=17 * task, microseconds=task % 1_000_000)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def status_of(task: int) -> str:
    """The status of a task."""
    return STATUSES[(task * 31 // 7) % len(STATUSES)]


def repository_of(task: int) -> int:
    """The repository of a task."""
    return 1 + (task * 13) % REPOSITORIES


def edges_of(task: int) -> list[int]:
    """What a task depends on."""
    return sorted({max(1, task - k * (1 + task % 37)) for k in (1, 2)}) if task > 9 else []


def _source(task: int) -> dict[str, Any]:
    return {
        "source": "github", "number": task, "labels": ["bug", "area/api", f"p{task % 4}"],
        "author": {"login": f"user{task % 97}", "id": task % 97}, "url": f"https://git.example/acme/repo/issues/{task}",
        "comments": task % 13, "assignees": [], "milestone": None, "state": "open",
        "node_id": hashlib.sha256(str(task).encode()).hexdigest()[:32], "locked": False,
    }  # fmt: skip


def tasks(number: int) -> Iterator[tuple[Any, ...]]:
    """Rows of `tasks`, in the order of COLUMNS."""
    for task in range(1, number + 1):
        rank = task % 4
        waits = sum(1 for on in edges_of(task) if status_of(on) != "done")
        yield (
            task, f"Task {task}: implement feature {hashlib.sha256(b'%d' % task).hexdigest()[:32]}",
            "Lorem ipsum dolor sit amet, consectetur. " * 5 + str(task), status_of(task), PRIORITIES[rank], rank,
            repository_of(task), '["bug","area/api"]', f"master:{task}", json.dumps(_source(task)), _at(task, 0),
            _at(task, 31), 1 + (task * 7) % 10, 1 + (task * 11) % 10 if task % 3 == 0 else None, waits, task,
        )  # fmt: skip


def edges(number: int) -> Iterator[tuple[int, int]]:
    """Rows of `task_dependencies`."""
    return ((task, on) for task in range(1, number + 1) for on in edges_of(task))


def _repositories() -> list[tuple[Any, ...]]:
    return [(one, f"acme/repo-{one}", f"https://git.example/acme/repo-{one}", _at(one, 0)) for one in _RANGE]


_RANGE = range(1, REPOSITORIES + 1)


def fill_sqlite(path: str, number: int) -> None:
    """Fill the tables of an SQLite file."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    connection.executemany("INSERT INTO repositories (id, name, url, created_at) VALUES (?, ?, ?, ?)", _repositories())
    marks = ", ".join("?" * len(COLUMNS))
    connection.executemany(f"INSERT INTO tasks ({', '.join(COLUMNS)}) VALUES ({marks})", tasks(number))
    connection.executemany("INSERT INTO task_dependencies VALUES (?, ?)", edges(number))
    connection.commit()
    connection.execute("ANALYZE")
    connection.commit()
    connection.close()


def fill_postgres(url: str, number: int) -> None:
    """Fill the tables of a PostgreSQL database, and have every session of it plan as Nexus's do."""
    import psycopg

    columns = {
        "repositories": ("id, name, url, created_at", _repositories()),
        "tasks": (", ".join(COLUMNS), tasks(number)),
        "task_dependencies": ("task_id, depends_on_id", edges(number)),
    }
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.cursor() as cursor:
            for table, (names, rows) in columns.items():
                with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
        connection.execute("SELECT setval(pg_get_serial_sequence('tasks', 'id'), %s)", (number,))
        connection.execute("SELECT setval(pg_get_serial_sequence('repositories', 'id'), %s)", (REPOSITORIES,))
        name = connection.info.dbname
        for setting in ("random_page_cost = 1.1", "jit = off"):
            connection.execute(f"ALTER DATABASE {name} SET {setting}")
        connection.execute("VACUUM ANALYZE")
