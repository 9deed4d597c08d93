"""Claims a second through the services, beside the same statements written by hand, in one run on both engines.

    python bench/claims.py [--tasks 10000 100000 1000000] [--claimers 1 8 32] [--seconds 2] [--rounds 5]
                           [--engines sqlite postgresql] [--postgres URL] [--no-cycles] [--no-snapshot]

Each claimer is a process. "by hand" is the driver alone with the very statements that a claim runs: the best ready task
taken, its assignment, two events, in one transaction. The two take turns in rounds on one database; the medians count,
and the median of the ratios. "fair" is the least busy claimer's share of the busiest one's claims.

Then claim and complete, beside procrastinate's worker (one process, ten jobs at a time, each doing nothing) in the same
run, where `pip install procrastinate` was done; and claims for a minute while a forgotten transaction holds an old
snapshot, in slots of five seconds, beside the same without one.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import secrets
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs

sys.path.insert(0, str(Path(__file__).parent))
import seed

from nexus_core import Nexus
from nexus_core.config import Config
from nexus_core.storage.session import insertions
from nexus_core.storage.statements import pyformat, statements

STEPS = ("take_any", "insert_assignment", "insert_event")
TITLE = "Implement feature number 1234"
CREATED = {
    "agent": "bench", "fence": 1, "reason": "medium priority; 3 open tasks wait for it; complexity 4",
    "lease_until": "2026-01-31T12:00:00.000000Z", "title": TITLE,
}  # fmt: skip
MOVED = {"from": "pending", "to": "in-progress", "reason": "assigned to bench", "title": TITLE}


WARM = 3
"""Claims of each claimer before the time begins."""

SNAPSHOT_TASKS = 1_000_000
"""A third of them are ready: enough for a minute of claims."""


def _first() -> dict[str, Any]:
    return {"agent": "bench", "now": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")}


def _assignment(row: Any, now: str) -> dict[str, Any]:
    until = (datetime.now(UTC) + timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {
        "id": row["assignment_id"], "task_id": row["id"], "agent": "bench", "now": now, "status": "assigned",
        "fence": row["fence"], "lease_until": until, "attempt": row["fence"], "branch": f"nexus/nx-{row['id']}",
        "reason": CREATED["reason"], "result": "{}",
    }  # fmt: skip


def _events(row: Any, now: str) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for index, (kind, payload) in enumerate((("assignment.created", CREATED), ("task.moved", MOVED))):
        columns = {
            "type": kind, "payload": json.dumps(payload), "now": now, "actor_kind": "system", "actor_name": "local",
            "actor_id": None, "task_id": row["id"], "repository_id": row["repository_id"],
            "assignment_id": row["assignment_id"], "delivery": None, "key_id": None, "address": None,
            "request_id": None,
        }  # fmt: skip
        given |= {f"{name}_{index}": value for name, value in columns.items()}
    return given


def _statements(rendered: Mapping[str, str]) -> tuple[str, str, str]:
    """What a claim runs: take the best ready task, store its assignment, write two events."""
    take, assign, events = (rendered[name] for name in STEPS)
    return take, assign, next(insertions(events, [dict.fromkeys(_COLUMNS)] * 2))[0]


_COLUMNS = (
    "type", "payload", "now", "actor_kind", "actor_name", "actor_id", "task_id", "repository_id", "assignment_id",
    "delivery", "key_id", "address", "request_id",
)  # fmt: skip


def by_hand_sqlite(url: str) -> Callable[[], bool]:
    """A claim with sqlite3 alone."""
    connection = sqlite3.connect(url, isolation_level=None, timeout=0)  # SQLite's own waiting starves processes
    for pragma in ("synchronous = NORMAL", "foreign_keys = ON", "cache_size = -16000"):  # as the hub has them
        connection.execute(f"PRAGMA {pragma}")
    connection.row_factory = sqlite3.Row
    take, assign, events = _statements(statements())

    def claim() -> bool:
        given = _first()
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                break
            except sqlite3.OperationalError:
                time.sleep(0.0003)
        row = connection.execute(take, given).fetchone()
        if row is not None:
            connection.execute(assign, _assignment(row, given["now"])).fetchall()
            connection.execute(events, _events(row, given["now"])).fetchall()
        connection.execute("COMMIT")
        return row is not None

    return claim


def by_hand_postgres(url: str) -> Callable[[], bool]:
    """A claim with psycopg alone."""
    import psycopg
    from psycopg.rows import dict_row

    from nexus_plugin_postgres.engine import rendered

    connection = psycopg.connect(url, autocommit=True, row_factory=dict_row)
    take, assign, events = (pyformat(sql) for sql in _statements(rendered()))

    def claim() -> bool:
        given = _first()
        connection.execute("BEGIN")
        row = connection.execute(take, given, prepare=True).fetchone()
        if row is not None:
            connection.execute(assign, _assignment(row, given["now"]), prepare=True).fetchall()
            connection.execute(events, _events(row, given["now"]), prepare=True).fetchall()
        connection.execute("COMMIT")
        return row is not None

    return claim


def through_services(url: str, *, cycle: bool = False) -> Callable[[], bool]:
    """A claim (and its completion) through the library, as the API does it."""
    nexus = open_hub(url)

    def claim() -> bool:
        assignment = nexus.assignments.claim(agent="bench")
        if assignment is not None and cycle:
            nexus.assignments.complete(assignment.id, assignment.fence, summary="done")
        return assignment is not None

    return claim


def open_hub(url: str) -> Nexus:
    """A hub on a database, with the core's own records and the PostgreSQL store."""
    import nexus_plugin_postgres.hooks as postgres

    config = Config(
        values={"database_url": url if "://" in url else f"sqlite:///{url}", "auto_migrate": True, "data_dir": "."}
    )
    return Nexus.open(config, plugins=[postgres], load_plugins=False)


