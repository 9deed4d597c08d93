"""What nexus-http brings to Nexus: the command `serve`, and the door through which the CLI calls the API in-process."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.records import Command, Transport


@hookimpl
def nexus_commands() -> Iterable[Command]:
    """The command that runs the server."""
    yield Command(name="serve", summary="Run the server: the REST API and its reference", load=_load_serve)


@hookimpl
def nexus_transports() -> Iterable[Transport]:
    """The API without a server: a WSGI call, as this machine's user."""
    yield Transport(name="in-process", open=_open_in_process)


def _load_serve() -> Any:
    from .serve import serve

    return serve


def _open_in_process(nexus: Any) -> Callable[..., Iterable[bytes]]:
    from nexus_core.domain.access import LOCAL

    from .app import create_app

    return create_app(nexus, trusted=LOCAL)
