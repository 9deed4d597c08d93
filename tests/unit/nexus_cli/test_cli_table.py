"""The table of commands against what is there."""

import os

import pytest
from click.testing import CliRunner

from nexus_cli import extensions
from nexus_cli.lazy import load
from nexus_cli.main import root
from nexus_cli.table import COMMANDS

YIELDED = {name: entry for name, entry in COMMANDS.items() if entry.distribution}


def _leaves(entries, above=()):
    """The path of every command that is no group, however deep it lies."""
    for name, entry in entries.items():
        path = (*above, name)
        if entry.home and not entry.children:
            yield path
        yield from _leaves(entry.children, path)


OWN = [*_leaves(COMMANDS)]


def of_path(path):
    """The entry and the command of a path."""
    entry = COMMANDS[path[0]]
    for name in path[1:]:
        entry = entry.children[name]
    return entry, load(path[-1], entry)


@pytest.mark.parametrize("path", OWN, ids=" ".join)
def test_every_command_loads_and_explains_itself(path):
    """It has its name, a help, an example that names it, and --json."""
    _, command = of_path(path)
    shown = CliRunner().invoke(command, ["--help"]).output

    assert path[-1] == command.name
    assert command.help and "--json" in shown
    assert (
        f"nexus {' '.join(path if path[-1] != 'list' or len(path) == 1 else path[:1])}"
        in shown.partition("Example:")[2]
    )


def test_the_table_holds_what_the_hooks_of_our_packages_yield():
    """Every command that a first-party package yields stands in the table with its summary, and no other."""
    plugins = extensions.collect(_config())
    ours = {
        name: (entry.summary, plugins.owner(plugins.commands[name]))
        for name, entry in YIELDED.items()
        if name in plugins.commands
    }
    yielded = {
        name: (record.summary, plugins.owner(record))
        for name, record in plugins.commands.items()
        if _distribution(plugins, record) in extensions.OURS
    }

    assert yielded == ours


def _config():
    from nexus_core.config import load_config

    return load_config(environ=os.environ)


def _distribution(plugins, record):
    owner = plugins.owner(record)
    return next(info.distribution for info in plugins.info() if info.name == owner)


def test_the_help_lists_every_command_with_its_summary():
    """Nothing is hidden."""
    shown = CliRunner().invoke(root, ["--help"]).output

    assert all(f"{name} " in shown and entry.summary in shown for name, entry in COMMANDS.items())


def test_an_unknown_command_is_bad_usage_with_a_guess(nexus):
    """A slip of the keyboard is answered."""
    ran = nexus("task", "nxt")

    assert 2 == ran.code
    assert "there is no command 'nxt'. Did you mean next?" in ran.err


def test_names_of_commands_and_options_complete(monkeypatch):
    """The shell's completion works, without importing what it names."""
    from click.shell_completion import BashComplete

    complete = BashComplete(root, {}, "nexus", "_NEXUS_COMPLETE")
    names = [item.value for item in complete.get_completions(["task"], "ex")]
    options = [item.value for item in complete.get_completions(["task", "next"], "--max")]
    choices = [item.value for item in complete.get_completions(["task", "status", "3"], "re")]

    assert (["export"], ["--max-complexity"], ["review"]) == (names, options, choices)


def test_a_group_with_a_default_runs_it(nexus):
    """`nexus jobs` lists, with the options of the list."""
    assert [] == nexus("jobs", "--state", "dead", "--json").document["items"]
