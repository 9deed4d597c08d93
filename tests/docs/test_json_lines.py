"""The page about JSON Lines: its script runs, prints what it says, and its list of fields is the one that is read."""

import re
import subprocess
from pathlib import Path

import pytest

from nexus_cli.main import main
from nexus_core.formats.jsonl_fields import NAMES

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "json-lines.md").read_text("utf-8")
[SCRIPT] = re.findall(r"<!-- file: plan.sh -->\n```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
OUTPUTS = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Run the command over a hub of its own; what it wrote, on both streams."""
    for name, value in {"NEXUS_DATA_DIR": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)  # files are named from the checkout they lie in
    monkeypatch.chdir(tmp_path)

    def nexus(*words):
        main(words)
        printed = capfd.readouterr()
        return printed.out + printed.err

    return nexus


def test_the_script_prints_what_the_page_says(tmp_path, run):
    """Run by sh, imported, listed; and exported again to the byte."""
    (tmp_path / "plan.sh").write_text(SCRIPT)
    lines = subprocess.run(["sh", "plan.sh"], cwd=tmp_path, capture_output=True, check=True).stdout
    (tmp_path / "plan.jsonl").write_bytes(lines)
    told = run("task", "import", "plan.jsonl", "--repo", "acme/api")
    ready = run("task", "ready", "--repo", "acme/api")

    assert OUTPUTS[0] == told + ready
    assert lines.decode() == run("task", "export", "--repo", "acme/api")


def test_the_refusal_reads_as_the_page_shows_it(tmp_path, run):
    """File, line, column, reason."""
    (tmp_path / "plan.jsonl").write_text('{"title": "A"}\n{"title": "Describe it", "status": "opne"}\n')

    assert OUTPUTS[1] == run("task", "import", "plan.jsonl", "--repo", "acme/api")


def test_every_field_that_is_read_is_in_the_list():
    """And none that is not."""
    rows = re.findall(r"^\| (`.+?) \|", PAGE, re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}

    assert listed | {"complexity", "parent_id"} == set(NAMES)
