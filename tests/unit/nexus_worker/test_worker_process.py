"""The worker as a process: its signals, its end, its death, and the one that starts it anew."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import worker_process
from nexus_core import Nexus
from nexus_worker import hooks, main

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes as POSIX has them")


class Process:
    """A worker process and what its jobs wrote."""

    def __init__(self, folder, *arguments, **environ):
        self.notes = folder / "notes"
        self.notes.touch()
        self._log = (folder / f"log-{time.monotonic_ns()}").open("w+")
        self.popen = subprocess.Popen(
            [sys.executable, worker_process.__file__, str(self.notes), *arguments],
            stderr=self._log,
            stdout=self._log,
            env={**os.environ, "NEXUS_DATA_DIR": str(folder), "NEXUS_WORKER_LEASE": "1s", **environ},
        )

    def ran(self):
        """(n, pid) of each run."""
        return [tuple(int(part) for part in line.split()[:2]) for line in self.notes.read_text().splitlines()]

    def log(self):
        self._log.flush()
        return Path(self._log.name).read_text()

    def end(self, sig=signal.SIGTERM):
        """Send a signal and wait; the exit code."""
        self.popen.send_signal(sig)
        return self.popen.wait(15)


@pytest.fixture
def start(tmp_path):
    """Starts worker processes on one data folder."""
    started = []

    def begin(*arguments, **environ):
        started.append(Process(tmp_path, *arguments, **environ))
        return started[-1]

    yield begin
    for process in started:
        if process.popen.poll() is None:
            process.popen.kill()
            process.popen.wait(5)


@pytest.fixture
def nexus(tmp_path):
    """A hub on the same folder, to enqueue with and to look at."""
    probe = worker_process.Probe("/dev/null")
    with Nexus.open(data_dir=tmp_path, plugins=[probe, hooks], load_plugins=False) as nexus:
        yield nexus


def _states(nexus):
    return [str(job.state) for job in nexus.jobs.list(limit=200) if job.kind.startswith("probe.")]


def _alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_a_signal_waits_for_no_lock_of_whatever_it_interrupts(until):
    """The main thread waits for events all the time, each of which has a lock; its handler would wait for itself."""
    handlers = {sig: signal.getsignal(sig) for sig in (signal.SIGTERM, signal.SIGINT)}
    lock, taken = threading.Lock(), []
    try:
        stop = main._Stop()
        stop.then(lambda: taken.append(lock.acquire(timeout=1)))
        with lock:
            signal.raise_signal(signal.SIGTERM)
        assert until(lambda: taken)
    finally:
        for sig, handler in handlers.items():
            signal.signal(sig, handler)

    assert [True] == taken
    assert stop.wanted


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_signal_lets_running_jobs_end(start, nexus, until, sig):
    """SIGTERM and SIGINT: what runs ends, nothing new begins, the exit code is 0, and nobody waits for a lease."""
    nexus.jobs.enqueue("probe.slow", {"n": 1, "seconds": 1})
    process = start(NEXUS_WORKER_THREADS="1", NEXUS_WORKER_LEASE="30s")
    assert until(lambda: len(process.ran()) == 1)
    nexus.jobs.enqueue("probe.note", {"n": 2})

    assert 0 == process.end(sig)
    assert ["done", "pending"] == _states(nexus)
    assert "Traceback" not in process.log()


def test_once_runs_what_is_due(start, nexus):
    """`--once` runs the due jobs and ends with 0."""
    for number in range(5):
        nexus.jobs.enqueue("probe.note", {"n": number})
    process = start("--once")

    assert 0 == process.popen.wait(15)
    assert ["done"] * 5 == _states(nexus)


def test_killed_worker_is_replaced(start, nexus, until):
    """kill -9 of everything in the middle of a job: another worker runs it again after its lease, and only then."""
    nexus.jobs.enqueue("probe.slow", {"n": 1, "seconds": 2})
    first = start()
    assert until(lambda: len(first.ran()) == 1)
    first.popen.kill()
    first.popen.wait(5)
    killed = time.monotonic()
    second = start()

    assert until(lambda: _states(nexus) == ["done"], 15)
    assert 2 == len(second.ran()) == nexus.jobs.list()[0].attempt
    assert time.monotonic() - killed < 10


def test_no_worker_outlives_its_supervisor(start, nexus, until):
    """When the outer process is killed, the inner one does not work on unseen."""
    nexus.jobs.enqueue("probe.slow", {"n": 1, "seconds": 30})
    process = start()
    assert until(lambda: len(process.ran()) == 1)
    inner = process.ran()[0][1]
    assert inner != process.popen.pid
    process.popen.kill()
    process.popen.wait(5)

    assert until(lambda: not _alive(inner), 5)


def test_supervised_worker_ends_with_whoever_started_it(nexus, tmp_path, until):
    """With NEXUS_SUPERVISED=1 the end of the parent is the end of the worker."""
    notes = tmp_path / "notes"
    notes.touch()
    nexus.jobs.enqueue("probe.note", {"n": 1})
    script = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(60)"
    environ = {**os.environ, "NEXUS_DATA_DIR": str(tmp_path), "NEXUS_SUPERVISED": "1"}
    command = [sys.executable, worker_process.__file__, str(notes)]
    parent = subprocess.Popen([sys.executable, "-c", script, *command], env=environ, stderr=subprocess.DEVNULL)
    assert until(lambda: notes.read_text().count("\n") == 1)
    worker = int(notes.read_text().split()[1])
    parent.kill()
    parent.wait(5)

    assert until(lambda: not _alive(worker), 10)


def test_poison_goes_to_the_dead_and_the_rest_is_done(start, nexus, until):
    """A job that brings the interpreter down is given up after its attempts; the others are done."""
    nexus.jobs.enqueue("probe.abort", {"n": -1})
    for number in range(20):
        nexus.jobs.enqueue("probe.note", {"n": number})
    process = start()

    assert until(lambda: sorted(_states(nexus)) == ["dead", *["done"] * 20], 30)
    assert 2 == sum(number == -1 for number, _ in process.ran())
    assert 0 == process.end()


def test_hangup_reads_the_configuration_anew(start, nexus, until, tmp_path):
    """Another process takes over, the former one ends its jobs; a fault in the file leaves all as it was."""
    file = tmp_path / "nexus.toml"
    file.write_text("[worker]\nthreads = 1\n")
    nexus.jobs.enqueue("probe.slow", {"n": 0, "seconds": 2})
    process = start(NEXUS_CONFIG=str(file))

    def after(content):
        file.write_text(content)
        former = process.ran()[-1][1]
        process.popen.send_signal(signal.SIGHUP)
        assert until(lambda: not _alive(former), 15)
        number = len(process.ran())
        for _ in range(2):
            nexus.jobs.enqueue("probe.slow", {"n": number, "seconds": 1.5})
        assert until(lambda: len(process.ran()) > number)
        at_once = until(lambda: len(process.ran()) == number + 2, 1)
        assert until(lambda: _states(nexus) == ["done"] * (number + 2), 15)
        assert former not in [pid for _, pid in process.ran()[number:]]
        return at_once

    assert until(lambda: len(process.ran()) == 1)
    assert [False, True] == [after("[worker]\nthreads = 1\n"), after("[worker]\nthreads = 4\n")]
    after('[worker]\nthreads = "no"\n')
    assert "the configuration stays as it was" in process.log() and "expected a whole number" in process.log()
    assert 0 == process.end()
    assert [1] * 7 == [job.attempt for job in nexus.jobs.list() if job.kind.startswith("probe.")]


def test_log_lines_are_json(start, nexus):
    """Each line of the log is a JSON object with time, level and message."""
    process = start("--once")
    process.popen.wait(15)
    lines = [json.loads(line) for line in process.log().splitlines()]

    assert lines and all({"at", "level", "logger", "message"} <= set(line) for line in lines)


def test_unknown_lane_is_refused(start):
    """A lane that does not exist is a fault of the input."""
    process = start("--lanes", "defautl")

    assert 0 != process.popen.wait(15)
    assert "there is no lane defautl" in process.log()


def test_waits_for_a_database_that_is_not_there(start, until):
    """A worker that starts before its database waits for it, with one line, and still ends at once when told."""
    process = start(NEXUS_DATA_DIR="/proc/nowhere")
    assert until(lambda: "cannot be opened" in process.log())
    time.sleep(1)

    assert 1 == process.log().count("\n")
    assert 0 == process.end()


def test_a_worn_worker_is_started_anew(tmp_path):
    """Until it ends otherwise, and with that exit code."""
    script = (
        "import pathlib, sys\n"
        "from nexus_worker.supervise import WORN, keep_running\n"
        "runs = pathlib.Path(sys.argv[1])\n"
        "def work():\n"
        "    with runs.open('a') as file: file.write('x')\n"
        "    return WORN if runs.stat().st_size < 3 else 4\n"
        "sys.exit(keep_running(work))\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path / "runs")], timeout=20)

    assert (4, "xxx") == (ended.returncode, (tmp_path / "runs").read_text())
