"""What benches of servers share: servers that are started and ended, wrk, and the processor time that requests took."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

_TICKS = os.sysconf("SC_CLK_TCK")
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@attrs.frozen
class Sample:
    """What one run of wrk against one server found."""

    rate: float  #: requests a second
    p50: float  #: milliseconds
    p99: float
    app: float  #: microseconds of processor time a request, of the server's processes
    database: float  #: and of PostgreSQL's
    bad: int  #: answers other than 2xx and 3xx, and broken connections


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(command: Sequence[str], port: int, environ: Mapping[str, str], folder: Path, log: Path) -> Iterator[int]:
    """A server that listens; ended afterwards, with its workers. Gives its process id."""
    passed = {key: value for key, value in os.environ.items() if not key.startswith(("NEXUS_", "PYTHONDONTWRITE"))}
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, cwd=folder, env={**passed, **environ}, stdout=said, stderr=said, start_new_session=True
        )
        try:
            _await(port, process, log)
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _await(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"a server does not start:\n{log.read_text()[-2000:]}")


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            below = thread.read_text().split()
        except OSError:
            continue
        for child in below:
            found += tree(int(child))
    return found


def processor_seconds(pids: Sequence[int]) -> float:
    """What processes used so far, in user and system mode."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


class Backends:
    """The processes of PostgreSQL that serve one database on this machine."""

    def __init__(self, url: str) -> None:
        import psycopg

        self._connection = psycopg.connect(url, autocommit=True)

    def pids(self) -> list[int]:
        """All but ours."""
        rows = self._connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [row[0] for row in rows.fetchall()]

    def run(self, *statements: str) -> None:
        """Run statements, between measurements."""
        for statement in statements:
            self._connection.execute(statement)


def wrk(url: str, script: Path, seconds: float, environ: Mapping[str, str], connections: int = 32) -> Sequence[float]:
    """Requests a second, how many, p50, p99, bad ones."""
    program = shutil.which("wrk") or sys.exit("wrk is missing: apt-get install wrk")
    command = [program, "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", "--timeout", "10s"]
    ran = subprocess.run(
        [*command, "-s", str(script), url], capture_output=True, text=True, check=True, env={**os.environ, **environ}
    )
    said = ran.stdout

    def number(pattern: str, default: str = "0") -> float:
        found = re.search(pattern, said, re.MULTILINE)
        return float(found[1] if found else default)

    def milliseconds(share: int) -> float:
        found = re.search(rf"^\s+{share}%\s+([\d.]+)(us|ms|s|m)$", said, re.MULTILINE)
        return float(found[1]) * _UNITS[found[2]] if found else 0.0

    errors = sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", said)))
    bad = number(r"Non-2xx or 3xx responses: (\d+)") + errors
    return number(r"Requests/sec:\s+([\d.]+)"), number(r"(\d+) requests in"), milliseconds(50), milliseconds(99), bad


def sample(
    pid: int, backends: Backends | None, url: str, script: Path, seconds: float, environ: Mapping[str, str]
) -> Sample:
    """Have wrk ask a server, and count what that took."""
    below, serving = tree(pid), backends.pids() if backends else []
    before = processor_seconds(below), processor_seconds(serving)
    rate, number, p50, p99, bad = wrk(url, script, seconds, environ)
    app, database = processor_seconds(below) - before[0], processor_seconds(serving) - before[1]
    number = max(number, 1)
    return Sample(rate, p50, p99, app / number * 1e6, database / number * 1e6, int(bad))
