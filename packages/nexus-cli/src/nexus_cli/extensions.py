"""Commands that other packages yield: found by reading what is installed, loaded only when they are needed.

`importlib.metadata` would take longer than the rest of `nexus --help` together, so the same files are read directly.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from .failures import Failure

if TYPE_CHECKING:
    from nexus_core import Command, Config
    from nexus_core.plugins.manager import Plugins

OURS = frozenset(
    f"nexus_{name}"
    for name in ("core", "cli", "http", "worker", "demo", "plugin_postgres", "plugin_github",
                 "plugin_slack", "plugin_agents")
)  # fmt: skip
_ENDINGS = (".dist-info", ".egg-info")


class Installed(NamedTuple):
    """What a look at the installed distributions found."""

    ours: frozenset[str]  #: first-party distributions, as in OURS
    others: frozenset[str]  #: third-party distributions with an entry point of the group `nexus`


def look(paths: Iterable[str] | None = None) -> Installed:
    """Read the folders that Python imports from."""
    found = dict(_distributions(sys.path if paths is None else paths))
    ours = frozenset(name for name in found if name in OURS)
    return Installed(ours, frozenset(name for name, folder in found.items() if name not in OURS and _has_group(folder)))


def _distributions(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    for path in dict.fromkeys(paths):
        try:
            names = [entry.name for entry in os.scandir(path or ".") if entry.name.endswith(_ENDINGS)]
        except OSError:
            continue  # such as python311.zip, or a folder that is gone
        for name in names:
            yield name.partition("-")[0].lower().replace(".", "_"), os.path.join(path or ".", name)  # noqa: PTH118 - pathlib is not needed on this way


def _has_group(folder: str) -> bool:
    try:
        with open(os.path.join(folder, "entry_points.txt"), encoding="utf-8") as file:  # noqa: PTH118 - as above
            return any(line.strip() == "[nexus]" for line in file)
    except (OSError, UnicodeDecodeError):
        return False


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
