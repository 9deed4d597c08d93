"""A worker of Nexus with a job that does nothing, for bench/jobs.py: python jobs_worker.py DATABASE [BROKER]."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

from nexus_core import Nexus, hookimpl
from nexus_core.config import Config
from nexus_core.plugins.records import JobHandler

KIND = "bench.noop"


class Noop:
    """A plugin whose job does nothing."""

    @hookimpl
    def nexus_job_handlers(self) -> Iterator[JobHandler]:
        """The job, which may tell when it was begun."""
        yield JobHandler(kind=KIND, call=self._run)

    def _run(self, job: Any, ctx: Any) -> None:
        if "sent" in job.payload:
            os.write(1, f"{time.time() - job.payload['sent']}\n".encode())  # whole lines, from any thread


def open_hub(url: str, broker: str | None) -> Nexus:
    """A hub with the job."""
    import nexus_plugin_postgres.hooks as postgres
    import nexus_worker.hooks as worker

    values = {
        "database_url": url if "://" in url else f"sqlite:///{url}", "auto_migrate": True, "data_dir": ".",
        **({"broker_url": broker} if broker else {}),
    }  # fmt: skip
    return Nexus.open(Config(values=values), plugins=[postgres, worker, Noop()], load_plugins=False)


def main() -> None:
    """Work until told to end."""
    from nexus_worker.loop import Worker

    url, broker = sys.argv[1], (sys.argv[2] if len(sys.argv) > 2 else None)
    with open_hub(url, broker) as hub:
        worker = Worker(hub, broker_url=broker)
        signal.signal(signal.SIGTERM, lambda *_: worker.stop())
        worker.run()


if __name__ == "__main__":
    main()
