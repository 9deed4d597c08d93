"""Which plugins are installed: the entry points of the group `nexus`, read straight from the installed distributions.

`importlib.metadata` knows the same and more, but to import and ask it takes longer than the rest of a short command
together (100 ms beside 66 distributions), and every command of the CLI asks. What it knows beyond folders on the path
(zipped distributions, importers of one's own) is not looked at.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

GROUP = "nexus"
_ENDINGS = (".dist-info", ".egg-info")


class EntryPoint(NamedTuple):
    """A plugin that a distribution offers."""

    name: str
    module: str
    distribution: str  #: normalised, with dashes
    version: str


def entry_points(paths: Iterable[str] | None = None) -> list[EntryPoint]:
    """Every entry point of the group, by name; of a distribution that is there twice, the first on the path counts."""
    found: dict[str, list[EntryPoint]] = {}
    for distribution, version, folder in distributions(sys.path if paths is None else paths):
        found.setdefault(distribution, list(_read(distribution, version, folder)))
    return sorted(one for many in found.values() for one in many)


def distributions(paths: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Name, version and folder of everything that is installed on these paths."""
    for path in dict.fromkeys(paths):
        try:
            names = [entry.name for entry in os.scandir(path or ".") if entry.name.endswith(_ENDINGS)]
        except OSError:
            continue  # such as python311.zip, or a folder that is gone
        for name in sorted(names):
            distribution, _, rest = name.partition("-")
            version = rest.rpartition(".")[0]
            yield distribution.lower().replace("_", "-").replace(".", "-"), version, os.path.join(path or ".", name)  # noqa: PTH118 - pathlib takes long to import


def _read(distribution: str, version: str, folder: str) -> Iterator[EntryPoint]:
    try:
        with open(os.path.join(folder, "entry_points.txt"), encoding="utf-8") as file:  # noqa: PTH118 - as above
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError):
        return
    here = False
    for line in map(str.strip, lines):
        if line.startswith("["):
            here = line == f"[{GROUP}]"
        elif here and "=" in line and not line.startswith(("#", ";")):
            name, _, module = line.partition("=")
            yield EntryPoint(name.strip(), module.partition(":")[0].strip(), distribution, version)
