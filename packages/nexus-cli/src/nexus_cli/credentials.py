"""The keys that logins made: one for each server, in the user's configuration folder, readable by its owner alone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

FILE = "credentials.json"


def place(environ: Mapping[str, str]) -> Path:
    """Where they are kept."""
    return Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "nexus" / FILE


def find(environ: Mapping[str, str], server: str) -> str | None:
    """The key for a server; it goes to no other."""
    kept = _read(place(environ)).get(server)
    key = kept.get("key") if isinstance(kept, dict) else None
    return key if isinstance(key, str) else None


def save(environ: Mapping[str, str], server: str, kept: Mapping[str, Any]) -> Path:
    """Keep the key of a login, in the place of the one before; the file. :raises OSError:"""
    file = place(environ)
    _write(file, {**_read(file), server: dict(kept)})
    return file


def remove(environ: Mapping[str, str], server: str) -> None:
    """Forget the key for a server. :raises OSError:"""
    file = place(environ)
    if server in (kept := _read(file)):
        _write(file, {name: value for name, value in kept.items() if name != server})


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(file: Path, kept: Mapping[str, Any]) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        temporary.unlink()
    # Made anew and for its owner alone, before anything is in it; whatever mode the old one had.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as opened:
        json.dump(kept, opened, indent=2)
    temporary.replace(file)
