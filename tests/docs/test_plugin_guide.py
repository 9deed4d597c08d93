"""The plugin guide: its files are written to a folder as they stand, and its test is run there."""

import re
import subprocess
import sys
from pathlib import Path

GUIDE = (Path(__file__).parents[2] / "docs" / "plugins" / "README.md").read_text("utf-8")


def files():
    """The files that the guide shows, by name."""
    return dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL))


def test_the_plugin_of_the_guide_works_and_its_test_can_fail(tmp_path):
    """The test passes as it stands, and fails when the plugin says something else."""
    for name, text in files().items():
        (tmp_path / name).write_text(text)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    passing = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    plugin = tmp_path / "nexus_mattermost.py"
    plugin.write_text(plugin.read_text().replace("Done: ", "Gone: "))
    failing = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    assert passing.returncode == 0, passing.stdout
    assert failing.returncode == 1, failing.stdout


def test_the_plugin_is_as_small_as_it_says():
    """30 lines; its test in ten."""
    lines = {name: len([line for line in text.splitlines() if line.strip()]) for name, text in files().items()}

    assert lines["nexus_mattermost.py"] <= 30
    assert lines["test_mattermost.py"] <= 10


def test_the_other_examples_of_the_guide_are_python(tmp_path):
    """Those that are no files: they compile, and use names that nexus_core has."""
    import nexus_core

    for block in re.findall(r"(?<!-->\n)```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL):
        compile(block, "guide", "exec")
        for name in re.findall(r"nexus_core\.(\w+)", block):
            assert hasattr(nexus_core, name), name
