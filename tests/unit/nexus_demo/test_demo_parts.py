"""The parts that the demo is made of."""

import os
import subprocess
import sys
from importlib import resources

import pytest

from nexus_core.formats import taskmaster
from nexus_demo.hub import processes
from nexus_demo.scratch import TASK_FILE, ScratchRepository, git
from nexus_demo.show import Stage, StepFailed


@pytest.mark.parametrize(("name", "layout", "number"), [("acme-api", "tagged", 25), ("acme-web", "flat", 8)])
def test_the_shipped_files_are_of_the_kinds_in_the_wild(name, layout, number):
    """A flat and a tagged file, with subtasks."""
    content = resources.files("nexus_demo").joinpath("data", f"{name}.tasks.json").read_bytes()
    parsed = taskmaster.parse(content)

    assert (layout, number) == (parsed.layout, len(parsed.tasks))


def test_the_shipped_files_have_the_oddities_of_real_ones():
    """Warnings come with them: a dangling dependency, a cancelled one, a defect of Taskmaster's."""
    content = resources.files("nexus_demo").joinpath("data", "acme-api.tasks.json").read_bytes()
    codes = {warning.code for warning in taskmaster.parse(content).warnings}

    assert {"dangling_dependency", "cancelled_dependency", "undefined_parent"} <= codes


def test_a_scratch_repository_is_a_real_one(tmp_path):
    """It has a first commit with the task file, and takes branches."""
    repository = ScratchRepository(tmp_path, "acme/api")
    repository.fill()
    repository.commit({"src/x.py": b"x = 1\n"}, "Add x", branch="mira/x")

    assert "spike-graphql" in repository.file("main", TASK_FILE)
    assert ["main", "mira/x"] == repository.branches()
    assert repository.log("mira/x").endswith("Mira: Add x")


def test_the_agent_commits_on_its_branch(tmp_path):
    """It reads the task from standard input, writes code that holds its own test, and commits it by the task's name."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main", ".")
    git(tmp_path, "config", "user.name", "Ada")
    git(tmp_path, "config", "user.email", "ada@acme.example")
    run = subprocess.run(
        [sys.executable, "-m", "nexus_demo.agent"], cwd=tmp_path, input="You work on NX-12.\nTitle: Greet\n",
        capture_output=True, text=True,
    )  # fmt: skip

    assert 0 == run.returncode, run.stderr
    assert "Implements NX-12." in git(tmp_path, "log", "-1", "--format=%B")


def test_the_failing_agent_fails(tmp_path):
    """With --fail it gives up with a word and an exit code, and leaves nothing."""
    run = subprocess.run(
        [sys.executable, "-m", "nexus_demo.agent", "--fail"], cwd=tmp_path, input="NX-1\nTitle: x\n",
        capture_output=True, text=True,
    )  # fmt: skip

    assert (3, []) == (run.returncode, list(tmp_path.iterdir()))
    assert "cannot go on" in run.stdout


def test_a_step_that_does_not_hold_ends_the_demo():
    """What is not true is no proof."""
    stage = Stage()
    stage.check(True, "the sun rises")
    with pytest.raises(StepFailed, match="the moon is cheese: no"):
        stage.check(False, "the moon is cheese")

    assert ["the sun rises"] == stage.proved


def test_processes_are_listed_with_their_parents():
    """Our own process is among them, with its parent and its command line."""
    mine = [(parent, words) for child, parent, words in processes() if child == os.getpid()]

    assert [os.getppid()] == [parent for parent, _ in mine]
    assert "python" in mine[0][1] or "pytest" in mine[0][1]
