"""Background work: no-op jobs a second of one worker process, beside Celery, dramatiq and procrastinate; and latency.

    python bench/jobs.py --peers VENV [--jobs 3000] [--rounds 3] [--postgres URL] [--amqp URL] [--redis URL]

VENV is a virtual environment with celery, dramatiq[rabbitmq,redis], procrastinate and psycopg[binary].

The queue is filled first, in transactions of 500 jobs, then the worker starts; the rate counts from the 101st recorded
outcome to the last, by the times in the database. Celery (prefork, one process, late acknowledgement, confirms) and
dramatiq (one process, eight threads) finish a row for each job, as who wants to know what became of a job must;
procrastinate keeps its own. The contestants take turns in rounds; medians count. Processor time is the worker's.

Latency is from before the commit of a job, 200 a second one by one, until its handler begins, through a broker.
"""

from __future__ import annotations

import argparse
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import psycopg

sys.path.insert(0, str(Path(__file__).parent))
import claims
import jobs_worker
from serving import processor_seconds, tree

from nexus_core import Nexus
from nexus_core.domain.jobs import NewJob

HERE = Path(__file__).parent
NONE, SQLITE, RABBIT, REDIS = "nexus", "nexus, sqlite", "nexus, rabbitmq", "nexus, redis"
CELERY, CELERY_REDIS, PROCRASTINATE = "celery, rabbitmq", "celery, redis", "procrastinate"
DRAMATIQ, DRAMATIQ_REDIS = "dramatiq, rabbitmq", "dramatiq, redis"
GOALS = (
    (NONE, PROCRASTINATE, 3.0), (RABBIT, PROCRASTINATE, 3.0), (REDIS, PROCRASTINATE, 3.0), (RABBIT, CELERY, 1.0),
    (REDIS, CELERY_REDIS, 1.0),
)  # fmt: skip
WARM = 100
A_SECOND, SENT = 200, 600


@attrs.frozen
class Found:
    """What a worker reached."""

    rate: float  #: jobs a second
    processor: float  #: microseconds of the worker's processor time a job


