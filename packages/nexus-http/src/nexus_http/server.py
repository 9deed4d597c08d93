"""gunicorn, set up from the configuration: no file of its own, no control socket, errors as problems."""

from __future__ import annotations

import gc
import logging
import os
import resource
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication

from nexus_core.errors import NexusError, Unavailable
from nexus_core.location import Hub, remove_hub, write_hub

from . import waiting
from .counters import RequestCounters
from .draining import Drain
from .hub import HubLock, end_with_parent, is_supervised, urls
from .metering import Meter
from .operations import JSON_LIMIT
from .worker import PatientWorker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nexus_core.config import Config
    from nexus_core.nexus import Nexus

    from .body_limits import BodyLimits

GRACE_SECONDS = 20
FIELD_BYTES = 16 * 1024  #: of one header
CONNECTIONS = 4000  #: of each worker; each may have a file beside its socket
WAIT_SECONDS = 1.0  #: before another process is begun, where one did not reach the database
KEPT_SECONDS = 75
"""How long an idle connection is kept: longer than by load balancers (60), under whom none may be closed."""

_log = logging.getLogger("nexus.http")


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn carries no types
    """The server of one hub. Each worker opens a `Nexus` of its own, after the fork."""

    def __init__(
        self, config: Config, listener: socket.socket, lock: HubLock, key: str, *, read: Callable[[], Config],
        workers: int, threads: int,
    ) -> None:  # fmt: skip
        self._config = config
        self._read = read
        self._lock = lock
        self._key = key
        self._size = (workers, threads)
        self._counters = RequestCounters()
        self._meter = Meter()
        self._nexus: Nexus | None = None
        self._drain: Drain | None = None
        self._limits: BodyLimits | None = None
        self._shown, self._local = urls(listener)
        # gunicorn's from now on, and nobody else's: while anybody has it open, the system takes connections.
        self._socket = listener.detach()
        super().__init__()

    def load_config(self) -> None:
        """Settle gunicorn's settings; nothing of its own files and environment is read."""
        workers, threads = self._size
        settings = {
            "bind": [f"fd://{self._socket}"],
            "workers": workers, "threads": threads, "worker_class": PatientWorker, "worker_connections": _connections(),
            "timeout": 120, "graceful_timeout": GRACE_SECONDS, "keepalive": KEPT_SECONDS, "loglevel": "warning",
            "limit_request_line": 8190, "limit_request_field_size": FIELD_BYTES, "proc_name": "nexus",
            "control_socket_disable": True, "post_fork": self._after_fork, "post_worker_init": self._when_worker_ready,
            "worker_exit": self._when_worker_ends, "on_exit": self._when_over,
        }  # fmt: skip
        for name, value in settings.items():
            if name in self.cfg.settings:  # the control socket is not in every version
                self.cfg.set(name, value)

    def reload(self) -> None:
        """Read the configuration anew, at SIGHUP; while there is a fault in it, it stays as it was."""
        former = self._config
        try:
            found = self._read()
        except NexusError as error:
            _log.error("the configuration stays as it was: %s", error)
        else:
            url = found["public_url"] or former["public_url"]
            # The folder is locked and the socket is open: those stay for as long as the process lives.
            self._config = found.replace(data_dir=str(former.data_dir), bind=former["bind"], public_url=url)
        super().reload()

    def load(self) -> Any:
        """The WSGI application of a worker."""
        import orjson  # noqa: F401 - loaded, it is what encoding.py uses

        from nexus_core import Nexus

        from .app import create_app
        from .body_limits import BodyLimits

        try:
            self._nexus = Nexus.open(self._config)
        except Unavailable as error:
            # A process died while the database is away. A failure would end the whole server, and with it those that
            # take webhooks meanwhile.
            _log.warning("a server process waits for the database: %s", error.message)
            time.sleep(WAIT_SECONDS)
            raise SystemExit(0) from None  # and gunicorn begins another
        self._nexus.clock.now()  # from now on the time is known without the database, and there is a connection to it
        self._drain = Drain(self._nexus)
        self._limits = BodyLimits(self._nexus)
        if not self._config.is_sqlite:  # a file is used by one host alone
            self._meter.share(self._nexus.limits.settle)
        app = create_app(self._nexus, counters=self._counters, meter=self._meter)
        # What is loaded by now stays: not to go through it again and again is a good part of a request.
        gc.collect()
        gc.freeze()
        return app

    def body_limit(self, method: bytes, target: bytes) -> int:
        """How large a body may be there; the worker asks before it waits for one."""
        return JSON_LIMIT if self._limits is None else self._limits.of(method, target)

    @property
    def spool_folder(self) -> Path:
        """Where large bodies wait until they are whole."""
        folder: Path = self._config.data_dir
        return folder

    def _after_fork(self, arbiter: Any, worker: Any) -> None:
        end_with_parent()  # at once, so that nobody holds the port when the first process was killed
        self._lock.close()
        self._counters.use_slot(worker.age)
        waiting.limit_seats(self._size[1] // 2)

    def _when_worker_ready(self, worker: Any) -> None:
        if self._drain is not None:
            self._drain.start()
        if worker.age > 1:  # workers are numbered from 1; a later one changes nothing
            return
        write_hub(self._config.data_dir, Hub(self._local, self._key, worker.ppid))
        if not is_supervised(os.environ):
            print(f"Nexus listens at {self._shown}", file=sys.stderr, flush=True)

    def _when_worker_ends(self, arbiter: Any, worker: Any) -> None:
        if self._drain is not None:
            self._drain.stop()
        if self._nexus is not None:
            self._nexus.close()

    def _when_over(self, arbiter: Any) -> None:
        remove_hub(self._config.data_dir, os.getpid())


def _connections() -> int:
    """How many connections a worker may hold: as many as the system lets it have files for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS + 200
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return CONNECTIONS if soft == resource.RLIM_INFINITY else max(100, min(CONNECTIONS, (soft - 200) // 2))
