"""What is installed into an empty environment works there: nexus-core alone, and a stranger's plugin beside it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "packages" / "nexus-core"


def run(*command, cwd, **more):
    """Run a program; its output. What it says when it fails is shown."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("NEXUS_", "PYTHON"))}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=environ, capture_output=True, text=True, timeout=300, **more
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Makes empty environments, with pip and nothing else, and answers their Python."""

    def make(*packages):
        folder = tmp_path_factory.mktemp("environment")
        run(sys.executable, "-m", "venv", folder, cwd=folder)
        python = folder / "bin" / "python"
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages, cwd=folder)
        return python

    return make


@pytest.fixture(scope="module")
def alone(environment):
    """An environment in which nexus-core was installed by plain pip, and nothing beside it."""
    return environment(CORE)


def installed(python, folder):
    listed = json.loads(run(python, "-m", "pip", "list", "--format", "json", cwd=folder))
    return {entry["name"].lower().replace("_", "-") for entry in listed} - {"pip", "setuptools", "wheel"}


def test_nexus_core_brings_nothing_but_what_it_needs(alone, tmp_path):
    """No framework, no broker, no driver."""
    assert {"nexus-core", "attrs", "cattrs", "pluggy", "typing-extensions"} >= installed(alone, tmp_path)


def test_every_module_of_nexus_core_can_be_imported_alone(alone, tmp_path):
    """Also those that are loaded late; the contract suites alone need pytest, and say so."""
    code = (
        "import importlib, pkgutil, nexus_core\n"
        "for info in pkgutil.walk_packages(nexus_core.__path__, 'nexus_core.'):\n"
        "    if not info.name.startswith('nexus_core.testing.contracts'):\n"
        "        importlib.import_module(info.name)\n"
        "for name in nexus_core.__all__:\n"
        "    getattr(nexus_core, name)\n"
    )

    run(alone, "-c", code, cwd=tmp_path)


def test_the_script_of_the_readme_runs_there(alone, tmp_path):
    """And prints what the README says."""
    readme = (ROOT / "README.md").read_text("utf-8")
    [script] = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    output = re.findall(r"^```text\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)[-1]

    assert output == run(alone, "-c", script, cwd=tmp_path)
    assert ["my-hub"] == [path.name for path in tmp_path.iterdir()]


def test_type_checkers_find_the_types_of_what_was_installed(alone, tmp_path):
    """The marker, the stub and the SQL travel with the distribution."""
    folder = Path(run(alone, "-c", "import nexus_core; print(nexus_core.__path__[0])", cwd=tmp_path).strip())

    assert {"py.typed", "__init__.pyi"} <= {path.name for path in folder.iterdir()}
    assert list(folder.glob("storage/sql/*.sql"))


STORE = """
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from nexus_core.storage.sqlite import SqliteEngine
from nexus_core.storage.store import SqlStore


def open_store(url):
    return SqlStore(SqliteEngine(Path(urlsplit(url).path)))
"""
LYING = """
class Lying(SqlStore):
    @contextmanager
    def writing(self):
        error = None
        with super().writing() as transaction:
            try:
                yield transaction
            except Exception as raised:
                error = raised  # and what was written so far is kept
        if error:
            raise error
"""


def pytest_of(python, folder):
    """What pytest prints of the tests in a folder, whether they pass or not."""
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}", "-c", "/dev/null", folder]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300).stdout


def test_the_contract_of_stores_is_run_by_a_stranger_in_five_lines(environment, tmp_path):
    """Those of the guide, from a folder of their own, with nexus-core and pytest alone; a store that lies is found."""
    guide = (ROOT / "docs" / "plugins" / "README.md").read_text("utf-8")
    [lines] = [block for block in re.findall(r"^```python\n(.*?)^```", guide, re.M | re.S) if "StoreContract" in block]
    python = environment(CORE, "pytest")
    (tmp_path / "test_my_store.py").write_text(lines)
    store = tmp_path / "my_store.py"
    store.write_text(STORE)
    whole = pytest_of(python, tmp_path)
    store.write_text(STORE.replace("SqlStore(", "Lying(").replace("\n\ndef", LYING + "\n\ndef", 1))
    lying = pytest_of(python, tmp_path)

    assert 5 >= len([line for line in lines.splitlines() if line.strip()])
    assert re.search(r"\b[1-9]\d\d passed", whole) and "failed" not in whole, whole
    assert "test_rollback_on_exception" in lying and re.search(r"\b\d+ failed", lying), lying


PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "stranger"
version = "0.1.0"
dependencies = ["nexus-core"]

[project.entry-points.nexus]
stranger = "stranger"

[tool.hatch.build.targets.wheel]
only-include = ["stranger.py"]
"""

PLUGIN = '''
"""Write a line to a file when a task is done."""

import attrs
import nexus_core


@attrs.frozen
class Settings:
    file: str


def note(event: nexus_core.TaskCompleted, ctx: nexus_core.Context) -> None:
    task = ctx.nexus.tasks.get(event.task_id)
    with open(ctx.settings(Settings).file, "a") as file:
        file.write(f"{ctx.plugin}: {task.title}, {event.payload['reason']}\\\\n")


@nexus_core.hookimpl
def nexus_event_handlers():
    yield nexus_core.EventHandler(name="stranger.note", on=nexus_core.TaskCompleted, call=note)
'''.replace("\\\\n", "\\n")

USE = """
from nexus_core import Nexus

with Nexus.open() as nexus:
    print(*(info.name for info in nexus.plugins.info()))
    task = nexus.tasks.create("Ship it")
    nexus.tasks.move(task.id, "done", reason="at last")
    nexus.jobs.drain()
    print(*(job.state for job in nexus.jobs.list(kind="stranger.note")))
"""


def test_a_strangers_plugin_is_installed_with_pip_and_runs(environment, tmp_path):
    """From a folder outside the workspace, in 30 lines, with nothing of Nexus but nexus-core."""
    stranger, work = tmp_path / "stranger", tmp_path / "work"
    stranger.mkdir()
    work.mkdir()
    (stranger / "pyproject.toml").write_text(PYPROJECT)
    (stranger / "stranger.py").write_text(PLUGIN)
    (work / "nexus.toml").write_text('data_dir = "hub"\n[plugins.stranger]\nfile = "notes.txt"\n')
    python = environment(CORE, stranger)

    assert ["core stranger", "done"] == run(python, "-c", USE, cwd=work).splitlines()
    assert "stranger: Ship it, at last\n" == (work / "notes.txt").read_text()
    assert len(PLUGIN.strip().splitlines()) <= 30
