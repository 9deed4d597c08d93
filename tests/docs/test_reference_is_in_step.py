"""The reference says what is: every hook, error, setting, event and command, made from the code and held to it."""

import importlib.util
from functools import cache
from pathlib import Path

import pytest

from nexus_cli.table import COMMANDS
from nexus_core import errors
from nexus_core.domain.checks.table import CHECKS
from nexus_core.domain.events import EVENT_TYPES
from nexus_core.formats.taskmaster import DOCTOR
from nexus_core.plugins import hookspecs
from nexus_core.services.checkup import FILE_WARNING
from nexus_core.settings_table import CORE_SETTINGS
from nexus_http.routes import all_routes

ROOT = Path(__file__).parents[2]
PAGES = ("hooks.md", "errors.md", "settings.md", "events.md", "findings.md", "commands.md", "http.md")


@cache
def reference():
    """tools/reference.py, which makes the pages."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def page(name):
    return (ROOT / "docs" / "reference" / name).read_text("utf-8")


@cache
def made():
    return reference().pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_reads_as_the_code_has_it(name):
    """When this fails: `uv run nox -s reference`, and look at what it wrote."""
    assert made()[name] == page(name)


@pytest.mark.parametrize("hook", [name for name in vars(hookspecs) if name.startswith("nexus_")])
def test_a_hook_is_documented_with_an_example(hook):
    """A heading of its own, and code that yields its record."""
    assert f"## {hook}\n" in page("hooks.md")
    section = page("hooks.md").split(f"## {hook}\n")[1].split("\n## ")[0]
    assert "    yield " in section


@pytest.mark.parametrize("error", [error.code for error in errors.all_errors() if error.__module__ == errors.__name__])
def test_an_error_code_is_documented(error):
    """With what it means."""
    [row] = [line for line in page("errors.md").splitlines() if line.startswith(f"| `{error}` |")]

    assert len(row.rstrip(" |").rpartition("|")[2].strip()) > 10


@pytest.mark.parametrize("setting", CORE_SETTINGS, ids=lambda setting: setting.key)
def test_a_setting_of_the_core_is_documented(setting):
    """By key, and by variable where it has one."""
    assert f"| `{setting.key}` | {f'`{setting.env}`' if setting.env else '–'} |" in page("settings.md")
    assert setting.doc


def test_every_setting_of_a_plugin_is_documented():
    """What a plugin's class takes it also declares, and what it declares is in the reference."""
    for name, declared in reference().first_party().settings_records.items():
        section = page("settings.md").split(f"### `[plugins.{name}]`")[1].split("\n### ")[0]
        known = {field.name.lstrip("_") for field in declared.cls.__attrs_attrs__ if field.init}

        assert known == {setting.key for setting in declared.settings}, name
        assert all(f"| `{setting.key}` |" in section and setting.doc for setting in declared.settings), name


@pytest.mark.parametrize("kind", sorted(EVENT_TYPES))
def test_an_event_is_documented_with_its_payload(kind):
    """Programs follow the feed by it."""
    [row] = [line for line in page("events.md").splitlines() if line.startswith(f"| `{kind}` |")]

    assert "Payload: " in row


@pytest.mark.parametrize("check", [*CHECKS, *DOCTOR.checks, FILE_WARNING], ids=lambda check: check.code)
def test_a_check_of_the_doctor_is_documented(check):
    """By its code, with each of its mends."""
    [row] = [line for line in page("findings.md").splitlines() if line.startswith(f"| `{check.code}` |")]

    assert all(f"`{mend.name}`" in row for mend in check.mends)


@pytest.mark.parametrize(
    "command", [(name, *child) for name, entry in COMMANDS.items() for child in [(), *((c,) for c in entry.children)]]
)
def test_a_command_is_documented(command):
    """Its help, as it is printed, with what it does."""
    assert f"# nexus {' '.join(command)}\n\n```text\nUsage: nexus {' '.join(command)} " in page("commands.md")


@pytest.mark.parametrize("route", [path for path, _ in all_routes()])
def test_a_route_is_documented(route):
    """With the scope that it asks for."""
    plain = route.replace(":int(min=1, max=9223372036854775807)", "")

    assert f" {plain}` | `" in page("http.md")
