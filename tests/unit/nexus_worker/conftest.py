"""What the worker's tests share: a hub with jobs to be counted, queues of the test's own, a bad network."""

import threading
import time
import uuid
from datetime import timedelta
from urllib.parse import urlsplit

import kombu
import pytest

from nexus_core import Nexus
from nexus_core.config import Config, parse_duration
from nexus_core.domain.jobs import LANES
from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.records import JobHandler
from nexus_worker import hooks
from nexus_worker.loop import Worker
from proxy import proxied


class Probe:
    """A plugin whose jobs say that they ran."""

    name = "probe"

    def __init__(self):
        self.ran = []  #: payload["n"] of each run
        self.release = threading.Event()  #: what the slow jobs wait for

    def note(self, job, ctx):
        self.ran.append(job.payload["n"])

    def slow(self, job, ctx):
        self.ran.append(job.payload["n"])
        self.release.wait(job.payload.get("seconds", 30))

    def chain(self, job, ctx):
        self.ran.append(job.payload["n"])
        if job.payload["n"]:
            ctx.enqueue("probe.chain", {"n": job.payload["n"] - 1})

    @hookimpl
    def nexus_job_handlers(self):
        yield JobHandler(kind="probe.note", call=self.note)
        yield JobHandler(kind="probe.urgent", call=self.note, priority=10)
        yield JobHandler(kind="probe.docs", call=self.note, lane="docs")
        yield JobHandler(kind="probe.slow", call=self.slow)
        yield JobHandler(kind="probe.hangs", call=self.slow, max_attempts=2, time_limit=timedelta(milliseconds=300))
        yield JobHandler(kind="probe.agent", call=self.slow, lane="agents")
        yield JobHandler(kind="probe.chain", call=self.chain)


class Hub:
    """A hub with a probe, and workers on it."""

    def __init__(self, config, plugins=()):
        self.probe = Probe()
        self.nexus = Nexus.open(config, plugins=[self.probe, hooks, *plugins], load_plugins=False)
        self._workers = []

    def enqueue(self, kind="note", n=0, **more):
        return self.nexus.jobs.enqueue(f"probe.{kind}", {"n": n, **more})

    def worker(self, **options):
        """A worker that works in a thread until the test ends."""
        worker = Worker(self.nexus, **options)
        thread = threading.Thread(target=worker.run, daemon=True)
        thread.start()
        self._workers.append((worker, thread))
        return worker

    def end(self, worker):
        """Stop a worker and wait for it."""
        worker.stop()
        next(thread for each, thread in self._workers if each is worker).join(10)

    def states(self):
        return [str(job.state) for job in self.jobs()]

    def jobs(self):
        """The probe's; the core has jobs that come round."""
        return [job for job in self.nexus.jobs.list(limit=300) if job.kind.startswith("probe.")]

    def close(self):
        self.probe.release.set()
        for worker, thread in self._workers:
            worker.stop()
            thread.join(10)
        self.nexus.close()


@pytest.fixture
def make_hub(tmp_path):
    """Makes hubs on an SQLite file; dots in settings are written as `__`."""
    made = []

    def make(plugins=(), **settings):
        values = {"worker.lease": "30s", **{key.replace("__", "."): value for key, value in settings.items()}}
        durations = ("worker.lease", "worker.poll")
        values.update({key: parse_duration(values[key]) for key in durations if key in values})
        hub = Hub(Config(values={"data_dir": str(tmp_path), **values}), plugins)
        made.append(hub)
        return hub

    yield make
    for hub in made:
        hub.close()


@pytest.fixture
def until():
    """Waits for a condition: `until(lambda: …)`; false after `seconds`."""

    def wait(condition, seconds=10.0):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return True
            time.sleep(0.01)
        return bool(condition())

    return wait


@pytest.fixture
def namespaced(broker_url):
    """The URL of each broker with a namespace of the test's own; its queues are deleted afterwards."""
    namespace = f"test{uuid.uuid4().hex[:10]}"
    yield f"{broker_url}#{namespace}"
    for lane in LANES:
        delete_queue(broker_url, f"{namespace}.{lane}")


def delete_queue(broker_url, name):
    """Delete a queue, as an operator would."""
    with kombu.Connection(broker_url) as connection:
        channel = connection.default_channel
        if broker_url.startswith("redis"):
            channel.client.delete(name, *channel.client.keys(f"_kombu.binding*{name}"))
        else:
            channel.queue_delete(name)


@pytest.fixture
def behind_proxy(namespaced):
    """Each broker behind a proxy: (proxy, URL)."""
    parts = urlsplit(namespaced)
    port = parts.port or (6379 if parts.scheme == "redis" else 5672)
    with proxied((parts.hostname, port)) as proxy:
        user = f"{parts.username or ''}:{parts.password}@" if parts.password else ""
        yield proxy, parts._replace(netloc=f"{user}127.0.0.1:{proxy.port}").geturl()
