"""Two servers behind a balancer, and three workers: what is replaced one by one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
from tests.chaos.house import SECRET
from tests.chaos.stories import ADMIN
from tests.long.balancer import Balancer
from tests.own_postgres import OwnPostgres
from tests.own_rabbitmq import OwnRabbit
from tests.worker_process import Probe

from nexus_core import Nexus
from nexus_core.config import Config

ROOT = Path(__file__).parents[2]
READY_SECONDS = 90.0
SERVERS, WORKERS = 2, 3


class Member:
    """A process of the fleet, which is told to end and started again."""

    def __init__(self, name: str, command: list[str], environ: dict[str, str], folder: Path) -> None:
        self.name = name
        self._command = [sys.executable, "-m", *command]
        self._environ = environ
        self._log = folder / f"{name}.log"
        self._folder = folder
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._command, env=self._environ, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def replace(self) -> float:
        """End it as its owner would, then start it; how long it took to end, in seconds.

        :raises AssertionError: it did not end by itself, or not well
        """
        took = self.end()
        self.process = self._start()
        return took

    def end(self) -> float:
        """End it; how long that took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            code = self.process.wait()
        assert code == 0, f"{self.name} ended with {code}"
        return time.monotonic() - began

    def reload(self) -> None:
        """Have a server's processes replaced by new ones, its socket open all the while.

        :raises AssertionError: they were not
        """
        old = {child.pid for child in psutil.Process(self.process.pid).children()}
        self.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            now = {child.pid for child in psutil.Process(self.process.pid).children()}
            if len(now) >= len(old) and not now & old:
                return
            time.sleep(0.1)
        raise AssertionError(f"{self.name} still has processes of {old}")


class Fleet:
    """The whole, on a folder, with a PostgreSQL and a RabbitMQ of its own."""

    def __init__(self, folder: Path, *, has_broker: bool = True) -> None:
        self.folder = folder
        self._has_broker = has_broker
        self.postgres, self.rabbit = OwnPostgres(), OwnRabbit()
        self._ports = [_free() for _ in range(SERVERS)]
        self.balancer = Balancer(self._ports)
        self.port = self.balancer.port
        self.begins = folder / "begins"  #: where jobs say that they begin
        self.begins.touch()
        self.servers: list[Member] = []
        self.workers: list[Member] = []

    @property
    def database(self) -> str:
        """Where all is kept."""
        return self.postgres.url

    @property
    def broker(self) -> str:
        """Its URL; empty when there is none."""
        return self.rabbit.url if self._has_broker else ""

    def environ(self, name: str) -> dict[str, str]:
        """What a member is told: each has a folder of its own, as if on a host of its own."""
        (self.folder / "home").mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("NEXUS_", "XDG_"))}
        return kept | {
            "HOME": str(self.folder / "home"), "NEXUS_DATA_DIR": str(self.folder / name), "PYTHONPATH": str(ROOT),
            "NEXUS_AUTO_MIGRATE": "true", "NEXUS_GITHUB_WEBHOOK_SECRET": SECRET, "NEXUS_BOOTSTRAP_ADMIN_KEY": ADMIN,
            "NEXUS_DATABASE_URL": self.database, "NEXUS_BROKER_URL": self.broker,
        }  # fmt: skip

    def __enter__(self) -> Self:
        self.postgres.start()
        if self._has_broker:
            self.rabbit.start()
        return self

    def hub(self) -> Nexus:
        """A hub of our own on the same data, that enqueues the jobs of tests/worker_process.py."""
        values = {
            "database_url": self.database, "broker_url": self.broker, "data_dir": str(self.folder / "hub"),
            "auto_migrate": True,
        }  # fmt: skip
        return Nexus.open(Config(values=values), plugins=[Probe(str(self.begins))])

    def start(self, workers: int = WORKERS) -> None:
        """Start servers and workers, and wait until the servers answer."""
        for number, port in enumerate(self._ports):
            name = f"server{number}"
            command = ["nexus_cli", "serve", "--bind", f"127.0.0.1:{port}", "--workers", "2", "--quiet"]
            self.servers.append(Member(name, command, self.environ(name), self.folder))
        self.start_workers(workers)
        for number in range(SERVERS):
            self.await_ready(number)

    def start_workers(self, many: int = WORKERS) -> None:
        """Start the workers alone."""
        for number in range(many):
            name = f"worker{number}"
            command = ["tests.long.worker", str(self.begins)]
            self.workers.append(Member(name, command, self.environ(name), self.folder))

    def await_ready(self, number: int) -> None:
        """Wait until a server says that it is ready. :raises TimeoutError: it does not"""
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self._ports[number]}/readyz", timeout=5).close()
                return
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)
        raise TimeoutError(f"server {number} is not ready")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ends = [threading.Thread(target=_end, args=(one,)) for one in [*self.servers, *self.workers]]
        for thread in ends:
            thread.start()
        for thread in ends:
            thread.join()
        self.balancer.close()
        self.rabbit.close()
        self.postgres.close()


def _end(member: Any) -> None:
    try:
        member.end()
    except AssertionError as error:
        print(error, file=sys.stderr)


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
