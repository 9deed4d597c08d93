"""Commands that other packages yield: found by reading what is installed, loaded only when they are needed.

`importlib.metadata` would take longer than the rest of `nexus --help` together, so the same files are read directly.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from nexus_core.plugins import discovery

from .failures import Failure

if TYPE_CHECKING:
    from nexus_core import Command, Config
    from nexus_core.plugins.manager import Plugins

OURS = frozenset(
    f"nexus-{name}"
    for name in (
        "core", "cli", "http", "worker", "demo", "plugin-postgres", "plugin-github", "plugin-slack", "plugin-agents",
    )
)  # fmt: skip


class Installed(NamedTuple):
    """What a look at the installed distributions found."""

    ours: frozenset[str]  #: first-party distributions, as in OURS
    others: frozenset[str]  #: third-party distributions with an entry point of the group `nexus`


def look(paths: Iterable[str] | None = None) -> Installed:
    """Read the folders that Python imports from."""
    found = discovery.distributions(sys.path if paths is None else paths)
    plugins = frozenset(entry.distribution for entry in discovery.entry_points(paths))
    return Installed(frozenset(name for name, _, _ in found) & OURS, plugins - OURS)


def yielded(environ: Mapping[str, str]) -> Mapping[str, Command]:
    """Every command that plugins yield.

    :raises nexus_core.NexusError: a plugin cannot be used, or the configuration is not valid
    """
    from nexus_core.config import load_config

    return collect(load_config(environ=environ)).commands


def collect(config: Config) -> Plugins:
    """What the installed plugins yield, without opening the hub. :raises nexus_core.PluginError: one cannot be used"""
    from nexus_core.plugins.manager import Plugins

    plugins = Plugins(tables=config.plugins, environ=config.environ)
    plugins.load_entry_points()
    plugins.collect()
    return plugins


def load(name: str, distribution: str, environ: Mapping[str, str]) -> Any:
    """A first-party command that another of our packages yields.

    :raises Failure: the package is not installed
    """
    found = yielded(environ)
    if name not in found:
        raise Failure(f"the command {name} comes with {distribution}, which is not installed", "configuration")
    return found[name].load()
