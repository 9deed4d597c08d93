"""Plugins at assembly: collected once, checked, refused with the names of those who are to blame."""

import sys
from types import SimpleNamespace

import attrs
import pytest

from nexus_core.config import Config
from nexus_core.domain.events import TaskMoved
from nexus_core.errors import ConfigurationError, PluginError
from nexus_core.nexus import Nexus
from nexus_core.plugins.discovery import entry_points
from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.manager import Plugins
from nexus_core.plugins.records import EventHandler, HealthCheck, PluginSettings, Setting
from nexus_core.testing import nexus_for_test


@attrs.frozen
class Settings:
    """One of each kind."""

    url: str
    channel: str = "town-square"
    retries: int = 3
    loud: bool = False
    people: tuple[str, ...] = ()


class Chat:
    """A plugin with settings and a handler."""

    NEXUS_NAME = "chat"

    @hookimpl
    def nexus_event_handlers(self):
        """One."""
        yield EventHandler(name="chat.hear", on=TaskMoved, call=lambda event, ctx: None)

    @hookimpl
    def nexus_settings(self):
        """The table [plugins.chat]."""
        settings = (Setting(key="url", env="CHAT_URL", doc="Where"), Setting(key="loud", env="CHAT_LOUD", doc="Loud"),
                    Setting(key="people", env="CHAT_PEOPLE", doc="Who"))  # fmt: skip
        yield PluginSettings(name="chat", cls=Settings, settings=settings)


def collect(*plugins, **given):
    found = Plugins(**given)
    for place, plugin in enumerate(plugins):
        found.register(plugin, f"plugin{place}", distribution=f"dist-{place}", version="1.0")
    found.collect()
    return found


def test_records_are_collected_with_their_owner():
    """By name; each record knows who yielded it."""
    plugins = collect(Chat())
    record = plugins.event_handlers["chat.hear"]

    assert "plugin0" == plugins.owner(record)
    assert (record,) == plugins.handlers_for("task.moved")
    assert () == plugins.handlers_for("task.created")


def test_two_records_of_one_name_are_refused_naming_both():
    """Nobody silently wins."""
    with pytest.raises(PluginError, match=r"named chat\.hear: from dist-0 1\.0 and from dist-1 1\.0"):
        collect(Chat(), Chat())


def test_an_unknown_hook_is_refused():
    """A misspelt hook would otherwise never be called, and nobody would know why."""

    class Typo:
        """Misspelt."""

        @hookimpl
        def nexus_event_handler(self):
            """There is no such hook."""

    with pytest.raises(PluginError, match="nexus_event_handler"):
        collect(Typo())


def test_two_plugins_of_one_name_are_refused():
    """Their settings would be one table."""
    plugins = Plugins()
    plugins.register(SimpleNamespace(), "chat", distribution="one")

    with pytest.raises(PluginError, match="two plugins are named chat: one and two"):
        plugins.register(SimpleNamespace(), "chat", distribution="two")


def test_settings_come_from_the_file_then_from_the_environment():
    """The environment wins; texts become what the class asks for."""
    plugins = Plugins(
        tables={"chat": {"url": "file", "retries": 5}},
        environ={"CHAT_URL": "env", "CHAT_LOUD": "yes", "CHAT_PEOPLE": "ada, bob,"},
    )
    plugins.register(Chat(), "chat")
    plugins.collect()

    assert Settings(url="env", retries=5, loud=True, people=("ada", "bob")) == plugins.settings("chat", Settings)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"url": 3}, r"plugins\.chat\.url \(the file\): expected str"),
        ({"url": "x", "retries": "many"}, r"plugins\.chat\.retries .*expected int"),
        ({"url": "x", "colour": "red"}, r"plugins\.chat\.colour .*no such setting; expected one of url, channel"),
        ({}, r"plugins\.chat: .*url"),
    ],
)
def test_settings_that_do_not_fit_are_refused(table, said):
    """With plugin, key, origin and what is expected."""
    plugins = Plugins(tables={"chat": table})
    plugins.register(Chat(), "chat")
    plugins.collect()

    with pytest.raises(ConfigurationError, match=said):
        plugins.check_settings()