MAKERS: dict[str, Callable[[str], Callable[[], bool]]] = {
    "by hand sqlite": by_hand_sqlite,
    "by hand postgresql": by_hand_postgres,
    "services sqlite": through_services,
    "services postgresql": through_services,
    "cycles sqlite": lambda url: through_services(url, cycle=True),
    "cycles postgresql": lambda url: through_services(url, cycle=True),
}


def _claimer(name: str, url: str, seconds: float, slot: float, start: Any, results: Any) -> None:
    claim = MAKERS[name](url)
    for _ in range(WARM):  # what a process does once, such as to open its connection, is not the rate
        claim()
    start.wait()
    ended, longest = [0] * (int(seconds / slot) + 1), 0.0
    first = time.perf_counter()
    while (began := time.perf_counter()) < first + seconds and claim():
        longest = max(longest, time.perf_counter() - began)
        ended[int((began - first) / slot)] += 1
    results.put((ended, longest, began - first))


@attrs.frozen
class Rates:
    """What claimers reached together."""

    rate: float  #: claims a second
    fair: float  #: the least busy one's share of the busiest one's
    longest: float  #: the longest that one took, in seconds
    slots: list[float]  #: claims a second in each slot


def measure(name: str, url: str, claimers: int, seconds: float, slot: float = 5.0) -> Rates:
    """Have claimers claim for a time."""
    context = multiprocessing.get_context("fork")
    start, results = context.Barrier(claimers), context.Queue()
    wanted = (name, url, seconds, slot, start, results)
    processes = [context.Process(target=_claimer, args=wanted) for _ in range(claimers)]
    for process in processes:
        process.start()
    found = [results.get(timeout=seconds + 120) for _ in processes]
    for process in processes:
        process.join()
    counts = [sum(one[0]) for one in found]
    refill(url)
    slots = [sum(column) / slot for column in zip(*(one[0] for one in found), strict=True)]
    return Rates(
        sum(counts) / max(one[2] for one in found), min(counts) / max(1, max(counts)), max(one[1] for one in found),
        slots[: int(seconds / slot)],
    )  # fmt: skip


def refill(url: str) -> None:
    """Make what was claimed ready again, so that every measurement finds the same graph. Events are for ever."""
    statements = (
        "UPDATE tasks SET status = 'pending', assignment_id = NULL, agent = NULL, failures = 0"
        " WHERE status IN ('in-progress', 'review')",
        "DELETE FROM agent_assignments", "DELETE FROM jobs",
    )  # fmt: skip
    connection: Any
    if "://" in url:
        import psycopg

        connection = psycopg.connect(url, autocommit=True)
        after = ("VACUUM ANALYZE tasks", "VACUUM ANALYZE agent_assignments", "VACUUM ANALYZE events")
    else:
        connection, after = sqlite3.connect(url, isolation_level=None, timeout=60), ()
    for statement in (*statements, *after):
        connection.execute(statement)
    connection.close()


