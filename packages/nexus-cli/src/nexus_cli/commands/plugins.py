"""`nexus plugins`: what is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..options import command
from ..session import Session

if TYPE_CHECKING:
    from ..screen import Screen


@command("plugins", example="nexus plugins")
def plugins(session: Session) -> None:
    """List the installed plugins and what they add."""
    session.show(session.call("GET", "/plugins"), show_plugins)


def show_plugins(screen: Screen, found: dict[str, Any]) -> None:
    """Tell the plugins, with the names of their records."""
    rows = [
        (screen.bold(plugin["name"]), plugin["distribution"], plugin["version"], _adds(plugin["records"]))
        for plugin in found["items"]
    ]
    screen.table(("plugin", "distribution", "version", "adds"), rows, empty="No plugins.")


def _adds(records: dict[str, list[str]]) -> str:
    return "; ".join(
        f"{hook.removeprefix('nexus_').replace('_', ' ')}: {', '.join(names)}" for hook, names in records.items()
    )
