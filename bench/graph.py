"""The graph at scale: whole graphs, imports, new dependencies, ends of tasks, answers, memory; on both engines.

    python bench/graph.py [PART …] [--engines sqlite postgresql] [--postgres URL] [--rounds 5]
                          [--sizes 10000 100000 1000000]

`whole`    order and longest chain of 100,000 tasks with 300,000 dependencies, out of the database, beside rustworkx and
           networkx, which load the same rows with the same driver and build their graph; ratios pair by pair
`import`   a Taskmaster file of 10,000 tasks, beside the same rows written by hand in bulk, and beside its parsing alone
`cycles`   new dependencies in that graph: the rows looked at, beside a walk over what waits
`complete` a task on which 10,000 others wait: finish, reopen, finish, with and without subtasks below each
`answers`  ready list, `next`, `why` and `impact` at each size, as ratios to the smallest; sparse and dense graphs
`memory`   how far a process grows that lists a million tasks page by page, asks for their graph, imports twenty times

rustworkx and networkx are no dependencies of Nexus: install them beside this, or their columns stay empty.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import random
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import graph_files
import graph_memory
import seed
from claims import open_hub
from databases import empty_database

from nexus_core.domain.graph import longest_chain
from nexus_core.nexus import Nexus
from nexus_core.ports.queries import TaskQuery
from nexus_core.services.levels import lift
from nexus_core.services.policies import ClaimTimes
from nexus_core.services.work import Work

TASKS = 100_000
DEPENDENTS = 10_000
NODES = "SELECT id FROM tasks WHERE status NOT IN ('done', 'cancelled')"
EDGES = "SELECT task_id, depends_on_id FROM task_dependencies"
Rows = Callable[[], tuple[list[tuple[int]], list[tuple[int, int]]]]


def connect(url: str) -> Any:
    """The driver alone."""
    if "://" not in url:
        return sqlite3.connect(url)
    import psycopg

    return psycopg.connect(url, autocommit=True)


def seconds(action: Callable[[], Any]) -> float:
    """How long an action takes."""
    gc.collect()
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def in_turn(actions: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """How long each takes, round by round."""
    found: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            found[name].append(seconds(action))
    return found


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of each round."""
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def say(engine: str, *words: str) -> None:
    """A line of the answer."""
    print(f"{engine:<11}{'  '.join(words)}", flush=True)


# Whole graphs
# ------------


def whole(engine: str, url: str, nexus: Nexus, options: argparse.Namespace) -> None:
    """Load, order, longest chain."""
    connection = connect(url)

    def rows() -> tuple[list[tuple[int]], list[tuple[int, int]]]:
        return connection.execute(NODES).fetchall(), connection.execute(EDGES).fetchall()

    actions: dict[str, Callable[[], Any]] = {
        "nexus": nexus.tasks.outline,
        "python": lambda: _anew(*rows()),
        **{name: partial(peer, rows) for name, peer in _peers().items()},
    }
    lengths = {name: action() for name, action in actions.items() if name != "nexus"}
    lengths["nexus"] = len(nexus.tasks.outline().critical_path)
    assert len(set(lengths.values())) == 1, lengths
    found = in_turn(actions, options.rounds)
    connection.close()
    for name, times in found.items():
        beside = "" if name == "nexus" else f"nexus / {name} = {ratio(found['nexus'], times):.2f}"
        say(engine, f"whole    {name:<10}{1000 * statistics.median(times):>8.0f} ms", beside)


def _anew(nodes: list[tuple[int]], edges: list[tuple[int, int]]) -> int:
    """Nothing kept: order and chain computed in Python from the rows."""
    waits: dict[int, list[int]] = {node: [] for (node,) in nodes}
    for task, on in edges:
        waits[task].append(on)
    return len(longest_chain(list(waits), waits))


def _peers() -> dict[str, Callable[[Rows], int]]:
    found: dict[str, Callable[[Rows], int]] = {}
    with suppress(ImportError):
        rx: Any = importlib.import_module("rustworkx")

        def by_rustworkx(rows: Rows) -> int:
            nodes, edges = rows()
            graph = rx.PyDiGraph()
            graph.add_nodes_from(range(len(nodes) + 1))  # its own numbers are the ids here, so that none is translated
            graph.extend_from_edge_list(edges)
            rx.topological_sort(graph)
            return len(rx.dag_longest_path(graph))

        found["rustworkx"] = by_rustworkx
    with suppress(ImportError):
        nx: Any = importlib.import_module("networkx")

        def by_networkx(rows: Rows) -> int:
            nodes, edges = rows()
            graph = nx.DiGraph()
            graph.add_nodes_from(node for (node,) in nodes)
            graph.add_edges_from(edges)
            list(nx.topological_sort(graph))
            return len(nx.dag_longest_path(graph))

        found["networkx"] = by_networkx
    return found


# New dependencies
# ----------------

_WALK = """
WITH RECURSIVE behind (id) AS (
  SELECT CAST({task} AS bigint)
  UNION SELECT d.task_id FROM behind JOIN task_dependencies d ON d.depends_on_id = behind.id)
SELECT count(*) FROM behind"""


