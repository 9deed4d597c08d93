"""Where a hub keeps its things, and where a running one is found. Standard library only: the CLI starts with this."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

HUB_FILE = "hub.json"


class Hub(NamedTuple):
    """A running hub: its address and a key for this machine's user."""

    url: str
    key: str
    pid: int


def default_data_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The user's data folder for Nexus, as the platform has it."""
    if sys.platform == "win32":
        base = environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Application Support")
    else:
        base = environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "nexus"


def config_file(explicit: str | None = None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The configuration file in use: `--config`, `$NEXUS_CONFIG`, `./nexus.toml`, the user's configuration folder."""
    if named := explicit or environ.get("NEXUS_CONFIG"):
        return Path(named)
    base = environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    for candidate in (Path("nexus.toml"), Path(base) / "nexus" / "nexus.toml"):
        if candidate.is_file():
            return candidate
    return None


def write_hub(data_dir: Path, hub: Hub) -> None:
    """Leave a running hub's address and key in its data folder, readable by the owner alone."""
    temporary = data_dir / f".{HUB_FILE}.{os.getpid()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(hub._asdict(), file)
    temporary.replace(data_dir / HUB_FILE)


def read_hub(data_dir: Path) -> Hub | None:
    """The hub that said it runs on this data folder; it may have died since, which only asking it shows."""
    try:
        found: dict[str, Any] = json.loads((data_dir / HUB_FILE).read_text("utf-8"))
        return Hub(str(found["url"]), str(found["key"]), int(found["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remove_hub(data_dir: Path, pid: int) -> None:
    """Take back what `write_hub` left, when it is still this process's."""
    hub = read_hub(data_dir)
    if hub is not None and hub.pid == pid:
        (data_dir / HUB_FILE).unlink(missing_ok=True)