@contextmanager
def worker(command: Sequence[str | Path], environ: dict[str, str], *, cwd: Path = HERE, **more: Any) -> Iterator[Any]:
    """A worker that runs; ended afterwards, with all below it."""
    process = subprocess.Popen(
        [*map(str, command)], env={**os.environ, **environ}, cwd=cwd, stderr=subprocess.DEVNULL, start_new_session=True,
        **{"stdout": subprocess.DEVNULL, **more},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


def drained(process: Any, ask: Callable[[], list[float]], number: int) -> Found:
    """The rate at which jobs ended, when all have; `ask` tells when those did that have."""
    end = time.monotonic() + 120
    while len(ask()) < number:
        if process.poll() is not None or time.monotonic() > end:
            sys.exit(f"a worker ended, or is too slow: {len(ask())} of {number} jobs")
        time.sleep(0.2)
    used, ended = processor_seconds(tree(process.pid)), sorted(ask())
    return Found((number - WARM) / (ended[-1] - ended[WARM - 1]), used / number * 1e6)


def fill(hub: Nexus, number: int) -> None:
    """Enqueue jobs, 500 in a transaction."""
    unit = hub.jobs._unit  # as a service writes jobs with a change
    for _ in range(0, number, 500):
        unit.write(lambda work: [work.enqueue(NewJob(kind=jobs_worker.KIND)) for _ in range(500)])


def nexus(options: argparse.Namespace, engine: str, broker: str | None) -> Found:
    """One worker of Nexus."""
    with claims.database(engine, 10, options.postgres) as url:
        place = f"{broker}#bench{secrets.token_hex(3)}" if broker else None
        with jobs_worker.open_hub(url, place) as hub:
            fill(hub, options.jobs)
            ask = _sqlite_times(url) if engine == "sqlite" else _postgres_times(url)
            command = [sys.executable, HERE / "jobs_worker.py", url, *([place] if place else [])]
            with worker(command, {}) as process:
                return drained(process, ask, options.jobs)


def _postgres_times(url: str) -> Callable[[], list[float]]:
    connection = psycopg.connect(url, autocommit=True)
    sql = "SELECT extract(epoch FROM finished_at)::float8 FROM jobs WHERE state = 'done' AND kind = %s"
    return lambda: [row[0] for row in connection.execute(sql, (jobs_worker.KIND,)).fetchall()]


def _sqlite_times(path: str) -> Callable[[], list[float]]:
    import sqlite3

    connection = sqlite3.connect(path)
    sql = "SELECT (julianday(finished_at) - 2440587.5) * 86400 FROM jobs WHERE state = 'done' AND kind = ?"
    return lambda: [row[0] for row in connection.execute(sql, (jobs_worker.KIND,)).fetchall()]


def peer(options: argparse.Namespace, name: str, broker: str) -> Found:
    """One worker of Celery or dramatiq that finishes a row for each job."""
    venv, queue = options.peers / "bin", f"bench{secrets.token_hex(3)}"
    database = f"nexus_bench_{secrets.token_hex(4)}"
    url = options.postgres.rpartition("/")[0] + f"/{database}"
    environ = {"BENCH_PEER": name, "BENCH_DATABASE": url, "BENCH_BROKER": broker, "BENCH_QUEUE": queue}
    commands = {
        "celery": ["celery", "-A", "queue_tasks:celery_app", "worker", "-P", "prefork", "-c", "1", "-l", "ERROR",
                   "--without-gossip", "--without-mingle", "--without-heartbeat", "-Q", queue],
        "dramatiq": ["dramatiq", "queue_tasks", "-p", "1", "-t", "8"],
    }  # fmt: skip
    with psycopg.connect(options.postgres, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {database}")
        try:
            peers = HERE / "peers"
            subprocess.run(
                [venv / "python", "queue_tasks.py", str(options.jobs)], cwd=peers, env={**os.environ, **environ},
                check=True,
            )  # fmt: skip
            program, *arguments = commands[name]
            with (
                psycopg.connect(url, autocommit=True) as connection,
                worker([venv / program, *arguments], environ, cwd=peers) as process,
            ):
                sql = "SELECT extract(epoch FROM done_at)::float8 FROM bench_jobs WHERE done_at IS NOT NULL"
                return drained(process, lambda: [row[0] for row in connection.execute(sql).fetchall()], options.jobs)
        finally:
            server.execute(f"DROP DATABASE {database} WITH (FORCE)")


def procrastinate(options: argparse.Namespace) -> Found:
    """One worker of procrastinate, ten jobs at a time."""
    command = [options.peers / "bin" / "python", HERE / "procrastinate_worker.py", options.postgres]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return Found(float(ran.stdout), 0.0)


def latency(options: argparse.Namespace, broker: str) -> list[float]:
    """Milliseconds from before a job's commit until it began, of jobs that come one by one."""
    with claims.database("postgresql", 10, options.postgres) as url:
        place = f"{broker}#bench{secrets.token_hex(3)}"
        command = [sys.executable, HERE / "jobs_worker.py", url, place]
        with (
            jobs_worker.open_hub(url, place) as hub,
            worker(command, {}, stdout=subprocess.PIPE, text=True) as process,
        ):
            time.sleep(3)
            due = time.monotonic()
            for _ in range(SENT):
                hub.jobs.enqueue(jobs_worker.KIND, {"sent": time.time()})
                due += 1 / A_SECOND
                time.sleep(max(0.0, due - time.monotonic()))
            return sorted(1000 * float(process.stdout.readline()) for _ in range(SENT))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, required=True, metavar="VENV")
    parser.add_argument("--jobs", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--postgres", default="postgresql://postgres@127.0.0.1/postgres")
    parser.add_argument("--amqp", default="amqp://guest:guest@127.0.0.1:5672/%2F")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0")
    options = parser.parse_args()
    contestants: dict[str, Callable[[], Found]] = {
        NONE: lambda: nexus(options, "postgresql", None),
        RABBIT: lambda: nexus(options, "postgresql", options.amqp),
        REDIS: lambda: nexus(options, "postgresql", options.redis),
        SQLITE: lambda: nexus(options, "sqlite", None),
        CELERY: lambda: peer(options, "celery", options.amqp),
        CELERY_REDIS: lambda: peer(options, "celery", options.redis),
        DRAMATIQ: lambda: peer(options, "dramatiq", options.amqp),
        DRAMATIQ_REDIS: lambda: peer(options, "dramatiq", options.redis),
        PROCRASTINATE: lambda: procrastinate(options),
    }
    found: dict[str, list[Found]] = {name: [] for name in contestants}
    for number in range(options.rounds):
        for name, run in contestants.items():
            found[name].append(run())
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
    print(f"{'one worker process':<20}{'jobs/s':>9}{'least–most':>15}{'processor us':>14}")
    for name, all_found in found.items():
        rates = [one.rate for one in all_found]
        used = statistics.median(one.processor for one in all_found)
        span = f"{min(rates):.0f}–{max(rates):.0f}"
        print(f"{name:<20}{statistics.median(rates):>9.0f}{span:>15}{f'{used:.0f}' if used else '':>14}")
    for ours, theirs, wanted in GOALS:
        ratio = statistics.median(a.rate / b.rate for a, b in zip(found[ours], found[theirs], strict=True))
        print(
            f"{'holds' if ratio >= wanted else 'MISSED'}: {ours}: {ratio:.1f} of {theirs}, at least {wanted:g} wanted"
        )
    for name, broker in (("rabbitmq", options.amqp), ("redis", options.redis)):
        waits = latency(options, broker)
        p50, p99 = waits[len(waits) // 2], waits[len(waits) * 99 // 100]
        said = "holds" if p50 < 10 else "MISSED"
        print(f"{said}: from commit to start through {name}, {A_SECOND}/s: p50 {p50:.1f} (below 10), p99 {p99:.1f} ms")


if __name__ == "__main__":
    main()
