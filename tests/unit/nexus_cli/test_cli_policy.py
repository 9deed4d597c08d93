"""`nexus repo policy check`, as a CI job runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def _run(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nexus_cli", "repo", "policy", "check", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_valid_file_ends_with_0(tmp_path: Path) -> None:
    """The answer is one document, with what the policy says."""
    file = tmp_path / ".nexus.toml"
    file.write_text('issues = "all"\nclaim_time = "45m"\n')
    done = _run(str(file), "--json")
    told = json.loads(done.stdout)

    assert 0 == done.returncode
    assert (True, "all", 2700.0) == (told["valid"], told["policy"]["issues"], told["policy"]["claim_time"])


def test_faults_end_with_2_and_their_lines(tmp_path: Path) -> None:
    """People and programs read the file, the line and what to write; nobody sees a traceback."""
    file = tmp_path / ".nexus.toml"
    file.write_text('# ours\nclaim_time = "soon"\nisues = "all"\n')
    said, told = _run(str(file)), _run(str(file), "--json")

    assert (2, 2) == (said.returncode, told.returncode)
    assert f"{file}:2" in said.stderr and f"{file}:3" in said.stderr and "Traceback" not in said.stderr
    assert f"{file}:3" in told.stdout + told.stderr


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is bad input."""
    done = _run(str(tmp_path / "none.toml"))

    assert 2 == done.returncode
    assert "none.toml: cannot be read" in done.stderr
