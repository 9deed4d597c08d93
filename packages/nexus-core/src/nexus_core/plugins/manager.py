"""The manager: collects the records of every plugin once, typed, and answers for them at run time.

pluggy is used at assembly only. When hooks were called at run time, one raising implementation would end the call and
hide the others; as records each is called alone, timed and retried.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar

import attrs
import pluggy

from ..domain.events import Event
from ..errors import ConfigurationError, Fault, PluginError
from . import hookspecs, records
from .discovery import entry_points

R = TypeVar("R")
S = TypeVar("S")


@attrs.frozen(kw_only=True)
class PluginInfo:
    """A plugin that is installed."""

    name: str
    distribution: str
    version: str
    records: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)  #: hook -> names of its records


@attrs.frozen(kw_only=True)
class Owned:
    """A record with the plugin that yielded it."""

    plugin: str
    record: Any


class Plugins:
    """What the installed plugins yield."""

    def __init__(
        self,
        *,
        tables: Mapping[str, Mapping[str, Any]] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._manager = pluggy.PluginManager("nexus")
        self._manager.add_hookspecs(hookspecs)
        self._tables = tables or {}
        self._environ = environ or {}
        self._distributions: dict[str, tuple[str, str]] = {}
        self._settings: dict[tuple[str, type], Any] = {}
        self._owned: dict[str, dict[str, Owned]] = {}

    # Assembly ---------------------------------------------------------------------------------------------------------

    def register(self, plugin: Any, name: str, *, distribution: str = "", version: str = "") -> None:
        """Add a plugin: a module or an object with hook implementations. :raises PluginError:"""
        if self._manager.has_plugin(name):
            raise PluginError(f"two plugins are named {name}: {self._source(name)} and {distribution or repr(plugin)}")
        self._distributions[name] = (distribution or getattr(plugin, "__name__", name), version)
        try:
            self._manager.register(plugin, name)
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise PluginError(f"the plugin {name} ({self._source(name)}) does not fit: {error}") from None

    def load_entry_points(self) -> None:
        """Add every installed plugin of the entry-point group `nexus`. :raises PluginError: one cannot be imported"""
        for entry in entry_points():
            try:
                module = import_module(entry.module)
            except Exception as error:
                if self._tables.get(entry.name, {}).get("optional") is True:
                    continue
                raise PluginError(
                    f"the plugin {entry.name} ({entry.distribution}) cannot be imported: {error}. Mend or uninstall "
                    f"it, or set plugins.{entry.name}.optional = true"
                ) from error
            self.register(module, entry.name, distribution=entry.distribution, version=entry.version)

    def collect(self) -> None:
        """Call every hook of every plugin, once. :raises PluginError: two records have one name"""
        for hook in (name for name in vars(hookspecs) if name.startswith("nexus_")):
            found: dict[str, Owned] = {}
            for implementation in getattr(self._manager.hook, hook).get_hookimpls():
                for record in implementation.function():
                    self._add(hook, found, Owned(plugin=implementation.plugin_name, record=record))
            self._owned[hook] = found
        self._handlers_for.cache_clear()

    def _add(self, hook: str, found: dict[str, Owned], owned: Owned) -> None:
        name = getattr(owned.record, "name", None) or owned.record.kind
        if name in found:
            raise PluginError(
                f"{hook}: two records are named {name}: "
                f"from {self._source(found[name].plugin)} and from {self._source(owned.plugin)}"
            )
        found[name] = owned

    def _source(self, plugin: str) -> str:
        return " ".join(part for part in self._distributions.get(plugin, (plugin, "")) if part)

    # Run time ---------------------------------------------------------------------------------------------------------

    def _records(self, hook: str, kind: type[R]) -> Mapping[str, R]:
        return {name: owned.record for name, owned in self._owned.get(hook, {}).items()}

    @property
    def event_handlers(self) -> Mapping[str, records.EventHandler]:
        """Handlers of events, by name."""
        return self._records("nexus_event_handlers", records.EventHandler)

    @property
    def delivery_sources(self) -> Mapping[str, records.DeliverySource]:
        """Senders of webhooks, by name."""
        return self._records("nexus_delivery_sources", records.DeliverySource)

    @property
    def job_handlers(self) -> Mapping[str, records.JobHandler]:
        """Handlers of jobs, by kind."""
        return self._records("nexus_job_handlers", records.JobHandler)

    @property
    def agent_runners(self) -> Mapping[str, records.AgentRunnerFactory]:
        """Makers of agent runners, by name."""
        return self._records("nexus_agent_runners", records.AgentRunnerFactory)

    @property
    def policies(self) -> Mapping[str, records.AssignmentPolicy]:
        """Assignment policies, by name."""
        return self._records("nexus_assignment_policies", records.AssignmentPolicy)

    @property
    def estimators(self) -> Mapping[str, records.ComplexityEstimator]:
        """Complexity estimators, by name."""
        return self._records("nexus_complexity_estimators", records.ComplexityEstimator)

    @property
    def formats(self) -> Mapping[str, records.TaskFormat]:
        """Task file formats, by name."""
        return self._records("nexus_task_formats", records.TaskFormat)

    @property
    def renderers(self) -> Mapping[str, records.DocumentRenderer]:
        """Renderers of documents, by name."""
        return self._records("nexus_document_renderers", records.DocumentRenderer)

    @property
    def commands(self) -> Mapping[str, records.Command]:
        """Commands of the CLI, by name."""
        return self._records("nexus_commands", records.Command)

    @property
    def routes(self) -> Mapping[str, records.Route]:
        """Routes of the REST API, by path."""
        return self._records("nexus_routes", records.Route)

    @property
    def transports(self) -> Mapping[str, records.Transport]:
        """Ways to reach the API without a server, by name."""
        return self._records("nexus_transports", records.Transport)

    @property
    def identity_providers(self) -> Mapping[str, records.IdentityProvider]:
        """Places that people come from, by name."""
        return self._records("nexus_identity_providers", records.IdentityProvider)

    @property
    def health_checks(self) -> Mapping[str, records.HealthCheck]:
        """What `nexus doctor` looks at, by name."""
        return self._records("nexus_health_checks", records.HealthCheck)

    @property
    def code_hosts(self) -> Mapping[str, records.CodeHost]:
        """By name."""
        return self._records("nexus_code_hosts", records.CodeHost)

    @property
    def git_credentials(self) -> Mapping[str, records.GitCredentials]:
        """Who Nexus is towards Git hosts, by name."""
        return self._records("nexus_git_credentials", records.GitCredentials)

    @property
    def schedules(self) -> Mapping[str, records.Schedule]:
        """Jobs that come round, by name."""
        return self._records("nexus_schedules", records.Schedule)

    def store_factory(self, scheme: str) -> records.StoreFactory | None:
        """Who opens databases of this scheme."""
        return self._by_scheme("nexus_stores", records.StoreFactory, scheme)

    def wakeup_factory(self, scheme: str) -> records.WakeupFactory | None:
        """Who opens brokers of this scheme."""
        return self._by_scheme("nexus_wakeups", records.WakeupFactory, scheme)

    def _by_scheme(self, hook: str, kind: type[R], scheme: str) -> R | None:
        found = self._records(hook, kind).values()
        return next((record for record in found if scheme in getattr(record, "schemes", ())), None)

    @lru_cache(maxsize=512)  # noqa: B019 - one manager lives as long as its hub
    def _handlers_for(self, event_type: str) -> tuple[records.EventHandler, ...]:
        return tuple(handler for handler in self.event_handlers.values() if _listens(handler, event_type))

    def handlers_for(self, event_type: str) -> tuple[records.EventHandler, ...]:
        """The handlers that an event of this type sets to work."""
        return self._handlers_for(event_type)

    def owner(self, record: Any) -> str:
        """The plugin that yielded a record."""
        for found in self._owned.values():
            for owned in found.values():
                if owned.record is record:
                    return owned.plugin
        raise PluginError(f"no plugin yielded {record!r}")

    def info(self) -> list[PluginInfo]:
        """The installed plugins, with what they yield."""
        return [
            PluginInfo(name=name, distribution=distribution, version=version, records=self._names_of(name))
            for name, (distribution, version) in sorted(self._distributions.items())
        ]

    def _names_of(self, plugin: str) -> dict[str, tuple[str, ...]]:
        names = {
            hook: tuple(name for name, owned in found.items() if owned.plugin == plugin)
            for hook, found in self._owned.items()
        }
        return {hook: found for hook, found in names.items() if found}

    # Settings ---------------------------------------------------------------------------------------------------------

    @property
    def settings_records(self) -> Mapping[str, records.PluginSettings]:
        """The declared settings, by plugin."""
        return self._records("nexus_settings", records.PluginSettings)

    def setting_values(self, plugin: str) -> dict[str, tuple[Any, str]]:
        """Every given value of a plugin's settings with where it came from; the environment wins."""
        given = {key: (value, "the file") for key, value in self._tables.get(plugin, {}).items() if key != "optional"}
        declared = self.settings_records.get(plugin)
        for setting in declared.settings if declared else ():
            if setting.env and self._environ.get(setting.env):
                given[setting.key] = (self._environ[setting.env], f"${setting.env}")
        return given

    def settings(self, plugin: str, cls: type[S]) -> S:
        """A plugin's settings, structured. :raises ConfigurationError: with every fault"""
        if (plugin, cls) not in self._settings:
            self._settings[plugin, cls] = _structure(plugin, cls, self.setting_values(plugin))
        found: S = self._settings[plugin, cls]
        return found

    def check_settings(self) -> None:
        """Structure the settings of every plugin that declared some. :raises ConfigurationError: with every fault"""
        faults: list[Fault] = []
        for name, declared in self.settings_records.items():
            try:
                self.settings(name, declared.cls)
            except ConfigurationError as error:
                faults += error.faults
        if faults:
            lines = "; ".join(f"{fault.pointer}: {fault.message}" for fault in faults)
            raise ConfigurationError(f"the configuration is not valid: {lines}", faults=tuple(faults))


