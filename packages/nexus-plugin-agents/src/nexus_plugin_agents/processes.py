"""Processes of this machine: which one it is, what is left of an earlier run, and who may look into ours."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_LINUX = sys.platform.startswith("linux")
_SET_DUMPABLE = 4


def start_time(pid: int) -> str:
    """When the process started, in words of this machine; empty when there is none.

    It tells a process from a later one with the same id.
    """
    if pid <= 0:
        return ""
    if not _LINUX:
        found = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return found.stdout.strip()
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    return "" if fields[0] in (b"Z", b"X") else f"{boot}:{fields[19].decode()}"


def with_variable(name: str, value: str) -> list[int]:
    """The processes that carry this environment variable, whoever their parents are (Linux; else none)."""
    wanted = f"{name}={value}".encode()
    found = []
    for entry in Path("/proc").iterdir() if _LINUX else ():
        with suppress(OSError):
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid()]


def end_guard(pid: int, started: str, patience: float) -> None:
    """Tell the guard of an earlier run that another takes over, then kill it after `patience` seconds."""
    for number, wait in ((signal.SIGHUP, patience), (signal.SIGKILL, 2.0)):
        if not started or start_time(pid) != started:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        _wait_until(lambda: start_time(pid) != started, wait)


def end_marked(name: str, value: str, patience: float) -> None:
    """End the processes that carry this environment variable: what is left when even the guard was killed."""
    for number, wait in ((signal.SIGHUP, 0.2), (signal.SIGTERM, patience), (signal.SIGKILL, 2.0)):
        for pid in with_variable(name, value):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        if _wait_until(lambda: not with_variable(name, value), wait):
            return


def _wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)
    return True


def shield() -> None:
    """Refuse other processes of this user a look into this one: environment, memory, descriptors (Linux).

    An agent runs as the same user; without this it reads the hub's secrets in /proc. Core dumps end too.
    """
    if _LINUX:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(_SET_DUMPABLE, *(ctypes.c_ulong(0) for _ in range(4)))
