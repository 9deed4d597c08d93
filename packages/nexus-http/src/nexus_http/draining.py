"""Beside the requests, in each process: what was spooled while the store was away is stored when it is back."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from nexus_core.errors import NexusError

if TYPE_CHECKING:
    from nexus_core.nexus import Nexus

EVERY_SECONDS = 1.0
"""How often the spool is looked at: a folder, empty as a rule."""

_log = logging.getLogger("nexus.http")


class Drain:
    """A thread that stores what waits in the spool; processes do so beside each other."""

    def __init__(self, nexus: Nexus, *, every: float = EVERY_SECONDS) -> None:
        self._nexus = nexus
        self._every = every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="nexus-drain", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Store no more; whoever called may close the store then."""
        self._ended.set()
        self._thread.join(5.0)

    def _go_on(self) -> None:
        while not self._ended.wait(self._every):
            try:
                self._nexus.deliveries.drain()
            except NexusError as error:
                _log.debug("spooled webhooks go on waiting: %s", error.message)
            except Exception:
                _log.exception("the spool for webhooks cannot be read")
