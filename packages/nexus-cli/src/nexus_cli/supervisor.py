"""Two processes, the server and the worker: started in order, started again when they die, stopped together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from nexus_core import location

from .failures import DONE, UNEXPECTED
from .session import Session, to_json

if TYPE_CHECKING:
    from .screen import Screen

GRACE_SECONDS = 30.0
"""How long the processes may take to end before they are killed: longer than each of them gives its own work."""
START_SECONDS = 60.0
STEADY_SECONDS = 60.0
"""Who ran for so long is started again at once; who dies sooner waits, twice as long each time."""
LONGEST_PAUSE = 30.0
_TICK = 0.1


class Child:
    """One of the processes."""

    def __init__(self, name: str, arguments: list[str], environ: dict[str, str]) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "nexus_cli", name, *arguments]
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause = 0.0
        self._due = 0.0

    @property
    def pid(self) -> int:
        """The process id; 0 when it was never started."""
        return self._process.pid if self._process else 0

    def start(self, read: Callable[[str], None] | None = None) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches the supervisor alone; `read` gets what it prints."""
        self._process = subprocess.Popen(
            self._command, env=self._environ, stdin=subprocess.DEVNULL, start_new_session=True,
            stdout=subprocess.PIPE if read else None,
        )  # fmt: skip
        self._started = time.monotonic()
        if read and self._process.stdout:
            threading.Thread(target=_pass_on, args=(self._process.stdout, read), daemon=True).start()

    def ended(self) -> int | None:
        """How it ended; None while it runs, or before it was started."""
        return self._process.poll() if self._process else None

    def plan_restart(self) -> float:
        """When to start it again, after it died: the seconds from now."""
        now = time.monotonic()
        is_steady = now - self._started >= STEADY_SECONDS
        self._pause = 0.0 if is_steady else min(LONGEST_PAUSE, self._pause * 2 or 0.5)
        self._due = now + self._pause
        self.kill()  # what it left: nothing may hold the port
        self._process = None
        return self._pause

    @property
    def is_due(self) -> bool:
        """Whether it is down and its pause is over."""
        return self._process is None and time.monotonic() >= self._due

    def stop(self) -> None:
        """Ask it to end its work and go."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def reread(self) -> None:
        """Have it read the configuration anew."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """End it and what it started, now."""
        if self._process is None:
            return
        with suppress(ProcessLookupError, PermissionError):  # nothing is left of it
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _pass_on(stream: Any, read: Callable[[str], None]) -> None:
    for line in stream:
        read(line.decode(errors="replace").rstrip("\n"))


class Supervisor:
    """Runs the server and the worker."""

    def __init__(self, session: Session, *, bind: str | None, verbose: bool) -> None:
        environ = {**os.environ, **session.environ, "NEXUS_SUPERVISED": "1"}
        if bind:
            environ["NEXUS_BIND"] = bind
        quiet = [] if verbose else ["--quiet"]
        self._session = session
        self._environ = environ
        self._server = Child("serve", quiet, environ)
        self._worker = Child("worker", quiet, environ)
        self._children = (self._server, self._worker)
        self._printed: list[str] = []
        self._signals = 0

    def run(self) -> int:
        """Keep both running until a signal comes; the exit code."""
        from nexus_core.config import load_config

        config = load_config(environ=self._environ)
        handled = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        handled[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._on_hangup)
        try:
            return self._serve(config.data_dir, str(config["public_url"] or ""))
        finally:
            self._stop()
            for number, handler in handled.items():
                signal.signal(number, handler)

    def _serve(self, data_dir: Path, public_url: str) -> int:
        self._server.start(self._printed.append)
        url = self._wait_until_ready(data_dir)
        if url is None:
            return DONE if self._signals else self._server.ended() or UNEXPECTED
        self._worker.start()
        self._announce(public_url or url)
        while not self._signals:
            self._tend()
            time.sleep(_TICK)
        return DONE

    def _wait_until_ready(self, data_dir: Path) -> str | None:
        """The address, once the server left it in the data folder; None when it ended, or was told to."""
        deadline = time.monotonic() + START_SECONDS
        while not self._signals and self._server.ended() is None and time.monotonic() < deadline:
            hub = location.read_hub(data_dir)
            if hub is not None and hub.pid == self._server.pid:
                return hub.url
            time.sleep(_TICK / 2)
        return None

    def _tend(self) -> None:
        for child in self._children:
            code = child.ended()
            if code is not None:
                pause = child.plan_restart()
                self._say(f"{child.name} ended ({_how(code)}); starting it again in {pause:g} s")
            elif child.is_due:
                child.start(self._pass_line if child is self._server else None)

    def _stop(self) -> None:
        """Ask both to end, the worker first; a second signal, or the end of the grace, kills them."""
        told = self._signals
        deadline = time.monotonic() + GRACE_SECONDS
        for child in reversed(self._children):
            child.stop()
        while any(child.pid and child.ended() is None for child in self._children):
            if time.monotonic() > deadline or self._signals > max(told, 1):
                self._say("they take too long; killing them")
                break
            time.sleep(_TICK / 2)
        for child in self._children:
            child.kill()

    def _on_hangup(self, number: int, frame: FrameType | None) -> None:
        if self._session.screen.is_terminal:
            self._signals += 1  # it was closed
        for child in self._children:
            child.reread()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1

    def _announce(self, url: str) -> None:
        key = next((line.strip() for line in self._printed if line.strip().startswith("nxs_")), None)
        if self._session.as_json:
            self._session.write(to_json({"url": url, "docs": f"{url}/docs", "admin_key": key}).encode())
            return
        screen = self._session.screen
        screen.line(f"Nexus is up at {screen.bold(url)}")
        self._tell_places(screen, url, key)
        screen.flush()

    def _tell_places(self, screen: Screen, url: str, key: str | None) -> None:
        screen.line(f"  API reference  {url}/docs")
        if key:
            screen.line(f"  admin key      {screen.bold(key)}")
            screen.line("                 Keep it now: it is not shown again. Use it as NEXUS_TOKEN elsewhere;")
            screen.line("                 here, `nexus task list` and its like need none.")
        screen.line("  stop           Ctrl-C" if screen.is_terminal else f"  stop           kill {os.getpid()}")

    def _pass_line(self, line: str) -> None:
        self._session.note(line)

    def _say(self, text: str) -> None:
        self._session.note(f"nexus: {text}")


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
