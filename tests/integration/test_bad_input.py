"""What goes wrong on a user's machine: one clear line, and the exit code of the contract."""

import json
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import hubs
import pytest


def one_line(run: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in run.stdout + run.stderr
    lines = [line for line in run.stderr.splitlines() if line.strip()]
    assert 1 == len(lines), run.stderr
    return lines[0]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """Importing a file that is not there names it, and ends with 2."""
    run = hubs.nexus(hubs.environment(tmp_path), "task", "import", "nowhere/tasks.json", "--repo", "acme/api")

    assert 2 == run.returncode
    assert "nowhere/tasks.json" in one_line(run)


def test_a_broken_file_names_its_line(tmp_path: Path) -> None:
    """A file that is not JSON is refused whole, with the line; nothing was changed."""
    (tmp_path / "tasks.json").write_text('{"tasks": [\n  {"id": 1,, "title": "x"}\n]}')
    environ = hubs.environment(tmp_path)
    run = hubs.nexus(environ, "task", "import", str(tmp_path / "tasks.json"), "--repo", "acme/api")

    assert 2 == run.returncode
    assert "line 2" in one_line(run)
    assert [] == json.loads(hubs.nexus(environ, "repo", "list", "--json").stdout)["items"]


def test_an_unknown_repository_is_not_found(tmp_path: Path) -> None:
    """A repository that nobody added ends with 3."""
    run = hubs.nexus(hubs.environment(tmp_path), "task", "export", "--repo", "acme/nothing")

    assert 3 == run.returncode
    assert "acme/nothing" in one_line(run)


@pytest.mark.parametrize(
    "url", ["postgresql://nobody:hidden-word@127.0.0.1:1/none", "sqlite:////proc/nowhere/nexus.db"]
)
def test_a_database_that_cannot_be_reached_is_said_so(tmp_path: Path, url: str) -> None:
    """An unreachable database ends with 75, without the password."""
    run = hubs.nexus(hubs.environment(tmp_path, NEXUS_DATABASE_URL=url), "task", "next")

    assert 75 == run.returncode, run.stderr
    assert "hidden-word" not in one_line(run)


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    """Serving on a port that somebody has says which."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        run = hubs.nexus(hubs.environment(tmp_path, NEXUS_BIND=bind), "serve")

    assert 75 == run.returncode, run.stderr
    assert bind.split(":")[1] in run.stderr
    assert "Traceback" not in run.stderr


def test_a_second_hub_on_one_folder_is_refused(tmp_path: Path) -> None:
    """A data folder has one hub; the second is told where the first is, and ends with 4."""
    environ = hubs.environment(tmp_path)
    with hubs.running_hub(environ, tmp_path) as hub:
        run = hubs.nexus(environ, "up")

        assert 4 == run.returncode, run.stderr
        assert hub.url in run.stderr


def test_what_a_killed_hub_left_is_no_obstacle(tmp_path: Path) -> None:
    """After kill -9 the address file and the lock are stale: commands work, and the hub starts again."""
    environ = hubs.environment(tmp_path)
    with hubs.running_hub(environ, tmp_path) as hub:
        hub.kill()
    run = hubs.nexus(environ, "task", "add", "Written without a hub", "--json")
    with hubs.running_hub(environ, tmp_path) as again:
        status, found = again.request("GET", "/tasks")

    assert 0 == run.returncode, run.stderr
    assert (200, ["Written without a hub"]) == (status, [task["title"] for task in found["items"]])


def test_data_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    """A schema that this version does not know is refused, and not touched."""
    environ = hubs.environment(tmp_path)
    hubs.nexus(environ, "task", "add", "Something")
    with sqlite3.connect(tmp_path / "data" / "nexus.db") as connection:
        connection.execute("INSERT INTO schema_migrations VALUES ('9999_later.sql', 'x')")
    connection.close()
    run = hubs.nexus(environ, "task", "next")

    assert run.returncode in (1, 2), run.stderr
    assert "newer" in one_line(run)


def test_every_fault_of_the_configuration_is_said_at_once(tmp_path: Path) -> None:
    """A configuration with three faults names the three, with file and key."""
    file = tmp_path / "nexus.toml"
    file.write_text('bnid = "x"\n[worker]\nlease = "soon"\n[agents.claude]\nconcurrency = 0\n')
    run = hubs.nexus(hubs.environment(tmp_path, NEXUS_CONFIG=str(file)), "task", "next")

    assert 2 == run.returncode
    assert ["bnid", "worker.lease", "agents.claude.concurrency"] == [
        key for key in ("bnid", "worker.lease", "agents.claude.concurrency") if key in run.stderr
    ]


def test_python_dash_m_shows_no_traceback_for_a_typo(tmp_path: Path) -> None:
    """An unknown command is a usage error."""
    run = subprocess.run(
        [sys.executable, "-m", "nexus_cli", "tsak", "next"],
        env=hubs.environment(tmp_path),
        capture_output=True,
        text=True,
    )

    assert 2 == run.returncode
    assert "Traceback" not in run.stderr
