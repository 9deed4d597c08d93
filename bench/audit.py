"""What the audit's chain costs: claims a second while events are sealed and while they are not, and how fast a chain is
sealed and verified.

    python bench/audit.py [--claimers 1 8] [--seconds 5] [--rounds 5] [--tasks 100000] [--events 100000 1000000]
                          [--engines sqlite postgresql] [--postgres URL]

Claims with and without a sealer take turns in rounds on one database: beside the claimers, a process seals every second
(the schedule's five would leave most rounds without one), or only waits. The medians count, and the median of the
ratios. Then a chain of so many events is sealed from nothing and walked to its end: by the clock, in processor time of
our own process for an event (steadier on a busy machine), and with the largest memory of the process.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sqlite3
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import claims

EVERY = 1.0
PAYLOAD = {"from": "pending", "to": "in-progress", "reason": "assigned to bench", "title": claims.TITLE, "ratio": 0.5}


def _sealer(url: str, stop: Any, sealed: Any, *, seals: bool) -> None:
    nexus = claims.open_hub(url)
    while not stop.wait(EVERY):
        sealed.value += nexus.audit.seal() if seals else 0


def rate(engine: str, url: str, claimers: int, seconds: float, *, seals: bool) -> tuple[float, int]:
    """Claims a second beside a process that seals, or only waits; how many events it sealed."""
    context = multiprocessing.get_context("fork")
    stop, sealed = context.Event(), context.Value("q", 0)
    sealer = context.Process(target=_sealer, args=(url, stop, sealed), kwargs={"seals": seals})
    sealer.start()
    found = claims.measure(f"services {engine}", url, claimers, seconds).rate
    stop.set()
    sealer.join()
    if not seals:  # what is left would be sealed in the next round
        claims.open_hub(url).audit.seal(seconds=600)
    return found, int(sealed.value)


def compare(engine: str, url: str, claimers: int, options: argparse.Namespace) -> None:
    """Print claims a second with and without sealing."""
    pairs, sealed = [], 0
    for _ in range(options.rounds):
        without = rate(engine, url, claimers, options.seconds, seals=False)[0]
        beside, number = rate(engine, url, claimers, options.seconds, seals=True)
        pairs.append((without, beside))
        sealed += number
    ratio = statistics.median(one[1] / one[0] for one in pairs)
    print(
        f"{engine:<11}{claimers:>9}{statistics.median(one[0] for one in pairs):>12.0f}"
        f"{statistics.median(one[1] for one in pairs):>12.0f}{ratio:>7.2f}{sealed:>9}",
        flush=True,
    )


def fill(url: str, number: int) -> None:
    """Write so many events, past everything."""
    columns = "type, payload, created_at, actor_kind, actor_name, task_id, key_id, address, request_id"
    if "://" not in url:
        connection = sqlite3.connect(url, isolation_level=None)
        connection.execute(
            f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {number})"
            f" INSERT INTO events ({columns}) SELECT 'task.moved', ?, '2026-01-31T12:00:00.123456Z', 'key', 'bench', i,"
            " 3, '203.0.113.9', 'r-' || i FROM n",
            (json.dumps(PAYLOAD),),
        )
        connection.close()
        return
    import psycopg

    with psycopg.connect(url, autocommit=True) as target:
        target.execute(
            f"INSERT INTO events ({columns}) SELECT 'task.moved', %s, now(), 'key', 'bench', i, 3, '203.0.113.9',"
            " 'r-' || i FROM generate_series(1, %s) i",
            (json.dumps(PAYLOAD), number),
        )
        target.execute("VACUUM ANALYZE events")


def _walk(url: str, results: Any) -> None:
    nexus = claims.open_hub(url)
    began, sealed, busy = time.perf_counter(), 0, time.process_time()
    while done := nexus.audit.seal(seconds=3600):
        sealed += done
    middle, busy_middle = time.perf_counter(), time.process_time()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    place = 0
    while True:
        found = nexus.audit.verify(after=place)
        place = found.place
        if found.is_last:
            break
    assert found.fault is None and place == sealed, found
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    took = (middle - began, busy_middle - busy, time.perf_counter() - middle, time.process_time() - busy_middle)
    results.put((sealed, *took, memory - before, memory))


def chain(engine: str, number: int, postgres: str) -> None:
    """Print how long a chain takes."""
    context = multiprocessing.get_context("fork")
    with claims.database(engine, 10, postgres) as url:
        fill(url, number)
        results = context.Queue()
        process = context.Process(target=_walk, args=(url, results))
        process.start()
        sealed, sealing, busy_sealing, verifying, busy_verifying, more, memory = results.get()
        process.join()
    print(
        f"{engine:<11}{sealed:>9}{sealing:>9.1f}{1e6 * busy_sealing / sealed:>11.1f}{sealed / sealing:>10.0f}"
        f"{verifying:>10.1f}{1e6 * busy_verifying / sealed:>13.1f}{sealed / verifying:>12.0f}"
        f"{more / 1024:>9.1f}{memory / 1024:>8.0f}",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claimers", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--events", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--engines", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument(
        "--postgres", default=os.environ.get("NEXUS_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1/postgres")
    )
    options = parser.parse_args()
    print(f"{'engine':<11}{'claimers':>9}{'unsealed/s':>12}{'sealed/s':>12}{'ratio':>7}{'sealed':>9}")
    for engine in options.engines:
        with claims.database(engine, options.tasks, options.postgres) as url:
            for claimers in options.claimers:
                compare(engine, url, claimers, options)
    print(
        f"\n{'engine':<11}{'events':>9}{'seal s':>9}{'cpu µs/one':>11}{'sealed/s':>10}{'verify s':>10}"
        f"{'cpu µs/one':>13}{'verified/s':>12}"
        f"{'more MB':>9}{'RSS MB':>8}"
    )
    for engine in options.engines:
        for number in options.events:
            chain(engine, number, options.postgres)


if __name__ == "__main__":
    main()
