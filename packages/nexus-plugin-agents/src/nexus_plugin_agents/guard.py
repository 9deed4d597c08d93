"""A small process between the worker and an agent: no agent outlives its worker, its time or its limits.

It is run by its path with the standard library alone: `python -I -S guard.py key=value … -- command …`.
Options: `life` (a socket's descriptor: at its end the agent is ended; reports travel the other way), `parent`
(the worker's process id), `grace` and `deadline` in seconds, `memory` and `file` in bytes, `processes`
(0 means no limit), `confine` (1: the command cannot look into other processes), `privileges` (0: it cannot
gain any, such as by sudo).

On Linux it adopts what the agent leaves behind (PR_SET_CHILD_SUBREAPER), so that a daemon of the agent's, in
a session of its own, is found and ended too. Elsewhere the agent's process group is all that can be found.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import subprocess
import sys
import time

TICK = 0.5  # seconds between two looks at the limits
_LINUX = sys.platform.startswith("linux")
_PAGE = resource.getpagesize()
_SET_PDEATHSIG, _CAPBSET_DROP, _SET_CHILD_SUBREAPER, _SET_NO_NEW_PRIVS = 1, 24, 36, 38
# Without these even root cannot look into the memory or environment of the hub's processes: that needs all of
# their capabilities, or SYS_PTRACE, or (since Linux 6.15) PERFMON or SYS_ADMIN.
# In order: SYS_PTRACE, PERFMON, SYS_ADMIN, SYS_MODULE, SYS_RAWIO, SETPCAP.
_DROPPED = (19, 38, 21, 16, 17, 8)


class Guard:
    """Runs one command and ends all that came of it."""

    def __init__(self, options: dict[str, str]) -> None:
        self._life = int(options["life"])
        self._parent = int(options["parent"])
        self._grace = float(options["grace"])
        self._deadline = time.monotonic() + float(options["deadline"])
        self._memory, self._file = int(options["memory"]), int(options["file"])
        self._processes = int(options["processes"])
        self._confined, self._privileges = options["confine"] == "1", options["privileges"] == "1"
        self._libc = ctypes.CDLL(None, use_errno=True) if _LINUX else None
        self._asked = ""  # asked, or taken: another run takes over
        self._agent = 0
        self._code: int | None = None

    def run(self, command: list[str]) -> int:
        """Run the command to its end or to ours; its exit code, 128 and more when a signal ended it."""
        wake, poke = os.pipe()
        os.set_blocking(poke, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(poke, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_request)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._prctl(_SET_CHILD_SUBREAPER, 1)
        self._prctl(_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != self._parent:
            return 143
        try:
            # Kept: its destructor would reap the agent and swallow its exit code. We reap all children.
            self._child = subprocess.Popen(command, start_new_session=True, preexec_fn=self._prepare)
        except OSError as error:
            self._tell(f"unstarted {error.strerror}")
            return 127
        self._agent = self._child.pid
        self._tell(f"agent {self._agent}")
        reason = self._watch(wake)
        self._end_all()
        self._reap()
        if reason:
            self._tell(f"ended {reason}")
        return 137 if self._code is None else self._code

    def _on_request(self, number: int, _: object) -> None:
        self._asked = "taken" if number == signal.SIGHUP else self._asked or "asked"

    def _tell(self, text: str) -> None:
        try:
            os.write(self._life, text.encode() + b"\n")
        except OSError:
            self._asked = self._asked or "asked"  # the worker is gone

    def _prctl(self, option: int, value: int) -> None:
        if self._libc is not None:
            self._libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))

    def _prepare(self) -> None:
        """In the command's process, before the command takes over."""
        self._prctl(_SET_PDEATHSIG, signal.SIGKILL)
        if not self._privileges:
            self._prctl(_SET_NO_NEW_PRIVS, 1)
        for capability in _DROPPED if self._confined else ():
            self._prctl(_CAPBSET_DROP, capability)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        if self._file and (hard == resource.RLIM_INFINITY or self._file < hard):
            resource.setrlimit(resource.RLIMIT_FSIZE, (self._file, self._file))
        if _LINUX:
            _prefer_for_oom_kill()

    def _watch(self, wake: int) -> str:
        """Wait for the agent's end (empty), or for a reason to end it."""
        while True:
            self._reap()
            if self._code is not None:
                return ""
            if self._asked:
                return self._asked
            if time.monotonic() >= self._deadline:
                return "timeout"
            over = self._over()
            if over:
                return over
            wait = min(TICK, max(0.0, self._deadline - time.monotonic()))
            ready = select.select([self._life, wake], [], [], wait)[0]
            if wake in ready:
                os.read(wake, 4096)
            if self._life in ready and not self._is_wanted():
                self._asked = self._asked or "asked"

    def _is_wanted(self) -> bool:
        try:
            return bool(os.read(self._life, 64))
        except OSError:
            return False

    def _over(self) -> str:
        if not _LINUX or not (self._memory or self._processes):
            return ""
        living = descendants(os.getpid())
        if self._processes and len(living) > self._processes:
            return "processes"
        if self._memory and sum(living.values()) > self._memory:
            return "memory"
        return ""

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._agent:
                code = os.waitstatus_to_exitcode(status)
                self._code = code if code >= 0 else 128 - code

    def _living(self) -> list[int]:
        if _LINUX:
            return list(descendants(os.getpid()))
        try:
            os.killpg(self._agent, 0)
        except (ProcessLookupError, PermissionError):
            return []
        return [self._agent]

    def _signal_all(self, number: int) -> None:
        # Once the leader is reaped, its id may be given to another group; its descendants are found one by one.
        group = [] if _LINUX and self._code is not None else [(os.killpg, self._agent)]
        for send, target in (*group, *((os.kill, pid) for pid in self._living())):
            try:
                send(target, number)
            except (ProcessLookupError, PermissionError):
                continue

    def _end_all(self) -> None:
        """Ask every process to end, wait for the grace, then kill: stopped first, so as to outrun forks."""
        self._reap()
        if self._living():
            self._signal_all(signal.SIGTERM)
            self._signal_all(signal.SIGCONT)
        patience = time.monotonic() + self._grace
        while self._living() and time.monotonic() < patience:
            time.sleep(0.05)
            self._reap()
        for _ in range(100):
            if not self._living():
                return
            for number in (signal.SIGSTOP, signal.SIGSTOP, signal.SIGKILL):
                self._signal_all(number)
            time.sleep(0.05)
            self._reap()


def _prefer_for_oom_kill() -> None:
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("500")
    except OSError:
        return  # some containers refuse it; it is a preference


def descendants(root: int) -> dict[int, int]:
    """The living processes below one: the bytes of memory that each holds, by process id (Linux)."""
    parents: dict[int, int] = {}
    memory: dict[int, int] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib would double the start-up time
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        parents[int(name)] = int(fields[1])
        if fields[0] not in (b"Z", b"X"):
            memory[int(name)] = int(fields[21]) * _PAGE
    return {pid: size for pid, size in memory.items() if _is_below(pid, root, parents)}


def _is_below(pid: int, root: int, parents: dict[int, int]) -> bool:
    for _ in range(len(parents)):
        pid = parents.get(pid, 0)
        if pid == root:
            return True
        if pid <= 1:
            return False
    return False


def main(arguments: list[str]) -> int:
    """Read the options and run the command."""
    split = arguments.index("--")
    return Guard(dict(option.split("=", 1) for option in arguments[:split])).run(arguments[split + 1 :])


if __name__ == "__main__":
    code = main(sys.argv[1:])
    os._exit(code)  # not sys.exit: nothing is buffered, and nothing must wait
