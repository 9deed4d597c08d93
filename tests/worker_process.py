"""A worker as a process of its own, with jobs that tests can see: started by test_worker_process.py.

Arguments: the file in which jobs say that they ran; then those of the command `worker`. The configuration is read from
the environment, as the command does. NEXUS_PROBE_EVERY, in seconds, adds a schedule.
"""

import json
import os
import sys
import time
from datetime import timedelta
from functools import partial

from nexus_core import Nexus
from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.records import JobHandler, Schedule
from nexus_worker import hooks
from nexus_worker.main import worker


class Probe:
    """Jobs that write a line; that take long; that bring the interpreter down."""

    name = "probe"

    def __init__(self, file):
        self._file = file

    def note(self, job, ctx):
        with open(self._file, "a") as file:
            file.write(f"{job.payload['n']} {os.getpid()} {time.time()}\n")

    def slow(self, job, ctx):
        self.note(job, ctx)
        time.sleep(job.payload["seconds"])

    def hold(self, job, ctx):
        """Take long the first time that it begins, which need not be the first attempt."""
        with open(self._file) as file:
            is_first = not any(line.split()[0] == str(job.payload["n"]) for line in file)
        self.note(job, ctx)
        time.sleep(job.payload["seconds"] if is_first else 0)

    def abort(self, job, ctx):
        self.note(job, ctx)
        os.abort()

    def round(self, job, ctx):
        with open(self._file, "a") as file:
            file.write(json.dumps({"job": job.id, "pid": os.getpid()}) + "\n")

    @hookimpl
    def nexus_schedules(self):
        if every := os.environ.get("NEXUS_PROBE_EVERY"):
            yield Schedule(name="probe.round", kind="probe.round", every=timedelta(seconds=float(every)))

    @hookimpl
    def nexus_job_handlers(self):
        yield JobHandler(kind="probe.note", call=self.note)
        yield JobHandler(kind="probe.slow", call=self.slow)
        yield JobHandler(kind="probe.hold", call=self.hold)
        yield JobHandler(kind="probe.agent", call=self.slow, lane="agents")
        yield JobHandler(kind="probe.abort", call=self.abort, max_attempts=2)
        yield JobHandler(kind="probe.round", call=self.round)


if __name__ == "__main__":
    probe = Probe(sys.argv[1])
    plugins = [probe, hooks]
    if os.environ.get("NEXUS_DATABASE_URL", "").startswith("postgresql:"):
        import nexus_plugin_postgres.hooks as postgres

        plugins.append(postgres)
    Nexus.open = partial(Nexus.open, plugins=plugins, load_plugins=False)
    sys.exit(worker.main(sys.argv[2:], prog_name="worker", standalone_mode=False))
