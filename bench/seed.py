"""A graph of any size, written straight into the tables of either engine, as a hub would have left it.

`thirds`: a third is done; a third is ready and waits for done ones; a third is blocked: each waits for three open ones,
has a higher priority than all that is ready, and so stands before it in every order, as epics do in life.

`net`: a third is done; each of the rest waits for three of the two thousand before it, so that nearly all of the graph
is behind the first that are open. `whole` is the same with nothing done, and its tasks numbered at random.
"""

from __future__ import annotations

import random
import sqlite3
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from nexus_core.domain.behind import MOST_COUNTED, Reach

AT = "2026-01-31T12:00:00.000000Z"
COLUMNS = (
    "id", "title", "description", "status", "priority", "priority_rank", "labels", "raw_data", "created_at",
    "updated_at", "open_dependencies", "impact", "chain", "complexity_auto", "level",
)  # fmt: skip
_WAITS = 3
_WINDOW = 2000
_GAP = 1 << 20


@attrs.frozen
class Seed:
    """Tasks 1 to `number` in an order in which they can be done, with what is kept beside each."""

    number: int
    done: int  #: so many are done, the first
    ready: int  #: up to here nothing outranks the others
    waits: array[int]  #: three places a task; 0 = none
    open_dependencies: array[int]
    impact: array[int]
    chain: array[int]
    names: array[int]  #: the id of each

    def tasks(self) -> Iterator[tuple[Any, ...]]:
        """Rows of `tasks`, in the order of COLUMNS."""
        for task in range(1, self.number + 1):
            is_high = task > self.ready
            yield (
                self.names[task], f"Implement feature number {task}", "What it is about. " * 6,
                "done" if task <= self.done else "pending", "high" if is_high else "medium", 1 if is_high else 2,
                "[]", "{}", AT, AT, self.open_dependencies[task], self.impact[task], self.chain[task], 1 + task % 9,
                task * _GAP,
            )  # fmt: skip

    def edges(self) -> Iterator[tuple[int, int]]:
        """Rows of `task_dependencies`."""
        for task in range(1, self.number + 1):
            for on in self.waits_for(task):
                yield self.names[task], self.names[on]

    def waits_for(self, task: int) -> list[int]:
        """What a task depends on."""
        return [on for on in self.waits[_WAITS * task : _WAITS * (task + 1)] if on]


def graph(number: int, shape: str = "thirds", seed: int = 7) -> Seed:
    """A graph of a shape."""
    chance = random.Random(seed)
    done = 0 if shape == "whole" else number // 3
    ready = 2 * number // 3 if shape == "thirds" else number
    choose = _third(done, ready, chance) if shape == "thirds" else _near(chance)
    waits = array("i", bytes(4 * _WAITS * (number + 1)))
    for task in range(_WAITS + 1, number + 1):
        chosen = choose(task)
        waits[_WAITS * task : _WAITS * task + len(chosen)] = array("i", chosen)
    names = array("i", range(number + 1))
    if shape == "whole":
        names = array("i", [0, *chance.sample(range(1, number + 1), number)])
    return _counted(number, done, ready, waits, names)


def _third(done: int, ready: int, chance: random.Random) -> Callable[[int], list[int]]:
    def choose(task: int) -> list[int]:
        if task <= done:
            return chance.sample(range(1, task), _WAITS)
        return chance.sample(range(1, max(3, done) + 1) if task <= ready else range(done + 1, ready + 1), _WAITS)

    return choose


def _near(chance: random.Random) -> Callable[[int], list[int]]:
    return lambda task: chance.sample(range(max(1, task - _WINDOW), task), _WAITS)


def _counted(number: int, done: int, ready: int, waits: array[int], names: array[int]) -> Seed:
    """What is kept beside each task, counted from the last to the first."""
    zeros = bytes(4 * (number + 1))
    found = Seed(number, done, ready, waits, array("i", zeros), array("i", zeros), array("i", zeros), names)
    behind: dict[int, list[int]] = {}
    reach = Reach()
    for task in range(number, done, -1):
        waiting = behind.pop(task, [])
        most = max((found.impact[one] for one in waiting), default=0)
        found.chain[task] = max((1 + found.chain[one] for one in waiting), default=0)
        reach.know(task, waiting if most < MOST_COUNTED else ())
        counted = min(reach.count(waiting), MOST_COUNTED) if 0 < most < MOST_COUNTED else 0
        found.impact[task] = counted or min(len(waiting) + most, MOST_COUNTED)
        for on in found.waits_for(task):
            if on > done:
                behind.setdefault(on, []).append(task)
                found.open_dependencies[task] += 1
    return found


def fill(url: str, number: int, shape: str = "thirds") -> Seed:
    """Fill the tables of a database; what it holds then."""
    seed = graph(number, shape)
    (_fill_postgres if "://" in url else _fill_sqlite)(url, seed)
    return seed


def fill_sqlite(path: str, number: int) -> None:
    """Fill the tables of an SQLite file."""
    fill(path, number)


def fill_postgres(url: str, number: int) -> None:
    """Fill the tables of a PostgreSQL database."""
    fill(url, number)


def _fill_sqlite(path: str, seed: Seed) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    marks = ", ".join("?" * len(COLUMNS))
    connection.executemany(f"INSERT INTO tasks ({', '.join(COLUMNS)}) VALUES ({marks})", seed.tasks())
    connection.executemany("INSERT INTO task_dependencies VALUES (?, ?)", seed.edges())
    connection.commit()
    connection.execute("ANALYZE")
    connection.commit()
    connection.close()


def _fill_postgres(url: str, seed: Seed) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        with connection.cursor() as cursor:
            with cursor.copy(f"COPY tasks ({', '.join(COLUMNS)}) FROM STDIN") as copy:
                for row in seed.tasks():
                    copy.write_row(row)
            with cursor.copy("COPY task_dependencies (task_id, depends_on_id) FROM STDIN") as copy:
                for row in seed.edges():
                    copy.write_row(row)
        connection.execute("SELECT setval(pg_get_serial_sequence('tasks', 'id'), %s)", (seed.number,))
        connection.execute("VACUUM ANALYZE")
