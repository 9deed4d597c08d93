"""The demo, as a newcomer runs it."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hubs


def demo(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environ = hubs.environment(folder, TMPDIR=str(folder / "tmp"))
    (folder / "tmp").mkdir()
    for name in list(environ):
        if name.startswith("NEXUS_"):
            del environ[name]
    return subprocess.run(
        [sys.executable, "-m", "nexus_cli", "demo", *options],
        env=environ, cwd=folder, capture_output=True, text=True, timeout=150,
    )  # fmt: skip


def left(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.name not in ("home", "tmp")]


def processes_below(folder: Path) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if os.fsencode(str(folder)) in entry.read_bytes():
                found.append((entry.parent / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def test_two_demos_at_once_hold_and_leave_nothing(tmp_path: Path) -> None:
    """Two demos side by side prove every step, and leave no file and no process."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(demo, folders))

    assert [0, 0] == [run.returncode for run in runs], runs[0].stdout + runs[0].stderr + runs[1].stdout + runs[1].stderr
    assert [[], []] == [left(folder) for folder in folders]
    assert [] == processes_below(tmp_path)


def test_a_killed_hub_finishes_its_work_once(tmp_path: Path) -> None:
    """Server and worker killed with -9 in mid-work: started again, all is finished, nothing happens twice."""
    run = demo(tmp_path, "--crash")

    assert 0 == run.returncode, run.stdout + run.stderr
    assert "its commits became one pull request" in run.stdout
    assert [] == processes_below(tmp_path)
