"""What people read is true: links lead somewhere, commands exist, the README says what it must."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from nexus_cli.main import main
from nexus_cli.table import COMMANDS

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "packages/*/README.md")
    for path in ROOT.glob(pattern)
    if "node_modules" not in path.parts
)
README = (ROOT / "README.md").read_text("utf-8")
TEST_COMMAND = "python3 -m pip install uv && uv run nox"
DEMO_COMMAND = "python3 -m pip install uv && uv run nexus demo"


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def anchors(path):
    """What GitHub makes of a document's headings."""
    headings = re.findall(r"^#+ (.*)", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document):
    """To a file that is there, and to a heading that it has."""
    text = re.sub(r"```.*?```", "", document.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document

        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


def commands():
    """Every `nexus …` line of every guide, with where it stands."""
    for document in DOCUMENTS:
        if document.parent.name == "reference":
            continue
        for block in blocks(document.read_text("utf-8"), "sh"):
            for line in block.splitlines():
                words = shlex.split(line.replace("…", ""), comments=True)
                if "nexus" in words and words[0] in ("nexus", "uv", "python3"):
                    yield pytest.param(words[words.index("nexus") + 1 :], id=f"{document.name}: {line.strip()[:60]}")


@pytest.mark.parametrize("words", list(commands()))
def test_a_command_that_people_are_told_to_type_exists(words, capsys, monkeypatch, tmp_path):
    """With the options that it is shown with."""
    monkeypatch.setenv("NEXUS_DATA_DIR", str(tmp_path))
    entry = COMMANDS[words[0]]
    path = words[: 2 if entry.children and len(words) > 1 else 1]
    code = main([*path, "--help"])
    printed = capsys.readouterr().out

    assert code == 0
    for option in (word.partition("=")[0] for word in words if word.startswith("--")):
        assert option in printed


# The README -----------------------------------------------------------------------------------------------------------


def test_the_first_three_lines_say_what_it_is_for():
    """A reader who goes on after them knows."""
    first = [line for line in README.splitlines() if line and not line.startswith("#")][:3]

    assert all(word in " ".join(first) for word in ("tasks", "repositories", "agents", "ready", "GitHub", "Slack"))


def test_the_two_commands_stand_in_the_readme_and_guard_the_main_branch():
    """`.ci/run` runs the one for tests as it is written."""
    shown = "".join(blocks(README, "sh"))

    assert f"{DEMO_COMMAND}\n" in shown
    assert f"{TEST_COMMAND}\n" in shown
    assert TEST_COMMAND in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_script_of_the_readme_prints_what_the_readme_says(tmp_path):
    """Ten lines, run as they stand."""
    [script], output = blocks(README, "python"), blocks(README, "text")[-1]
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert output == run.stdout
    assert len([line for line in script.splitlines() if line]) <= 10


def test_every_decision_is_in_the_list():
    """And numbered without gaps."""
    folder = ROOT / "docs" / "decisions"
    pages = sorted(path.name for path in folder.glob("0*.md"))
    listed = re.findall(r"\]\((0\d{3}-[\w-]+\.md)\)", (folder / "README.md").read_text("utf-8"))

    assert pages == listed
    assert list(range(1, len(pages) + 1)) == [int(name[:4]) for name in pages]


def test_every_distribution_is_in_the_map_and_in_the_changelog():
    """A newcomer finds each room."""
    names = {path.parent.name for path in ROOT.glob("packages/*/pyproject.toml")}
    changelog, map_ = (ROOT / "CHANGELOG.md").read_text(), (ROOT / "CONTRIBUTING.md").read_text()

    assert {name for name in names if f"**{name}**" in changelog} == names
    assert all(name.removeprefix("nexus-plugin-") in map_ for name in names)
