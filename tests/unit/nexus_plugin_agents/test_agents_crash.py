"""What is left when a worker is killed: no agent, and on the second run one clean branch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nexus_core.errors import StaleClaim
from nexus_plugin_agents.processes import start_time, with_variable

BRANCH = "nexus/nx-12-add-a-greeting"
HERE = Path(__file__).parent


@pytest.fixture
def killed(support, remote, agent, worktrees, tmp_path):
    """A worker killed while its agent worked: that had committed, changed a file and left a daemon."""
    command = agent(
        "echo work >> work.txt; git add work.txt; git commit -qm 'do the work'; echo more >> work.txt",
        f"test -e {tmp_path}/second && exit 0",
        f"setsid sh -c 'echo $$ > {tmp_path}/daemon; sleep 300' &",
        f"echo $$ > {tmp_path}/pid; sleep 300",
    )
    arguments = [str(HERE / "conftest.py"), str(worktrees), *command, f"file://{remote}"]
    worker = subprocess.Popen([sys.executable, str(HERE / "crash_worker.py"), *arguments])
    assert support.wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "daemon").exists(), 20)
    worker.kill()
    worker.wait()
    return command


def _pid(path):
    return int(path.read_text())


def test_no_agent_outlives_its_worker(support, killed, tmp_path):
    """kill -9 of the worker ends the agent and its daemon within seconds."""
    pids = [_pid(tmp_path / "pid"), _pid(tmp_path / "daemon")]

    assert support.wait_until(lambda: not [pid for pid in pids if support.is_alive(pid)], 5)


def test_the_second_run_does_the_work_once(support, killed, remote, worktrees, tmp_path):
    """The half-done work of the first run is not mixed into that of the second."""
    (tmp_path / "second").touch()
    result = support.runner().run(support.request(worktrees, killed, f"file://{remote}"))

    assert (True, 2) == (result.ok, result.commits)
    assert "work\nmore" == support.git("show", f"{BRANCH}:work.txt", cwd=remote)


def test_leftovers_of_other_branches_are_cleared(support, killed, remote, agent, worktrees, tmp_path):
    """What a killed worker left is removed by the next run in the same repository, whatever its task."""
    assert [path for path in worktrees.rglob("tree") if path.is_dir()]
    command = agent("touch x", name="other.sh")
    support.runner().run(support.request(worktrees, command, f"file://{remote}", task=13, assignment=6))

    assert [] == [path for path in worktrees.rglob("tree") if path.is_dir()]


def test_a_second_run_takes_over_from_a_living_first(support, remote, agent, worktrees, tmp_path):
    """A worker that had fallen silent finds its agent ended and its claim gone."""
    slow = agent(f"echo $$ > {tmp_path}/pid; echo first > work.txt; sleep 300", name="slow.sh")
    failures = []

    def first():
        with pytest.raises(StaleClaim) as taken:
            support.runner().run(support.request(worktrees, slow, f"file://{remote}"))
        failures.append(taken.value)

    thread = threading.Thread(target=first)
    thread.start()
    assert support.wait_until(lambda: (tmp_path / "pid").exists())
    result = support.runner().run(support.request(worktrees, agent("echo second > work.txt"), f"file://{remote}"))
    thread.join()

    assert (True, 1) == (result.ok, len(failures))
    assert "second" == support.git("show", f"{BRANCH}:work.txt", cwd=remote)


def test_a_run_that_had_ended_well_is_delivered_by_the_next(support, remote, agent, worktrees, tmp_path):
    """The worker died between the end of the agent and the push: the work is pushed, not done again."""
    hook = remote / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/pushing; sleep 300\n")
    hook.chmod(0o755)
    command = agent(f"echo run >> {tmp_path}/runs; echo work >> work.txt")
    arguments = [str(HERE / "conftest.py"), str(worktrees), *command, f"file://{remote}"]
    worker = subprocess.Popen([sys.executable, str(HERE / "crash_worker.py"), *arguments])
    assert support.wait_until((tmp_path / "pushing").exists, 20)
    worker.kill()
    worker.wait()
    hook.unlink()
    result = support.runner().run(support.request(worktrees, command, f"file://{remote}"))

    assert (True, 1, "run\n") == (result.ok, result.commits, (tmp_path / "runs").read_text())
    assert result.head == support.git("rev-parse", BRANCH, cwd=remote)


def test_an_agent_that_kills_its_guard_is_ended_too(support, remote, agent, worktrees, tmp_path):
    """Even when the guard is killed, what the agent left is found by its mark."""
    command = agent(f"setsid sh -c 'echo $$ > {tmp_path}/pid; sleep 300' &", "sleep 0.5; kill -9 $PPID; sleep 300")
    result = support.runner().run(support.request(worktrees, command, f"file://{remote}"))

    assert not result.ok
    assert support.wait_until(lambda: not support.is_alive(_pid(tmp_path / "pid")), 3)


def test_processes_are_found_by_their_environment():
    """The mark of a run finds its processes, and no others."""
    child = subprocess.Popen(["sleep", "300"], env={"PATH": os.environ["PATH"], "NEXUS_RUN": "mark-77"})
    try:
        assert [child.pid] == with_variable("NEXUS_RUN", "mark-77")
        assert [] == with_variable("NEXUS_RUN", "mark-7")
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()


def test_a_process_is_told_from_a_later_one_of_the_same_id():
    """The start of a process names it; an ended one has none."""
    child = subprocess.Popen(["sleep", "300"])
    started = start_time(child.pid)
    child.kill()
    child.wait()

    assert started
    assert "" == start_time(child.pid)
