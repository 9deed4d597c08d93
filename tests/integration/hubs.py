"""Running commands of the CLI and whole hubs, as a person would, on a scratch folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nexus_core.location import Hub, read_hub
from nexus_demo.hub import kill_hub

ADMIN_KEY = "an-admin-key-for-the-integration-tests"


def environment(folder: Path, **more: str) -> dict[str, str]:
    """An environment in which nothing of this machine's user is read or written."""
    (folder / "home").mkdir(exist_ok=True, parents=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NEXUS_", "XDG_"))}
    return {
        **kept,
        "HOME": str(folder / "home"),
        "NEXUS_DATA_DIR": str(folder / "data"),
        "NEXUS_BIND": "127.0.0.1:0",
        "NEXUS_BOOTSTRAP_ADMIN_KEY": ADMIN_KEY,
        **more,
    }


def nexus(environ: Mapping[str, str], *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of the CLI to its end."""
    return subprocess.run(
        [sys.executable, "-m", "nexus_cli", *arguments],
        env=dict(environ), cwd=cwd, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


class RunningHub:
    """`nexus up` in a process group of its own."""

    def __init__(self, process: subprocess.Popen[bytes], hub: Hub, log: Path) -> None:
        self.process = process
        self.url = hub.url
        self.log = log

    def request(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """Status and document of a call."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/api/v1{path}", data, method=method,
            headers={"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json", **(headers or {})},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def kill(self) -> None:
        """End everything at once, as a crash would."""
        kill_hub(self.process.pid)
        self.process.wait()


@contextmanager
def running_hub(environ: Mapping[str, str], folder: Path) -> Iterator[RunningHub]:
    """A hub that answers; ended afterwards."""
    log = folder / "hub.log"
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "nexus_cli", "up"], env=dict(environ), cwd=folder, stdin=subprocess.DEVNULL,
            stdout=stream, stderr=stream, start_new_session=True,
        )  # fmt: skip
    try:
        yield RunningHub(process, wait_for_hub(process, Path(environ["NEXUS_DATA_DIR"]), log), log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


@contextmanager
def running(
    environ: Mapping[str, str], folder: Path, *arguments: str, python: str = sys.executable
) -> Iterator[subprocess.Popen[bytes]]:
    """A command of the CLI that stays, such as `serve`, in a session of its own; ended afterwards."""
    with (folder / f"{arguments[0]}.log").open("ab") as log:
        process = subprocess.Popen(
            [python, "-m", "nexus_cli", *arguments], env=dict(environ), cwd=folder, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(40)


def wait_for_hub(process: subprocess.Popen[bytes], data_dir: Path, log: Path) -> Hub:
    """The hub that a process is to become, once it is ready."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        hub = read_hub(data_dir)
        if hub is not None:
            try:
                urllib.request.urlopen(f"{hub.url}/readyz", timeout=2).close()
                return hub
            except OSError:
                pass
        time.sleep(0.05)
    raise AssertionError(f"the hub did not come up: {log.read_text()}")


def wait_until(holds: Any, seconds: float = 30.0) -> Any:
    """The first true answer of `holds()`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := holds():
            return found
        time.sleep(0.05)
    raise AssertionError("waited in vain")
