"""Steady load: `python -m tests.long.soak --minutes 60`. Memory, descriptors, threads and connections must not grow.

Webhooks and requests of the API at a steady rate, to a server and a worker on a PostgreSQL and a RabbitMQ of their own.
Each process is sampled every ten seconds; what counts is the line through the samples of the last three quarters.
"""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
from tests.chaos.house import House
from tests.chaos.run import _await
from tests.integration.senders import Senders

ADMIN = "nxs_soak_admin_key_of_the_tests_alone_0000000000"
MOST = {"memory": 0.10, "descriptors": 0.05, "threads": 0.05, "connections": 0.10}
"""How much the line may rise over an hour, of its middle."""


def main() -> int:
    """Run, and tell; 1 when something grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--webhooks", type=float, default=10, help="a second")
    parser.add_argument("--requests", type=float, default=5, help="of the API, a second")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nexus-soak-") as folder:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = int(free.getsockname()[1])
        house = House(Path(folder), port=port, environ={"NEXUS_BOOTSTRAP_ADMIN_KEY": ADMIN})
        try:
            house.serve(workers=1)
            _await(port)
            return soak(house, wanted.minutes * 60, wanted.webhooks, wanted.requests)
        finally:
            house.close()


def soak(house: House, seconds: float, webhooks: float, requests: float) -> int:
    """Run for so long; 1 when something grew."""
    stop = threading.Event()
    senders = Senders(house.port, "soak", threads=8)
    statuses: Counter[int] = Counter()
    threads = [
        threading.Thread(target=senders.run, args=(int(seconds * webhooks), webhooks)),
        threading.Thread(target=_requests, args=(house.port, requests, stop, statuses)),
    ]
    for thread in threads:
        thread.start()
    samples: list[tuple[float, dict[str, float]]] = []
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        time.sleep(max(0.0, began + 10 * (len(samples) + 1) - time.monotonic()))
        samples.append((time.monotonic() - began, dict(_sample(house))))
        if len(samples) % 30 == 0:
            print(f"{samples[-1][0] / 60:.0f} min: {_told(samples[-1][1])}", flush=True)
    stop.set()
    for thread in threads:
        thread.join()
    answers = Counter(sent.status for sent in senders.sent)
    print(f"webhooks answered {dict(answers)}, requests {dict(statuses)}")
    return _judged(samples, seconds)


def _requests(port: int, rate: float, stop: threading.Event, statuses: Counter[int]) -> None:
    """Create, list, read, change: what a browser and a CLI do."""
    headers = {"Authorization": f"Bearer {ADMIN}", "Content-Type": "application/json"}
    number = 0
    while not stop.wait(1 / rate):
        number += 1
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            for method, path, body in _asked(number):
                connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
                answer = connection.getresponse()
                answer.read()
                statuses[answer.status] += 1
        except (OSError, http.client.HTTPException):
            statuses[0] += 1
        finally:
            connection.close()


def _asked(number: int) -> Iterator[tuple[str, str, dict[str, object] | None]]:
    match number % 5:
        case 0:
            yield "POST", "/tasks", {"title": f"task {number}", "priority": "low"}
        case 1:
            yield "GET", "/tasks?limit=50", None
        case 2:
            yield "GET", "/events?limit=20", None
        case 3:
            yield "POST", "/tasks/claim", {"agent": "soak"}
        case _:
            yield "GET", "/jobs?limit=20", None


def _sample(house: House) -> Iterator[tuple[str, float]]:
    for one in house.served:
        memory = descriptors = threads = 0.0
        try:
            top = psutil.Process(one.process.pid)
            for process in [top, *top.children(recursive=True)]:
                memory += process.memory_full_info().pss
                descriptors += process.num_fds()
                threads += process.num_threads()
        except psutil.Error:
            continue
        yield f"{one.name} memory", memory / 2**20
        yield f"{one.name} descriptors", descriptors
        yield f"{one.name} threads", threads
    with psycopg.connect(house.database) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    yield "connections", float(row[0] if row else 0)


def _told(sample: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.0f}" for name, value in sample.items())


def _judged(samples: list[tuple[float, dict[str, float]]], seconds: float) -> int:
    kept = [one for one in samples if one[0] > seconds / 4]
    wrong = 0
    for name in kept[-1][1]:
        points = [(at, sample[name]) for at, sample in kept if name in sample]
        middle = statistics.fmean(value for _, value in points)
        slope = statistics.linear_regression(*zip(*points, strict=True)).slope * 3600
        grew = slope > MOST[name.rpartition(" ")[2]] * middle + 1
        wrong += grew
        print(f"{name:<24} {middle:8.1f}, {slope:+7.2f} an hour{'  GROWS' if grew else ''}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