@contextmanager
def database(engine: str, number: int, postgres: str) -> Iterator[str]:
    """A database of the size, filled; gone afterwards."""
    if engine == "sqlite":
        with tempfile.TemporaryDirectory(prefix="nexus-bench-") as folder:
            path = f"{folder}/nexus.db"
            open_hub(path).close()
            seed.fill_sqlite(path, number)
            yield path
        return
    import psycopg

    name = f"nexus_bench_{secrets.token_hex(4)}"
    url = postgres.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            open_hub(url).close()
            seed.fill_postgres(url, number)
            yield url
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def held_snapshot(engine: str, url: str) -> Iterator[None]:
    """A forgotten transaction that sees the past."""
    connection: Any
    if engine == "sqlite":
        connection = sqlite3.connect(url, isolation_level=None)
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM meta").fetchone()
    else:
        import psycopg

        connection = psycopg.connect(url, autocommit=True)
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT count(*) FROM meta").fetchone()
    try:
        yield
    finally:
        connection.close()


def procrastinate_rate(url: str) -> float | None:
    """No-op jobs a second of procrastinate's worker; None when it is not installed."""
    script = Path(__file__).with_name("procrastinate_worker.py")
    ran = subprocess.run([sys.executable, str(script), url], capture_output=True, text=True, check=False)
    return float(ran.stdout) if ran.returncode == 0 else None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--claimers", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--engines", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument(
        "--postgres", default=os.environ.get("NEXUS_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1/postgres")
    )
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-cycles", action="store_true")
    parser.add_argument("--no-snapshot", action="store_true")
    options = parser.parse_args()
    print(
        f"{'engine':<11}{'tasks':>9}{'claimers':>9}{'by hand/s':>11}{'services/s':>11}"
        f"{'ratio':>7}{'fair':>6}{'longest ms':>11}"
    )
    for engine in options.engines:
        rates: dict[tuple[int, int], float] = {}
        for number in options.tasks:
            with database(engine, number, options.postgres) as url:
                for claimers in options.claimers:
                    rates[number, claimers] = _compare(engine, number, claimers, url, options)
                if not options.no_cycles:
                    _cycles(engine, number, url, options)
        _growth(engine, rates, options)
        if not options.no_snapshot:
            with database(engine, SNAPSHOT_TASKS, options.postgres) as url:
                _snapshot(engine, url)


def _compare(engine: str, number: int, claimers: int, url: str, options: argparse.Namespace) -> float:
    pairs = [
        tuple(measure(f"{name} {engine}", url, claimers, options.seconds) for name in ("by hand", "services"))
        for _ in range(options.rounds)
    ]
    ours = statistics.median(pair[1].rate for pair in pairs)
    print(
        f"{engine:<11}{number:>9}{claimers:>9}{statistics.median(pair[0].rate for pair in pairs):>11.0f}{ours:>11.0f}"
        f"{statistics.median(pair[1].rate / max(pair[0].rate, 1e-9) for pair in pairs):>7.2f}"
        f"{statistics.median(pair[1].fair for pair in pairs):>6.2f}"
        f"{1000 * statistics.median(pair[1].longest for pair in pairs):>11.0f}",
        flush=True,
    )
    return ours


def _growth(engine: str, rates: dict[tuple[int, int], float], options: argparse.Namespace) -> None:
    first, last = min(options.tasks), max(options.tasks)
    if first < last:
        said = ", ".join(
            f"{rates[last, claimers] / rates[first, claimers]:.2f} with {claimers}" for claimers in options.claimers
        )
        print(f"{engine:<11}rate at {last} tasks beside that at {first}: {said}", flush=True)


def _cycles(engine: str, number: int, url: str, options: argparse.Namespace) -> None:
    for claimers in options.claimers:
        rows = []
        for _ in range(max(1, options.rounds // 2)):
            ours = measure(f"cycles {engine}", url, claimers, options.seconds).rate
            rows.append((ours, procrastinate_rate(options.postgres)))
        rate = statistics.median(row[0] for row in rows)
        peers = [row for row in rows if row[1]]
        beside = ""
        if peers:
            ratio = statistics.median(row[0] / row[1] for row in peers)
            beside = f"; procrastinate {statistics.median(row[1] for row in peers):.0f} jobs/s, ratio {ratio:.1f}"
        print(f"{engine:<11}{number:>9}{claimers:>9}  claim and complete {rate:.0f}/s{beside}", flush=True)


def _snapshot(engine: str, url: str) -> None:
    before = measure(f"services {engine}", url, 8, 60)
    with held_snapshot(engine, url):
        held = measure(f"services {engine}", url, 8, 60)
    print(f"{engine:<11}a minute of claims by 8: " + " ".join(f"{rate:.0f}" for rate in before.slots))
    print(
        f"{engine:<11}with an old snapshot held: " + " ".join(f"{rate:.0f}" for rate in held.slots)
        + f"; of the rate without {held.rate / before.rate:.2f}, in the last {held.slots[-1] / before.slots[-1]:.2f}",
        flush=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
