"""Commands that other packages yield."""

import os
import subprocess
import sys

import pytest

from nexus_cli import extensions

PLUGIN = """\
import click
import nexus_core
from nexus_core.plugins.records import Command

@click.command()
def hello():
    click.echo("hello from a plugin")

@nexus_core.hookimpl
def nexus_commands():
    yield Command(name="hello", summary="Say hello", load=lambda: hello)
"""


def install(folder, name, module_text=None, group="nexus"):
    """A distribution as an installer leaves it."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\nhello = {name.replace('-', '_')}\n")
    if module_text is not None:
        (folder / f"{name.replace('-', '_')}.py").write_text(module_text)


@pytest.fixture
def site(tmp_path):
    """A folder that Python imports from."""
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


def run(site, *arguments):
    """Run the command as a process of its own, with a folder more to import from."""
    environ = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "nexus_cli", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)


def test_a_third_party_with_our_group_is_seen(site):
    """Others, and first parties, are told apart by name; other groups do not count."""
    install(site, "nexus-hello")
    install(site, "nexus-http")
    install(site, "something-else", group="console_scripts")
    found = extensions.look([str(site), str(site / "gone.zip")])

    assert (frozenset({"nexus-http"}), frozenset({"nexus-hello"})) == found


def test_a_third_partys_command_is_offered_and_runs(site):
    """Its summary stands in the help, and it runs by its name."""
    install(site, "nexus-hello", PLUGIN)

    assert "hello    Say hello" in run(site, "--help").stdout
    assert "hello from a plugin\n" == run(site, "hello").stdout


def test_a_broken_plugin_does_not_take_the_help_away(site):
    """The help says what is missing, on standard error."""
    install(site, "nexus-hello", "raise RuntimeError('broken')")
    ran = run(site, "--help")

    assert (0, True) == (ran.returncode, "Tasks: what is there" in ran.stdout)
    assert "commands of plugins are missing here" in ran.stderr


def test_a_command_whose_package_is_not_installed_is_named():
    """It says which package brings it."""
    from nexus_cli.failures import Failure

    with pytest.raises(Failure, match="the command nothing comes with nexus-nothing, which is not installed"):
        extensions.load("nothing", "nexus-nothing", dict(os.environ))
