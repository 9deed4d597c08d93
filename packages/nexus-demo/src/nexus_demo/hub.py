"""The demo's hub: `nexus up` in processes of its own, reached over HTTP and through the command line."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from nexus_core.location import read_hub

from .show import StepFailed

T = TypeVar("T")
_PATIENCE = 30.0
"""How long the demo waits for any one thing, in seconds."""


def kill_hub(pid: int) -> None:
    """Send -9 to the process of `nexus up` and to all below it that are Nexus's own, all in one go."""
    below: dict[int, list[int]] = {}
    for child, parent, arguments in processes():
        if "nexus_cli" in arguments:
            below.setdefault(parent, []).append(child)
    doomed, front = [pid], [pid]
    while front:
        front = [child for parent in front for child in below.get(parent, ())]
        doomed += front
    for one in doomed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def processes() -> list[tuple[int, int, str]]:
    """Every process of this machine: its id, its parent's, its command line."""
    if not Path("/proc/self/stat").exists():  # not Linux
        rows = subprocess.run(["ps", "-axo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
        return [
            (int(child), int(parent), words)
            for child, parent, words in (row.split(None, 2) for row in rows.splitlines())
        ]
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):  # it ended meanwhile
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            found.append((int(folder.name), int(parent), words))
    return found


class DemoHub:
    """A hub on a scratch folder."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.log = folder / "hub.log"
        self.admin_key = "demo-" + os.urandom(24).hex()
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("NEXUS_")},
            "HOME": str(folder / "home"),
            "NEXUS_DATA_DIR": str(self.data_dir),
            "NEXUS_CONFIG": str(folder / "nexus.toml"),
            "NEXUS_BIND": "127.0.0.1:0",
            "NEXUS_BOOTSTRAP_ADMIN_KEY": self.admin_key,
            **environ,
        }
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and the worker. :raises StepFailed: they did not come up"""
        (self.folder / "home").mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "nexus_cli", "up"], cwd=self.folder, env=self.environ, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.url = self.wait_for(self._address, "the hub to answer")

    def _address(self) -> str | None:
        if self._process is None or self._process.poll() is not None:
            raise StepFailed(f"the hub ended at once:\n{self.log.read_text('utf-8', 'replace')[-2000:]}")
        found = read_hub(self.data_dir)
        if found is None:
            return None
        with contextlib.suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(f"{found.url}/readyz", timeout=2).close()  # noqa: S310 - our own address
            return found.url
        return None

    def kill(self) -> None:
        """End supervisor, server and worker at once, as a crash would; agents are left to notice."""
        if self._process is not None:
            kill_hub(self._process.pid)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End the hub in order; a hub that does not end is killed."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    # Asking -----------------------------------------------------------------------------------------------------------

    def get(self, path: str, **query: Any) -> Any:
        """A document of the API."""
        words = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.url}/api/v1{path}?{words}", headers={"Authorization": f"Bearer {self.admin_key}"}
        )
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310 - our own address
            return json.load(answer)

    def nexus(self, *arguments: str, ok: bool = True) -> tuple[int, Any]:
        """Run a command of the CLI with `--json`; its exit code and its document."""
        done = subprocess.run(
            [sys.executable, "-m", "nexus_cli", *arguments, "--json"], cwd=self.folder, env=self.environ,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        if ok and done.returncode:
            raise StepFailed(f"nexus {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.returncode, json.loads(done.stdout) if done.stdout.strip() else done.stderr.strip()

    def text(self, *arguments: str) -> str:
        """What a command of the CLI prints for people."""
        done = subprocess.run(
            [sys.executable, "-m", "nexus_cli", *arguments], cwd=self.folder, env=self.environ, capture_output=True,
            text=True, timeout=60,
        )  # fmt: skip
        return done.stdout.rstrip()

    def events(self, kind: str, **query: Any) -> list[dict[str, Any]]:
        """The events of a type so far."""
        found: list[dict[str, Any]] = self.get("/events", type=kind, limit=200, **query)["items"]
        return found

    def wait_for_event(self, kind: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first event of a type that fits; waits for it."""

        def look() -> dict[str, Any] | None:
            return next((event for event in self.events(kind) if holds(event)), None)

        return self.wait_for(look, f"the event {kind}")

    def wait_for(self, look: Callable[[], T | None], what: str) -> T:
        """Ask until there is an answer. :raises StepFailed: there was none in time"""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if (found := look()) is not None:
                return found
            time.sleep(0.1)
        tail = self.log.read_text("utf-8", "replace")[-3000:] if self.log.exists() else ""
        raise StepFailed(f"waited {_PATIENCE:.0f} s for {what}, in vain. The hub's log ends with:\n{tail}")
