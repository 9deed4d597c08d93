"""The command `serve`."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from typing import Any

import click

from nexus_core.config import Config, load_config

from .hub import HubLock, bind, local_key, supervise, urls
from .log import set_up


@click.command()
@click.option("--bind", "address", metavar="HOST:PORT", help="Where to listen; port 0 picks a free one.")
@click.option("--workers", type=click.IntRange(1, 32), default=2, show_default=True, help="Processes.")
@click.option("--threads", type=click.IntRange(2, 128), default=8, show_default=True, help="Threads of each process.")
@click.option("--quiet", is_flag=True, help="Log warnings and errors only, not every request.")
@click.pass_context
def serve(ctx: click.Context, address: str | None, workers: int, threads: int, quiet: bool) -> None:
    """Run the server: the REST API below /api/v1, its reference at /docs.

    At SIGHUP the configuration is read anew; requests under way are answered.

    Example: nexus serve --bind 0.0.0.0:8700
    """
    level = logging.WARNING if quiet else logging.INFO
    run(lambda: _config(ctx).replace(bind=address), workers=workers, threads=threads, log_level=level)


def run(read: Callable[[], Config], *, workers: int = 2, threads: int = 8, log_level: int = logging.INFO) -> None:
    """Serve until a signal ends it; exits the process. The configuration is read now, and again at SIGHUP.

    :raises Busy: another hub runs on this data folder
    :raises Unavailable: the address is in use
    :raises ConfigurationError: the address makes no sense
    """
    from .server import (
        Server,
    )  # gunicorn takes long to import, and the checks below may end the command first

    supervise(os.environ)
    set_up(log_level)
    config = read()
    with HubLock(config.data_dir) as lock, bind(config["bind"]) as listener, local_key(config) as key:
        Server(_reachable(config, listener), listener, lock, key, read=read, workers=workers, threads=threads).run()


def _reachable(config: Config, listener: socket.socket) -> Config:
    """The configuration with an address that people can be sent back to, where none is set and `bind` is none."""
    return config if config["public_url"] else config.replace(public_url=urls(listener)[1])


def _config(ctx: click.Context) -> Config:
    """The configuration that the CLI read, or our own reading of it."""
    found: Any = ctx.find_object(Config)
    return found if isinstance(found, Config) else load_config()
