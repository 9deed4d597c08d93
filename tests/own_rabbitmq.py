"""A RabbitMQ node of a test's own that can be killed and started again; as the user `rabbitmq` when we are root."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

USER = "rabbitmq"
SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


class OwnRabbit:
    """A node on ports and a folder of its own."""

    def __init__(self) -> None:
        name = f"nexus-own-rabbit-{secrets.token_hex(4)}"
        self._folder = Path(tempfile.gettempdir()) / name
        self._folder.mkdir(mode=0o700)
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam(USER)
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.port, distribution = _free(), _free()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        (self._folder / "rabbitmq.conf").write_text(f"listeners.tcp.default = 127.0.0.1:{self.port}\n")
        (self._folder / "rabbitmq.conf").chmod(0o644)
        self._mark = str(self._folder)
        self._environ = {
            "PATH": os.environ.get("PATH", os.defpath), "HOME": self._mark, "RABBITMQ_NODENAME": f"{name}@localhost",
            "RABBITMQ_MNESIA_BASE": f"{self._mark}/data", "RABBITMQ_LOG_BASE": f"{self._mark}/log",
            "RABBITMQ_CONFIG_FILE": f"{self._mark}/rabbitmq.conf", "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{self._mark}/plugins", "RABBITMQ_PID_FILE": f"{self._mark}/pid",
        }  # fmt: skip

    @staticmethod
    def is_possible() -> bool:
        """Whether its programs are here."""
        return SERVER.exists()

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with (self._folder / "out").open("ab") as out:
            subprocess.Popen(
                [SERVER], env=self._environ, cwd=self._mark, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, **self._as,
            )  # fmt: skip
        end = time.monotonic() + 90
        while time.monotonic() < end:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as greeting:
                    greeting.sendall(b"AMQP\x00\x00\x09\x01")
                    if greeting.recv(1):
                        return
            except OSError:
                time.sleep(0.3)
        raise TimeoutError(f"RabbitMQ does not start: {(self._folder / 'out').read_text()[-2000:]}")

    def kill(self) -> None:
        """As a crash would."""
        for process in psutil.process_iter():
            try:
                if process.environ().get("RABBITMQ_MNESIA_BASE") == self._environ["RABBITMQ_MNESIA_BASE"]:
                    process.send_signal(signal.SIGKILL)
            except psutil.Error:
                continue

    def close(self) -> None:
        """End it for good."""
        self.kill()
        time.sleep(0.5)
        shutil.rmtree(self._folder, ignore_errors=True)


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