def cycles(engine: str, url: str, nexus: Nexus, options: argparse.Namespace) -> None:
    """Checks of random new dependencies, none of which is added."""
    chance, connection = random.Random(3), connect(url)
    looked, times, walked, walks, closed = [], [], [], [], 0
    for number in range(100):
        task, on = chance.sample(range(1, TASKS + 1), 2)
        rows, spent, is_cycle = _check(nexus, task, on)
        looked.append(rows)
        times.append(spent)
        closed += is_cycle
        if number < 10:
            began = time.perf_counter()
            walked += [row[0] for row in connection.execute(_WALK.format(task=task)).fetchall()]
            walks.append(time.perf_counter() - began)
    connection.close()
    looked.sort()
    say(
        engine,
        f"cycles   {closed} of 100 would close one; {looked.count(0)} looked at nothing",
        f"rows: median {looked[50]}, 90 % {looked[90]}, most {looked[-1]} of {3 * TASKS}",
        f"median {1000 * statistics.median(times):.1f} ms, most {1000 * max(times):.0f} ms",
        f"a walk: {1000 * statistics.median(walks):.0f} ms over {statistics.median(walked):.0f} tasks",
    )


def _check(nexus: Nexus, task: int, on: int) -> tuple[int, float, bool]:
    rows = 0

    class Undone(Exception):
        """Leaves everything as it was."""

    def counted(read: Callable[..., Any]) -> Callable[..., Any]:
        def through(*given: Any) -> Any:
            nonlocal rows
            answer = read(*given)
            rows += len(answer)
            return answer

        return through

    spent, is_cycle = 0.0, False
    with suppress(Undone), nexus.store.writing() as transaction:
        work = Work(transaction, nexus.clock.now(), nexus.plugins, ClaimTimes())
        graph: Any = work.graph
        for name in ("levels_above", "levels_below", "walk_above", "walk_below"):
            setattr(graph, name, counted(getattr(graph, name)))
        known = graph.levels([task, on])
        began = time.perf_counter()
        is_cycle = bool(lift(work, (task, known[task]), (on, known[on])).cycle)
        spent = time.perf_counter() - began
        raise Undone
    return rows, spent, is_cycle


# Ends of tasks
# -------------


def complete(engine: str, url: str, nexus: Nexus, options: argparse.Namespace) -> None:
    """A task on which very many wait."""
    for parts in (0, 1):
        name = f"bench/fan-{parts}"
        nexus.tasks.import_file(graph_files.fan(DEPENDENTS, parts), name)
        first = nexus.tasks.list(TaskQuery(repository=name, limit=1)).items[0].id
        times: dict[str, list[float]] = {"finish": [], "reopen": []}
        for _ in range(options.rounds):
            times["finish"].append(seconds(partial(nexus.tasks.move, first, "done")))
            times["reopen"].append(seconds(partial(nexus.tasks.move, first, "pending")))
        nexus.tasks.move(first, "done")
        dispatch = seconds(nexus.agents.dispatch)
        say(
            engine,
            f"complete {DEPENDENTS} wait, {parts} subtask below each",
            *(f"{word} {1000 * statistics.median(found):.0f} ms" for word, found in times.items()),
            f"longest {1000 * max(map(max, times.values())):.0f} ms",
            f"dispatch {1000 * dispatch:.0f} ms",
        )


# Answers
# -------


def answers(options: argparse.Namespace) -> None:
    """Each question at each size, in sparse and in dense graphs."""
    for engine in options.engines:
        for shape in ("thirds", "net"):
            smallest: dict[str, float] = {}
            for number in options.sizes:
                with empty_database(engine, options.postgres) as url:
                    found = _asked(url, number, shape, options.rounds)
                smallest = smallest or found
                say(
                    engine, f"answers  {shape:<7}{number:>9}",
                    *(f"{name} {1000 * spent:.2f} ms ({spent / smallest[name]:.2f})" for name, spent in found.items()),
                )  # fmt: skip


def _asked(url: str, number: int, shape: str, rounds: int) -> dict[str, float]:
    filled = seed.fill(url, number, shape)
    nexus, chance = open_hub(url), random.Random(11)
    open_ones = range(filled.done + 1, number + 1)
    waiting = [task for task in chance.sample(open_ones, 400) if filled.open_dependencies[task]][:100]
    ahead = chance.sample(range(filled.done + 1, filled.done + max(2, len(open_ones) // 4)), 100)
    questions: dict[str, Callable[[], Any]] = {
        "ready": lambda: nexus.tasks.ready(limit=50),
        "ready page": lambda: nexus.tasks.list(TaskQuery(ready=True, limit=50)),
        "next": nexus.tasks.next,
        "why": partial(_each, nexus, waiting),
        "impact": partial(_each, nexus, ahead),
    }
    for question in questions.values():
        question()
    times = {name: min(in_turn({name: question}, 3 * rounds)[name]) for name, question in questions.items()}
    nexus.close()
    return {name: spent / (100 if name in ("why", "impact") else 1) for name, spent in times.items()}


def _each(nexus: Nexus, tasks: Sequence[int]) -> None:
    for task in tasks:
        nexus.tasks.readiness(task)


PARTS = {"whole": whole, "cycles": cycles, "complete": complete, "import": graph_files.imports}


@contextmanager
def _hub(engine: str, part: str, postgres: str) -> Iterator[tuple[str, Nexus]]:
    with empty_database(engine, postgres) as url:
        if part in ("whole", "cycles"):
            seed.fill(url, TASKS, "whole")
        nexus = open_hub(url)
        try:
            yield url, nexus
        finally:
            nexus.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=[*PARTS, "answers", "memory"])
    parser.add_argument("--engines", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument(
        "--postgres", default=os.environ.get("NEXUS_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1/postgres")
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    options = parser.parse_args()
    for part in options.parts:
        if part == "answers":
            answers(options)
        elif part == "memory":
            graph_memory.memory(options)
        else:
            for engine in options.engines:
                with _hub(engine, part, options.postgres) as (url, nexus):
                    PARTS[part](engine, url, nexus, options)


if __name__ == "__main__":
    main()
