"""What is scheduled, with several workers as processes of their own: it comes round once each time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import pairwise

import pytest
from hubs import environment, wait_until

import worker_process
from engines import open_hub

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes as POSIX has them"),
]

EVERY = timedelta(seconds=1)
"""How often the schedule of these tests comes round."""

ROUNDS = 5


@contextmanager
def _worker(folder, number, database_url):
    """A worker with the schedule `probe.round`, which sweeps six times within a period; its notes say who ran when."""
    notes = folder / "notes"
    environ = {"NEXUS_WORKER_LEASE": "1s", "NEXUS_PROBE_EVERY": str(EVERY.total_seconds())}
    with (folder / f"worker-{number}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, worker_process.__file__, str(notes)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env=environment(folder, NEXUS_DATABASE_URL=database_url, **environ),
        )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@contextmanager
def _three(folder, database_url):
    with ExitStack() as stack:
        for number in range(3):
            stack.enter_context(_worker(folder, number, database_url))
        yield


def _rounds(hub):
    """When each of its jobs was written, by the store's clock."""
    return [job.created_at for job in hub.jobs.list(limit=200) if job.kind == "probe.round"]


def _runs(folder):
    return (folder / "notes").read_text().splitlines()


def test_three_workers_begin_a_schedule_once_each_time(database_url, tmp_path):
    """No two of its jobs are closer together than its period, none is left out, and each ran once."""
    (tmp_path / "notes").touch()
    with open_hub(database_url) as hub:
        with _three(tmp_path, database_url):
            wait_until(lambda: len(_runs(tmp_path)) > ROUNDS, 40)
        rounds = _rounds(hub)

    apart = [later - earlier for earlier, later in pairwise(rounds)]
    assert min(apart) >= EVERY, apart
    assert sorted(apart)[len(apart) // 2] < 2 * EVERY, apart
    assert len(rounds) >= len(_runs(tmp_path)) > ROUNDS
    assert len({json.loads(line)["job"] for line in _runs(tmp_path)}) == len(_runs(tmp_path))


def test_a_schedule_makes_up_for_nothing(database_url, tmp_path):
    """When no worker ran for several periods, it comes round once, and not as often as it was due."""
    (tmp_path / "notes").touch()
    with open_hub(database_url) as hub:
        with _worker(tmp_path, 0, database_url):
            wait_until(lambda: _runs(tmp_path), 30)
        before = len(_rounds(hub))
        time.sleep(4 * EVERY.total_seconds())
        with _three(tmp_path, database_url):
            wait_until(lambda: len(_rounds(hub)) >= before + 2, 30)
        rounds = _rounds(hub)

    assert rounds[before] - rounds[before - 1] > 4 * EVERY
    assert min(later - earlier for earlier, later in pairwise(rounds)) >= EVERY
