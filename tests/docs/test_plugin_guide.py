"""The plugin guides: their files are written to a folder as they stand, and their tests are run there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "plugins"
GUIDES = {path.name: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.md"))}
#: Guide -> its plugin, and a change after which its test must fail.
BROKEN = {
    "README.md": ("nexus_mattermost.py", "Done: ", "Gone: "),
    "task-formats.md": ("nexus_csv.py", 'title=row["title"]', 'title=row["key"]'),
    "estimator.md": ("nexus_judge.py", 'reasoning=said["why"]', 'reasoning=""'),
}


def files(guide):
    """The files that a guide shows, by name."""
    return dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)^```", GUIDES[guide], re.MULTILINE | re.DOTALL))


def test_no_guide_is_left_out():
    """A new one is run, too."""
    assert set(BROKEN) == set(GUIDES)


@pytest.mark.parametrize("guide", BROKEN)
def test_the_plugin_of_a_guide_works_and_its_test_can_fail(guide, tmp_path):
    """The test passes as it stands, and fails when the plugin says something else."""
    name, right, wrong = BROKEN[guide]
    for file, text in files(guide).items():
        (tmp_path / file).write_text(text)
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)
    ]  # fmt: skip
    passing = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    plugin = tmp_path / name
    plugin.write_text(plugin.read_text().replace(right, wrong))
    failing = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    assert passing.returncode == 0, passing.stdout
    assert failing.returncode == 1, failing.stdout


def test_the_plugin_is_as_small_as_it_says():
    """30 lines; its test in ten."""
    lines = {
        name: len([line for line in text.splitlines() if line.strip()]) for name, text in files("README.md").items()
    }

    assert lines["nexus_mattermost.py"] <= 30
    assert lines["test_mattermost.py"] <= 10


@pytest.mark.parametrize("guide", GUIDES)
def test_the_examples_of_a_guide_are_python(guide):
    """Also those that are no files: they compile, and use names that nexus_core has."""
    import nexus_core

    for block in re.findall(r"```python\n(.*?)^```", GUIDES[guide], re.MULTILINE | re.DOTALL):
        compile(block, "guide", "exec")
        for name in re.findall(r"nexus_core\.(\w+)", block):
            assert name == "testing" or hasattr(nexus_core, name), name