def _listens(handler: records.EventHandler, event_type: str) -> bool:
    wanted: Iterable[Any] = (handler.on,) if isinstance(handler.on, str | type) else handler.on
    return any(fnmatch.fnmatchcase(event_type, pattern) for pattern in _patterns(wanted))


def _patterns(wanted: Iterable[Any]) -> Iterator[str]:
    for one in wanted:
        # The base class stands for every event.
        yield one if isinstance(one, str) else ("*" if one is Event else one.TYPE)


def _structure(plugin: str, cls: Any, given: Mapping[str, tuple[Any, str]]) -> Any:
    import cattrs  # expensive, and needed only where a plugin reads its settings

    fields = {field.name: field for field in attrs.fields(attrs.resolve_types(cls))}
    faults = [
        Fault(
            f"plugins.{plugin}.{key} ({origin})",
            f"there is no such setting; expected one of {', '.join(fields)}",
        )
        for key, (_, origin) in given.items()
        if key not in fields
    ]
    values: dict[str, Any] = {}
    for key, (value, origin) in given.items():
        if key not in fields:
            continue
        try:
            values[key] = _converted(cattrs.structure, value, fields[key].type)
        except Exception as error:
            said = str(error) if isinstance(error, ValueError) else type(error).__name__
            faults.append(Fault(f"plugins.{plugin}.{key} ({origin})", f"expected {_name(fields[key].type)}: {said}"))
    try:
        result = None if faults else cls(**values)
    except Exception as error:
        faults.append(Fault(f"plugins.{plugin}", str(error)))
    if faults:
        lines = "; ".join(f"{fault.pointer}: {fault.message}" for fault in faults)
        raise ConfigurationError(f"the configuration is not valid: {lines}", faults=tuple(faults))
    assert result is not None  # noqa: S101 - there were no faults, so it was made
    return result


def _name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)


def _converted(structure: Any, value: Any, kind: Any) -> Any:
    # The environment has texts only: lists are written with commas, switches as words.
    if isinstance(value, str) and getattr(kind, "__origin__", None) in (tuple, list, set, frozenset):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if kind is bool and isinstance(value, str):
        words = {
            "1": True,
            "true": True,
            "yes": True,
            "on": True,
            "0": False,
            "false": False,
            "no": False,
            "off": False,
        }
        if value.lower() not in words:
            raise ValueError("expected true or false")
        return words[value.lower()]
    if kind is str and not isinstance(value, str):
        raise ValueError("it is not a text")
    return structure(value, kind)


def name_of(plugin: ModuleType | Any) -> str:
    """What a plugin that is given by hand is called."""
    return str(
        getattr(plugin, "NEXUS_NAME", None) or getattr(plugin, "__name__", type(plugin).__name__).removeprefix("nexus_")
    )
