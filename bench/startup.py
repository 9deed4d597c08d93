"""How long the command takes to start, beside an empty Python, an empty Click program and, where installed, its peers.

    python bench/startup.py [--rounds 15] [--tasks 1000] [--check]

Every round runs each command once, in turn, so that a noisy moment meets all of them alike; medians of the rounds, and
ratios to the empty Click program. The hub and its data folder are the bench's own and gone afterwards. Peers run where
NEXUS_BENCH_BACKLOG and NEXUS_BENCH_TASKMASTER name their executables, on the same tasks. `--check` fails when a ceiling
is passed: help 2.5x, next from a hub 2.2x, next in-process 6x.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EMPTY_CLICK = "import click\n@click.command()\ndef main() -> None: pass\nmain()\n"
CEILINGS = {"nexus --help": 2.5, "nexus task next, from a hub": 2.2, "nexus task next, in-process": 6.0}
BASE = "an empty Click program"


class Command:
    """One command of the comparison."""

    def __init__(self, name: str, line: list[str], environ: dict[str, str], folder: Path) -> None:
        self.name, self.line, self.environ, self.folder = name, line, environ, folder
        self.seconds: list[float] = []

    def run(self, *, is_counted: bool = True) -> None:
        """Run it once. :raises SystemExit: it failed, so that its time would mean nothing"""
        started = time.perf_counter()
        ran = subprocess.run(self.line, env=self.environ, cwd=self.folder, capture_output=True, check=False)
        if is_counted:
            self.seconds.append(time.perf_counter() - started)
        if ran.returncode:
            sys.exit(f"{self.name} failed ({ran.returncode}): {ran.stderr.decode(errors='replace')[-500:]}")

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds)


def task_file(number: int) -> dict[str, object]:
    """A task file: a third done, the others waiting for one or two before them."""
    tasks = [
        {
            "id": index, "title": f"Implement feature number {index}", "description": "What it is about. " * 5,
            "details": "How it is to be done. " * 10, "testStrategy": "By tests.", "priority": "medium",
            "status": "done" if index <= number // 3 else "pending",
            "dependencies": [index // 2, index // 3] if index > 6 else [],
        }
        for index in range(1, number + 1)
    ]  # fmt: skip
    return {"master": {"tasks": tasks, "metadata": {}}}


def environment(data_dir: Path) -> dict[str, str]:
    """Nothing of Nexus from outside, and compiled files as anybody has them."""
    dropped = ("NEXUS_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "NEXUS_DATA_DIR": str(data_dir), "XDG_CONFIG_HOME": str(data_dir / "none")}


@contextmanager
def hub(environ: dict[str, str], folder: Path) -> Iterator[None]:
    """A running server on the data folder."""
    line = [sys.executable, "-m", "nexus_cli", "serve", "--bind", "127.0.0.1:0", "--quiet"]
    server = subprocess.Popen(line, env=environ, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 30
        while not (Path(environ["NEXUS_DATA_DIR"]) / "hub.json").exists():
            if server.poll() is not None or time.monotonic() > end:
                sys.exit("the hub did not start")
            time.sleep(0.05)
        yield
    finally:
        server.terminate()
        server.wait()


def nexus() -> list[str]:
    """The command as it is installed beside this Python."""
    installed = Path(sys.executable).with_name("nexus")
    return [str(installed)] if installed.exists() else [sys.executable, "-m", "nexus_cli"]


def prepare(environ: dict[str, str], folder: Path, number: int) -> None:
    """Import the tasks."""
    file = folder / ".taskmaster" / "tasks" / "tasks.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(task_file(number), indent=2))
    line = [*nexus(), "task", "import", str(file), "--repo", "bench/tasks"]
    subprocess.run(line, env=environ, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def peers(environ: dict[str, str], folder: Path, number: int) -> list[Command]:
    """Those that are installed."""
    found = []
    if backlog := os.environ.get("NEXUS_BENCH_BACKLOG"):
        write_backlog(folder / "backlog", number)
        line = [backlog, "task", "list", "--ready", "--sort", "priority", "--limit", "1", "--plain"]
        found.append(Command("backlog.md, its next", line, environ, folder))
        found.append(Command("backlog.md, its list", [backlog, "task", "list", "--plain"], environ, folder))
    if taskmaster := os.environ.get("NEXUS_BENCH_TASKMASTER"):
        quiet = {**environ, "TASKMASTER_SKIP_AUTO_UPDATE": "1"}
        found.append(Command("task-master next", [taskmaster, "next"], quiet, folder))
    return found


def write_backlog(folder: Path, number: int) -> None:
    """The same tasks as backlog.md keeps them: a file each."""
    (folder / "tasks").mkdir(parents=True)
    (folder / "config.yml").write_text('project_name: "bench"\nstatuses: ["To Do", "In Progress", "Done"]\n')
    for index in range(1, number + 1):
        before = [f"task-{one}" for one in {index // 2, index // 3} if index > 6]
        status = "Done" if index <= number // 3 else "To Do"
        title = f"Implement feature number {index}"
        head = f"id: task-{index}\ntitle: {title}\nstatus: {status}\npriority: medium\nassignee: []\nlabels: []\n"
        head += f"dependencies: {json.dumps(before)}\ncreated_date: '2026-01-31'\n"
        name = f"task-{index} - Implement-feature-number-{index}.md"
        (folder / "tasks" / name).write_text(f"---\n{head}---\n\n## Description\n\nWhat it is about.\n")


def measure(rounds: int, number: int) -> list[Command]:
    """Run everything in turn."""
    folder = Path(tempfile.mkdtemp(prefix="nexus-bench-"))
    try:
        with_hub, alone = environment(folder / "hub"), environment(folder / "alone")
        empty = folder / "empty.py"
        empty.write_text(EMPTY_CLICK)
        for name, environ in (("tasks-hub", with_hub), ("tasks-alone", alone)):
            (folder / name).mkdir()
            prepare(environ, folder / name, number)
        commands = [
            Command("python -c pass", [sys.executable, "-c", "pass"], alone, folder),
            Command(BASE, [sys.executable, str(empty)], alone, folder),
            Command("nexus --help", [*nexus(), "--help"], alone, folder),
            Command("nexus task next, from a hub", [*nexus(), "task", "next", "--json"], with_hub, folder),
            Command("nexus task next, in-process", [*nexus(), "task", "next", "--json"], alone, folder),
            *peers(alone, folder / "tasks-alone", number),
        ]
        with hub(with_hub, folder):
            for counted in [False, *[True] * rounds]:  # the first round warms caches and compiled files
                for command in commands:
                    command.run(is_counted=counted)
        return commands
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """Measure, print, and judge where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    commands = measure(options.rounds, options.tasks)
    base = next(command.median for command in commands if command.name == BASE)
    print(f"{options.rounds} rounds, {options.tasks} tasks, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    print(f"{'command':32} {'median ms':>10} {'from':>7} {'to':>7} {'x Click':>8} {'ceiling':>8}")
    for command in commands:
        fastest, slowest = min(command.seconds) * 1000, max(command.seconds) * 1000
        ceiling = CEILINGS.get(command.name)
        figures = f"{command.median * 1000:10.1f} {fastest:7.1f} {slowest:7.1f} {command.median / base:8.2f}"
        print(f"{command.name:32} {figures} {ceiling or '':>8}")
    passed = [one.name for one in commands if one.median / base > CEILINGS.get(one.name, float("inf"))]
    if options.check and passed:
        sys.exit(f"too slow: {', '.join(passed)}")


if __name__ == "__main__":
    main()
