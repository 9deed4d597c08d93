"""How far a process grows: each question in a process of its own, whose size is read from the system."""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import graph_files
import seed
from claims import open_hub
from databases import empty_database

from nexus_core.errors import TooMany
from nexus_core.nexus import Nexus
from nexus_core.ports.queries import TaskQuery

IMPORTS = 20


def memory(options: argparse.Namespace) -> None:
    """Listing, the graph, imports."""
    number = max(options.sizes)
    for engine in options.engines:
        with empty_database(engine, options.postgres) as url:
            seed.fill(url, number)
            for name, action in (("list", _list_all), ("graph", _graph)):
                _say(engine, name, number, _in_process(action, url))
        with empty_database(engine, options.postgres) as url:
            _say(engine, "import", graph_files.TASKS, _in_process(_import_often, url))


def _say(engine: str, name: str, number: int, sizes: list[float]) -> None:
    shown = " ".join(f"{size:.0f}" for size in sizes)
    print(f"{engine:<11}memory   {name:<7}{number:>9} tasks  resident MB as it goes: {shown}", flush=True)


def resident() -> float:
    """The megabytes that this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * 4096 / 1e6


def _in_process(action: Callable[[Nexus], list[float]], url: str) -> list[float]:
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_run, (action, url))


def _run(action: Callable[[Nexus], list[float]], url: str) -> list[float]:
    nexus = open_hub(url)
    nexus.tasks.list(TaskQuery(limit=200))
    sizes = [resident(), *action(nexus)]
    nexus.close()
    return sizes


def _list_all(nexus: Nexus) -> list[float]:
    sizes: list[float] = []
    cursor: Any = None
    pages = 0
    while pages == 0 or cursor is not None:
        page = nexus.tasks.list(TaskQuery(limit=200, cursor=cursor))
        cursor, pages = page.next_cursor, pages + 1
        if pages % 1000 == 0:
            sizes.append(resident())
    return [*sizes, resident()]


def _graph(nexus: Nexus) -> list[float]:
    sizes = []
    for _ in range(3):
        with suppress(TooMany):
            nexus.tasks.graph()
        sizes.append(resident())
    return sizes


def _import_often(nexus: Nexus) -> list[float]:
    content = graph_files.net(graph_files.TASKS)
    sizes = []
    for _ in range(IMPORTS):
        nexus.tasks.import_file(content, "bench/often")
        sizes.append(resident())
    return sizes