def test_a_hub_does_not_open_on_settings_that_do_not_fit(tmp_path):
    """It is said at start, not when the first event comes."""
    config = Config(values={"data_dir": str(tmp_path)}, plugins={"chat": {"retries": "many"}})

    with pytest.raises(ConfigurationError, match="retries"):
        Nexus.open(config, plugins=[Chat()], load_plugins=False)


def test_a_secret_is_not_shown_in_a_fault():
    """Errors end in logs."""
    plugins = Plugins(tables={"chat": {"url": ["s3cret"]}})
    plugins.register(Chat(), "chat")
    plugins.collect()

    with pytest.raises(ConfigurationError) as caught:
        plugins.check_settings()
    assert "s3cret" not in str(caught.value)


def test_the_cores_own_records_come_through_the_same_hooks(nexus):
    """Built-ins have no door that others lack."""
    info = {one.name: one for one in nexus.plugins.info()}

    assert ("core.dispatch", "core.documents", "core.connect", "core.alerts") == info["core"].records[
        "nexus_event_handlers"
    ]
    assert ("taskmaster", "jsonl") == info["core"].records["nexus_task_formats"]


def test_a_health_check_that_breaks_is_a_finding(clock):
    """Not a failure of the doctor."""

    class Sick:
        """Breaks."""

        NEXUS_NAME = "sick"

        @hookimpl
        def nexus_health_checks(self):
            """One that breaks, one that finds something, one that is content."""
            yield HealthCheck(name="sick.broken", check=lambda ctx: 1 / 0)
            yield HealthCheck(name="sick.wrong", check=lambda ctx: "no token")
            yield HealthCheck(name="sick.fine", check=lambda ctx: None, summary="all is well")

    with nexus_for_test(Sick(), clock=clock) as nexus:
        found = {finding.name: (finding.ok, finding.message) for finding in nexus.health.check()}

    assert (False, "the check itself failed: division by zero") == found["sick.broken"]
    assert (False, "no token") == found["sick.wrong"]
    assert (True, "all is well") == found["sick.fine"]
    assert found["database"][0]


# Installed plugins ----------------------------------------------------------------------------------------------------


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Puts a distribution with one plugin on the path."""

    def install(name, source, distribution="nexus-thing", version="1.2"):
        module = f"installed_{name}"
        (tmp_path / f"{module}.py").write_text(source)
        folder = tmp_path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Name: {distribution}\nVersion: {version}\n")
        (folder / "entry_points.txt").write_text(
            f"[console_scripts]\nx = y:z\n\n[nexus]\n# a comment\n{name} = {module}\n\n[other]\nno = no\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, module, raising=False)

    return install


HOOKS = """
import nexus_core

@nexus_core.hookimpl
def nexus_health_checks():
    yield nexus_core.HealthCheck(name="thing.check", check=lambda ctx: None)
"""


def test_installed_plugins_are_found_by_their_entry_points(install, tmp_path):
    """With distribution and version; other groups are other people's."""
    install("thing", HOOKS)

    assert [("thing", "installed_thing", "nexus-thing", "1.2")] == [tuple(one) for one in entry_points([str(tmp_path)])]


def test_installed_plugins_are_loaded(install, tmp_path):
    """Without being named anywhere."""
    install("thing", HOOKS)
    with Nexus.open(Config(values={"data_dir": str(tmp_path / "data")})) as nexus:
        assert "thing.check" in nexus.plugins.health_checks


def test_a_plugin_that_cannot_be_imported_stops_the_start_unless_optional(install, tmp_path):
    """The message says what to do."""
    install("thing", "import there_is_no_such_module")
    data = {"data_dir": str(tmp_path / "data")}

    with pytest.raises(PluginError, match=r"thing \(nexus-thing\) cannot be imported.*plugins\.thing\.optional = true"):
        Nexus.open(Config(values=data))
    Nexus.open(Config(values=data, plugins={"thing": {"optional": True}})).close()


def test_folders_that_are_no_distributions_are_passed_over(tmp_path):
    """A path may hold anything."""
    (tmp_path / "broken-1.0.dist-info").mkdir()
    (tmp_path / "broken-1.0.dist-info" / "entry_points.txt").write_bytes(b"\xff\xfe[nexus]\nx = y")
    (tmp_path / "file.txt").write_text("")

    assert [] == entry_points([str(tmp_path), str(tmp_path / "gone"), str(tmp_path / "file.txt")])
