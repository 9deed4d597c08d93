"""The configuration: a file, then the environment, then flags. Every fault is reported at once, with its place."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs

from .domain.agents import Agent
from .errors import ConfigurationError, Fault
from .location import config_file, default_data_dir
from .settings_table import CORE_SETTINGS

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(value: str | int | float) -> timedelta:
    """A length of time such as `45m`, `30s` or `1h30m`; a bare number means seconds.

    >>> parse_duration("1h30m")
    datetime.timedelta(seconds=5400)

    :raises ValueError: it is none
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        value = f"{value}s"
    text = value if isinstance(value, str) else ""
    parts = _DURATION.findall(text)
    if not parts or _DURATION.sub("", text).strip():
        raise ValueError("expected a length of time such as 30s, 45m or 1h30m")
    try:
        return sum((timedelta(**{_UNITS[unit]: float(number)}) for number, unit in parts), timedelta())
    except OverflowError:
        raise ValueError("expected a length of time that somebody could wait") from None


def _flag(value: Any) -> bool:
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
        "": False,
    }
    if isinstance(value, bool):
        return value
    if str(value).strip().lower() not in words:
        raise ValueError("expected true or false")
    return words[str(value).strip().lower()]


def _number(value: Any) -> int:
    try:
        number = int(str(value))
    except ValueError:
        raise ValueError("expected a whole number") from None
    if number < 1:
        raise ValueError("expected 1 or more")
    return number


def _list(value: Any) -> tuple[str, ...]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise ValueError("expected a list of texts")
    return tuple(item.strip() for item in items if item.strip())


def _networks(value: Any) -> tuple[str, ...]:
    items = _list(value)
    if items:
        from ipaddress import ip_network  # hardly anybody sets any, and every command reads the configuration

        try:
            return tuple(str(ip_network(item, strict=False)) for item in items)
        except ValueError as error:
            raise ValueError(f"expected addresses or networks such as 10.0.0.0/8: {error}") from None
    return items


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("expected a text")
    return value


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "text": _text, "flag": _flag, "number": _number, "duration": parse_duration, "list": _list,
    "networks": _networks,
}  # fmt: skip


@attrs.frozen(kw_only=True)
class Config:
    """The effective configuration."""

    values: Mapping[str, Any] = attrs.field(factory=dict)  #: by dotted key, parsed
    origins: Mapping[str, str] = attrs.field(factory=dict)  #: where each value came from
    agents: Mapping[str, Agent] = attrs.field(factory=dict)
    plugins: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)  #: raw tables `[plugins.<name>]`
    environ: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    file: Path | None = None

    def __getitem__(self, key: str) -> Any:
        """The value of a dotted key; defaults are filled in."""
        if key in self.values:
            return self.values[key]
        setting = next((setting for setting in CORE_SETTINGS if setting.key == key), None)
        if setting is None:
            raise KeyError(key)
        return None if setting.default is None else _PARSERS[setting.kind](setting.default)

    @property
    def data_dir(self) -> Path:
        """Where everything local is kept."""
        return (
            Path(self["data_dir"]).expanduser().absolute()
            if self["data_dir"]
            else default_data_dir(self.environ or os.environ)
        )

    @property
    def database_url(self) -> str:
        """The database in use."""
        return self["database_url"] or f"sqlite:///{self.data_dir / 'nexus.db'}"

    @property
    def is_sqlite(self) -> bool:
        """Whether the embedded store is used."""
        return self.database_url.startswith("sqlite:")

    @property
    def auto_migrate(self) -> bool:
        """Whether opening brings the schema up to date."""
        configured = self["auto_migrate"]
        return self.is_sqlite if configured is None else bool(configured)

    @property
    def public_url(self) -> str:
        """How people reach the server."""
        return str(self["public_url"] or f"http://{self['bind']}").rstrip("/")

    @property
    def key_prefix(self) -> str:
        """The letters before a task's number."""
        return str(self["key_prefix"])

    def replace(self, **values: Any) -> Config:
        """The same configuration with some values set by flags; dots in keys are written as `__`."""
        named = {key.replace("__", "."): value for key, value in values.items() if value is not None}
        return attrs.evolve(
            self, values={**self.values, **named}, origins={**self.origins, **dict.fromkeys(named, "a flag")}
        )


def load_config(path: str | None = None, environ: Mapping[str, str] = os.environ) -> Config:
    """Read the file and the environment.

    :raises ConfigurationError: with every fault: file, key, what is expected
    """
    faults: list[Fault] = []
    file = config_file(path, environ)
    document = _read(file) if file else {}
    values, origins = _core_values(document, file, environ, faults)
    agents = _agents(document.get("agents", {}), file, faults)
    plugins = document.get("plugins", {})
    if not isinstance(plugins, dict) or not all(isinstance(table, dict) for table in plugins.values()):
        faults.append(Fault(f"{file}: plugins", "expected tables [plugins.<name>]"))
    if faults:
        lines = "; ".join(f"{fault.pointer}: {fault.message}" for fault in faults)
        raise ConfigurationError(f"the configuration is not valid: {lines}", faults=tuple(faults))
    return Config(values=values, origins=origins, agents=agents, plugins=plugins, environ=dict(environ), file=file)


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: is not valid TOML: {error}") from None


def _flatten(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _core_values(
    document: Mapping[str, Any], file: Path | None, environ: Mapping[str, str], faults: list[Fault]
) -> tuple[dict[str, Any], dict[str, str]]:
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    known = {setting.key: setting for setting in CORE_SETTINGS}
    flat = _flatten({key: value for key, value in document.items() if key not in ("agents", "plugins")})
    given = [(key, value, f"{file}") for key, value in flat.items()]
    given += [
        (setting.key, environ[setting.env], f"${setting.env}")
        for setting in CORE_SETTINGS
        if setting.env and environ.get(setting.env)
    ]
    for key, value, origin in given:
        where = origin if origin.startswith("$") else f"{origin}: {key}"
        if key not in known:
            faults.append(Fault(where, "there is no such setting"))
            continue
        try:
            values[key] = _PARSERS[known[key].kind](value)
            origins[key] = origin
        except ValueError as error:
            faults.append(Fault(where, str(error)))
    bootstrap = values.get("bootstrap_admin_key")
    if bootstrap is not None and len(bootstrap) < 32:
        faults.append(Fault(origins["bootstrap_admin_key"], "expected 32 characters or more"))
    return values, origins


_AGENT_FIELDS: dict[str, Callable[[Any], Any]] = {
    "preset": _text, "command": _list, "runner": _text, "skills": lambda value: frozenset(_list(value)),
    "max_complexity": _number, "concurrency": _number, "timeout": parse_duration, "lease": parse_duration,
    "env": _list, "repositories": lambda value: frozenset(_list(value)),
}  # fmt: skip


def _agents(tables: Any, file: Path | None, faults: list[Fault]) -> dict[str, Agent]:
    agents: dict[str, Agent] = {}
    if not isinstance(tables, dict):
        faults.append(Fault(f"{file}: agents", "expected tables [agents.<name>]"))
        return agents
    for name, table in tables.items():
        fields: dict[str, Any] = {}
        for key, value in table.items() if isinstance(table, dict) else ():
            if key not in _AGENT_FIELDS:
                faults.append(Fault(f"{file}: agents.{name}.{key}", f"expected one of {', '.join(_AGENT_FIELDS)}"))
                continue
            try:
                fields[key] = _AGENT_FIELDS[key](value)
            except ValueError as error:
                faults.append(Fault(f"{file}: agents.{name}.{key}", str(error)))
        agents[name] = Agent(name=name, **fields)
    return agents
