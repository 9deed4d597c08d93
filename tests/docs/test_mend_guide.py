"""The guide to mending tasks: its commands are run on its file, and print what it shows."""

import os
import re
import shlex
import subprocess
from pathlib import Path

from nexus_cli.main import main

GUIDE = (Path(__file__).parents[2] / "docs" / "how-to" / "mend-tasks.md").read_text("utf-8")

MENDED = {'"undefined"': '"1"', "[2, 12]": "[]", 'errors", "status": "pending"': 'errors", "status": "done"'}


def steps():
    """Each block of commands with the output that is shown behind it, or nothing."""
    found = re.findall(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", GUIDE, re.MULTILINE | re.DOTALL)
    return [(commands.splitlines(), shown) for commands, shown in found]


def run(line, capsys):
    """What a command prints; nothing for those of others."""
    words = shlex.split(line)
    if words[0] != "nexus":
        return ""
    capsys.readouterr()

    assert 0 == main(words[1:])
    return capsys.readouterr().out


def test_the_guide_shows_what_its_commands_print(tmp_path, monkeypatch, capsys):
    """From the import to the export, after which the file differs in what was mended alone."""
    [file] = re.findall(r"^```json\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    for name in [name for name in os.environ if name.startswith("NEXUS_")]:
        monkeypatch.delenv(name)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)  # files are named from the checkout they lie in
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEXUS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("NO_COLOR", "1")
    (tmp_path / "tasks.json").write_text(file)
    printed = [("".join(run(line, capsys) for line in lines), shown) for lines, shown in steps()]

    for output, shown in printed:
        assert shown in ("", output)
    mended = (
        ('"undefined"', '"1"'),
        ("[2, 12]", "[]"),
        ('"pending", "dependencies": [1]', '"done", "dependencies": [1]'),
    )
    for before, after in mended:
        file = file.replace(before, after)
    assert file == (tmp_path / "tasks.json").read_text()
    assert 3 == len([shown for _, shown in printed if shown])
