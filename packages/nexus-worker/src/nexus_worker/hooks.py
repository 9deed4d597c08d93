"""The records of this package: the command `worker`, and the bell that others ring."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.records import Command, WakeupFactory

if TYPE_CHECKING:
    from nexus_core.ports.wakeup import Wakeup


def _load_worker() -> Any:
    from .main import worker

    return worker


def _open_wakeup(url: str) -> Wakeup:
    from .bell import KombuWakeup

    return KombuWakeup(url)


@hookimpl
def nexus_commands() -> Iterable[Command]:
    """The command that runs a worker."""
    yield Command(name="worker", summary="Run background work", load=_load_worker)


@hookimpl
def nexus_wakeups() -> Iterable[WakeupFactory]:
    """RabbitMQ and Redis."""
    yield WakeupFactory(schemes=("amqp", "amqps", "pyamqp", "redis", "rediss"), open=_open_wakeup)
