"""What a plugin's function receives beside its input."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from ..domain.access import Actor, plugin_actor

if TYPE_CHECKING:
    from ..nexus import Nexus

S = TypeVar("S")


@attrs.frozen(kw_only=True)
class Context:
    """The hub, the plugin's settings, a logger and the time, for one call."""

    nexus: Nexus
    plugin: str  #: the distribution's plugin name
    idempotency_key: str = ""  #: the same for every attempt at one job
    attempt: int = 1  #: above 1: an earlier attempt may have had its effect already
    delivery: str | None = None  #: `source:id` of the webhook at the root of this, if there is one

    def settings(self, cls: type[S]) -> S:
        """The plugin's settings, as the class that it declared."""
        return self.nexus.plugins.settings(self.plugin, cls)

    @property
    def actor(self) -> Actor:
        """The plugin as an actor, for changes that it makes."""
        return plugin_actor(self.plugin)

    @property
    def log(self) -> logging.Logger:
        """The plugin's logger, `nexus.plugins.<name>`."""
        return logging.getLogger(f"nexus.plugins.{self.plugin}")

    def now(self) -> datetime:
        """The present instant by the hub's clock."""
        return self.nexus.clock.now()

    def enqueue(
        self,
        kind: str,
        payload: Mapping[str, Any],
        *,
        subject: str | None = None,
        unique_key: str | None = None,
    ) -> None:
        """Have a job of the plugin's own run in the background."""
        self.nexus.jobs.enqueue(kind, payload, subject=subject, unique_key=unique_key)
