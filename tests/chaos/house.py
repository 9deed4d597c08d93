"""Real servers, workers, a PostgreSQL and a RabbitMQ of their own, and everything that may happen to them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import kombu
import psutil
from tests.own_postgres import OwnPostgres
from tests.own_rabbitmq import OwnRabbit
from tests.proxy import ProxyApart

from .schedule import Fault

SECRET = "a-secret-of-the-tests-alone"
LANES = ("default", "agents", "docs", "notify")


class Served:
    """A command that is started again whenever it ends."""

    def __init__(self, name: str, arguments: list[str], environ: dict[str, str], folder: Path) -> None:
        self.name = name
        self._arguments = [sys.executable, "-m", "nexus_cli", *arguments]
        self._environ = environ
        self._folder = folder
        self._ending = False
        self._starting = threading.Lock()
        self.process = self._start()
        threading.Thread(target=self._watch, daemon=True).start()

    def _start(self) -> subprocess.Popen[bytes]:
        with (self._folder / f"{self.name}.log").open("ab") as log:
            return subprocess.Popen(
                self._arguments, env=self._environ, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def _watch(self) -> None:
        while not self._ending:
            self.process.wait()
            time.sleep(0.2)
            with self._starting:
                if not self._ending:
                    self.process = self._start()

    def kill_one(self, chance: random.Random) -> bool:
        """Kill one of its processes, whichever; false when there was none just now."""
        try:
            top = psutil.Process(self.process.pid)
            chance.choice([top, *top.children(recursive=True)]).kill()
        except psutil.Error:
            return False
        return True

    def end(self) -> int:
        """End it, as its owner would; how it ended."""
        with self._starting:
            self._ending = True
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return -9


class House:
    """The whole hub, on a folder."""

    def __init__(self, folder: Path, *, port: int, environ: Mapping[str, str] = MappingProxyType({})) -> None:
        self.folder = folder
        self._more = environ
        self.port = port
        self.faults: Counter[str] = Counter()
        self.postgres, self.rabbit = OwnPostgres(), OwnRabbit()
        self.postgres.start()
        self.rabbit.start()
        self.to_postgres = ProxyApart(self.postgres.port)
        self.to_rabbit = ProxyApart(self.rabbit.port)
        self.database = self.postgres.url
        self.served: list[Served] = []

    @property
    def environ(self) -> dict[str, str]:
        """What the hub's processes are told: they reach everything through the proxies."""
        (self.folder / "home").mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("NEXUS_", "XDG_"))}
        return kept | {
            "HOME": str(self.folder / "home"), "NEXUS_DATA_DIR": str(self.folder / "data"),
            "NEXUS_BIND": f"127.0.0.1:{self.port}", "NEXUS_AUTO_MIGRATE": "true",
            "NEXUS_GITHUB_WEBHOOK_SECRET": SECRET,
            "NEXUS_DATABASE_URL": self.database.replace(f":{self.postgres.port}/", f":{self.to_postgres.port}/"),
            "NEXUS_BROKER_URL": self.rabbit.url.replace(f":{self.rabbit.port}/", f":{self.to_rabbit.port}/"),
            **self._more,
        }  # fmt: skip

    def serve(self, workers: int = 2) -> None:
        """Start the server and the workers."""
        commands = [("serve", ["serve", "--workers", "2", "--threads", "8", "--quiet"])]
        commands += [(f"worker{number}", ["worker", "--quiet"]) for number in range(workers)]
        self.served = [Served(name, arguments, self.environ, self.folder) for name, arguments in commands]

    def close(self) -> None:
        """End everything."""
        for one in self.served:
            one.end()
        for proxy in (self.to_postgres, self.to_rabbit):
            proxy.close()
        self.rabbit.close()
        self.postgres.close()

    # What may happen --------------------------------------------------------------------------------------------------

    def trouble(self, planned: Sequence[Fault], stop: threading.Event) -> None:
        """Have these happen, each in its time; several may be under way at once."""
        under_way: list[threading.Thread] = []
        began = time.monotonic()
        for fault in planned:
            if stop.wait(max(0.0, began + fault.at - time.monotonic())):
                break
            thread = threading.Thread(target=self._happens, args=(fault,), daemon=True)
            thread.start()
            under_way.append(thread)
        for thread in under_way:
            thread.join(120)
        self.to_postgres.speak()
        self.to_rabbit.speak()

    def _happens(self, fault: Fault) -> None:
        """A fault counts when it took place."""
        actions: dict[str, Callable[[random.Random], bool]] = {
            "worker killed": lambda chance: chance.choice(self.served[1:]).kill_one(chance),
            "server killed": lambda chance: self.served[0].kill_one(chance),
            "connections cut": self._cut,
            "connections held": self._hold,
            "connections slowed": self._slow,
            "database restarted": lambda _: self._restart_database(),
            "broker killed": lambda _: self._kill_broker(),
            "broker emptied": lambda _: self._empty_broker(),
        }
        if actions[fault.name](fault.chance()):
            self.faults[fault.name] += 1

    _restarting = threading.Lock()
    _killing = threading.Lock()

    def _restart_database(self) -> bool:
        with self._restarting:
            self.postgres.stop("immediate")
            self.postgres.start()
        return True

    def _kill_broker(self) -> bool:
        with self._killing:
            self.rabbit.kill()
            self.rabbit.start()
        return True

    def _empty_broker(self) -> bool:
        try:
            with kombu.Connection(self.rabbit.url, connect_timeout=2) as connection:
                for lane in LANES:
                    connection.channel().queue_purge(f"nexus.{lane}")
        except Exception:
            return False  # it is away, or no worker has made its queues yet
        return True

    def _proxy(self, chance: random.Random) -> ProxyApart:
        return chance.choice([self.to_postgres, self.to_rabbit])

    def _cut(self, chance: random.Random) -> bool:
        self._proxy(chance).cut()
        return True

    def _hold(self, chance: random.Random) -> bool:
        proxy = self._proxy(chance)
        proxy.fall_silent()
        time.sleep(chance.uniform(0.5, 4))
        proxy.speak()
        return True

    def _slow(self, chance: random.Random) -> bool:
        proxy = self._proxy(chance)
        proxy.slow(chance.uniform(0.01, 0.2))
        time.sleep(chance.uniform(1, 5))
        proxy.slow(0.0)
        return True
