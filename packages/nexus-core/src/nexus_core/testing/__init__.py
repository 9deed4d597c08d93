"""Aids for the tests of plugins: a hub on a temporary file, a clock that stands still, contract suites.

with nexus_for_test(nexus_mattermost, settings={"mattermost": {"url": server.url}}) as nexus:
    task = nexus.tasks.create("Ship it")
    nexus.tasks.move(task.id, "done")

    assert {"done": 1} == drain(nexus)
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from ..clock import Clock
from ..config import Config
from ..domain.agents import Agent
from ..nexus import Nexus

__all__ = ["FrozenClock", "drain", "nexus_for_test"]


class FrozenClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime = datetime(2026, 1, 31, 12, tzinfo=UTC)) -> None:
        self._at = at

    def now(self) -> datetime:
        """The instant at which it stands."""
        return self._at

    def advance(self, **by: float) -> datetime:
        """Move on by a length of time, in the words of `timedelta`: `clock.advance(minutes=5)`."""
        self._at += timedelta(**by)
        return self._at


@contextmanager
def nexus_for_test(
    *plugins: Any,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    agents: Mapping[str, Agent] | None = None,
    values: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    clock: Clock | None = None,
    database_url: str | None = None,
    load_plugins: bool = False,
) -> Iterator[Nexus]:
    """A hub on a temporary SQLite file (or on `database_url`), with these plugins and no others.

    `settings` are the tables of plugins by name, `values` settings of the core by dotted key, parsed.
    """
    with tempfile.TemporaryDirectory(prefix="nexus-test-") as folder:
        config = Config(
            values={
                "data_dir": folder,
                "documents.delay": timedelta(0),
                "auto_migrate": True,
                **({"database_url": database_url} if database_url else {}),
                **(values or {}),
            },
            agents=dict(agents or {}),
            plugins=dict(settings or {}),
            environ=dict(environ or {}),
        )
        with Nexus.open(config, plugins=plugins, load_plugins=load_plugins, clock=clock) as nexus:
            yield nexus


def drain(nexus: Nexus, limit: int = 1000) -> dict[str, int]:
    """Run every due job here and now; how many of the jobs of plugins ended in which state.

    The core's own jobs (documents, dispatch) are run as well and not counted.
    """
    before = {job.id for job in nexus.jobs.list(limit=100_000) if job.finished_at is not None}
    nexus.jobs.drain(limit)
    ended: dict[str, int] = {}
    for job in nexus.jobs.list(limit=100_000):
        if job.finished_at is not None and job.id not in before and not job.kind.startswith("core."):
            ended[str(job.state)] = ended.get(str(job.state), 0) + 1
    return ended
