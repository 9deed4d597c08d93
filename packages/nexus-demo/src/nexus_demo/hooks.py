"""What the demo yields: one command."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import nexus_core


def _load() -> Any:
    from .command import demo

    return demo


@nexus_core.hookimpl
def nexus_commands() -> Iterable[nexus_core.Command]:
    """Yield `nexus demo`."""
    yield nexus_core.Command(
        name="demo", summary="Watch the main job happen on this machine, in under a minute", load=_load
    )
