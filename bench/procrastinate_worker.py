"""No-op jobs a second of procrastinate's worker, for benches to compare with: prints one number.

    python bench/procrastinate_worker.py POSTGRES_URL [JOBS] [CONCURRENCY]

It needs `pip install procrastinate`, makes a database of its own and drops it. The queue is filled first; the first
jobs, during which the worker starts, do not count.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import time

import procrastinate
import psycopg

WARMING_UP = 100


async def rate(url: str, jobs: int, concurrency: int) -> float:
    """Jobs a second of one worker process."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))
    ended: list[float] = []

    @app.task(name="noop")
    async def noop(number: int) -> None:
        ended.append(time.perf_counter())

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for first in range(0, jobs, 500):
            await noop.batch_defer_async(*({"number": number} for number in range(first, min(jobs, first + 500))))
        await app.run_worker_async(wait=False, concurrency=concurrency, install_signal_handlers=False)
    return (len(ended) - WARMING_UP) / (ended[-1] - ended[WARMING_UP - 1])


def main() -> None:
    """Measure and print."""
    postgres, jobs, concurrency = sys.argv[1], int((sys.argv[2:] or ["1500"])[0]), int((sys.argv[3:] or ["10"])[0])
    name = f"procrastinate_bench_{secrets.token_hex(4)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            print(asyncio.run(rate(postgres.rpartition("/")[0] + f"/{name}", jobs, concurrency)))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    main()
