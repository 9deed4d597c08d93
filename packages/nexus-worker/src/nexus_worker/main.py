"""The command `worker`."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import Any

import click

from nexus_core.config import Config, load_config
from nexus_core.domain.jobs import LANES
from nexus_core.errors import NexusError, Unavailable

from .logs import log_to
from .outage import Outage
from .supervise import WORN, keep_running, obey_supervisor

log = logging.getLogger("nexus.worker")


def _lanes(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in (value or ",".join(LANES)).split(",") if name.strip()))
    if unknown := [name for name in names if name not in LANES]:
        raise click.BadParameter(f"there is no lane {unknown[0]}; choose from {', '.join(LANES)}")
    if not names:
        raise click.BadParameter(f"name one or more of {', '.join(LANES)}")
    return names


@click.command()
@click.option("--lanes", callback=_lanes, metavar="LANE,…", help=f"Which lanes to work on. Default: {','.join(LANES)}.")
@click.option("--once", "--drain", "once", is_flag=True, help="Run what is due, then end.")
@click.option("--quiet", is_flag=True, help="Log warnings and errors only.")
@click.pass_context
def worker(ctx: click.Context, lanes: tuple[str, ...], once: bool, quiet: bool) -> None:
    """Run background work: agents, notifications, documents and what webhooks cause.

    With a broker (NEXUS_BROKER_URL) it is told of work, without one it asks the store. SIGTERM lets
    running jobs end, for 20 seconds, and hands back the rest. At SIGHUP the configuration is read
    anew, by another process that takes over.

    Example: nexus worker --lanes default,notify
    """
    found: Any = ctx.find_object(Config)
    given = found if isinstance(found, Config) else None
    config = given or load_config()
    obey_supervisor(os.environ)
    log_to(sys.stderr, logging.WARNING if quiet else logging.INFO)
    if once:
        run(config, lanes, until_idle=True)
    else:
        ctx.exit(keep_running(lambda: _run_for_ever(given, config, lanes)))


def _run_for_ever(given: Config | None, known: Config, lanes: tuple[str, ...]) -> int:
    """Work by the configuration as it is now; by the one that is known, while a fault is in it."""
    try:
        config = given or load_config()
    except NexusError as error:
        log.error("the configuration stays as it was when the worker began: %s", error)
        config = known
    try:
        return WORN if run(config, lanes) else 0
    except NexusError as error:
        log.error("%s", error)
        return 1


def run(config: Config, lanes: tuple[str, ...] = LANES, *, until_idle: bool = False) -> bool:
    """Open the hub and work until a signal comes, or until nothing is due; true when it is to be started anew.

    :raises NexusError: the hub cannot be opened; a worker that is to stay waits where it is not reached
    """
    from nexus_core import Nexus

    from .loop import Worker

    stop = _Stop()
    outage = Outage("waiting for the hub", log)
    while not stop.wanted:
        try:
            nexus = Nexus.open(config)
            break
        except Unavailable as error:
            if until_idle:
                raise
            stop.wait(outage.failed(error))
    else:
        return False
    with nexus:
        made = Worker(nexus, lanes=lanes, broker_url=None if until_idle else config["broker_url"])
        stop.then(made.stop)
        made.run(until_idle=until_idle)
        return made.worn


class _Stop:
    """Remembers that a signal asked us to end, and tells the worker once there is one.

    A thread of its own does so: a handler runs in the midst of what the main thread does, which may hold the very lock
    of the event that is to be set.
    """

    def __init__(self) -> None:
        import threading
        from queue import SimpleQueue

        self._event = threading.Event()
        self._stop: Any = None
        self._signals: SimpleQueue[int] = SimpleQueue()  # a handler may put into it, whatever it interrupts
        threading.Thread(target=self._heed, name="nexus-stop", daemon=True).start()
        for sig in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sig, self._on_signal)

    @property
    def wanted(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> None:
        self._event.wait(seconds)

    def then(self, stop: Any) -> None:
        self._stop = stop
        if self.wanted:
            stop()

    def _on_signal(self, sig: int, _frame: object) -> None:
        self._signals.put(sig)

    def _heed(self) -> None:
        while self._signals.get():
            self._event.set()
            if self._stop:
                self._stop()
