"""`nexus config`: the effective values, and where each came from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..options import command
from ..session import Session

if TYPE_CHECKING:
    from nexus_core import Config

    from ..screen import Screen

MASK = "********"
_PASSWORD = re.compile(r"(?<=://)([^/@\s]*?):[^/\s]*@")


@command("config", example="nexus config --json")
def config(session: Session) -> None:
    """Show the effective configuration and where each value comes from. Secrets are masked."""
    from nexus_core.config import load_config

    found = load_config(environ=session.environ)
    document = {
        "file": str(found.file) if found.file else None,
        "settings": [*_core(found), *_plugins(found)],
        "agents": [_agent(agent) for agent in found.agents.values()],
    }
    session.show_document(document, show_config)


def _core(found: Config) -> Iterator[dict[str, Any]]:
    from nexus_core import CORE_SETTINGS

    derived: dict[str, Any] = {
        "data_dir": str(found.data_dir),
        "database_url": found.database_url,
        "public_url": found.public_url,
    }
    derived["auto_migrate"] = found.auto_migrate
    for setting in CORE_SETTINGS:
        value = derived.get(setting.key, found[setting.key])
        yield _setting(setting.key, value, found.origins.get(setting.key), setting)


def _plugins(found: Config) -> Iterator[dict[str, Any]]:
    from ..extensions import collect

    plugins = collect(found)
    plugins.check_settings()
    for name, declared in plugins.settings_records.items():
        given = plugins.setting_values(name)
        for setting in declared.settings:
            value, origin = given.get(setting.key, (setting.default, None))
            yield _setting(f"plugins.{name}.{setting.key}", value, origin, setting)


def _setting(key: str, value: Any, origin: str | None, setting: Any) -> dict[str, Any]:
    shown = masked(key, value) if setting.secret else _plain(value)
    return {"key": key, "value": shown, "origin": origin or "default", "env": setting.env, "doc": setting.doc}


def masked(key: str, value: Any) -> Any:
    """A secret as it may be shown: of an address, all but the password and the query.

    >>> masked("database_url", "postgresql://nexus:hunter2@db/nexus?sslkey=x"), masked("token", "nxs_1")
    ('postgresql://nexus:********@db/nexus', '********')
    """
    if not value:
        return _plain(value)
    if key.endswith("_url"):
        return _PASSWORD.sub(rf"\1:{MASK}@", str(value).partition("?")[0])
    return MASK


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    if isinstance(value, tuple | list | set | frozenset):
        return sorted(map(str, value))
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _agent(agent: Any) -> dict[str, Any]:
    import attrs

    return {field.name: _plain(getattr(agent, field.name)) for field in attrs.fields(type(agent))}


def show_config(screen: Screen, found: dict[str, Any]) -> None:
    """Tell the configuration: values that were given stand out."""
    screen.line(f"file: {screen.bold(found['file'] or 'none')}")
    rows = [(one["key"], screen.dim(one["origin"]), _value(screen, one)) for one in found["settings"]]
    screen.table(("setting", "from", "value"), rows, empty="")
    for agent in found["agents"]:
        given = [f"{name}={value}" for name, value in agent.items() if name != "name" and value not in (None, [], "")]
        screen.line(f"{screen.bold('agents.' + agent['name'])}  {screen.style(' '.join(given))}")


def _value(screen: Screen, one: dict[str, Any]) -> Any:
    if one["value"] is None or one["value"] == []:
        return screen.dim("none")
    value = ", ".join(one["value"]) if isinstance(one["value"], list) else one["value"]
    return screen.dim(value) if one["origin"] == "default" else screen.bold(value)
