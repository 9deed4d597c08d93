"""The process around a worker: it starts the worker anew when a job brought the interpreter down."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import NoReturn

log = logging.getLogger("nexus.worker")

_PR_SET_PDEATHSIG = 1
WORN = 75
"""The exit code of a worker that is to be started anew."""

RESTART_SECONDS = 1.0
"""The wait before a restart, so that a worker that dies at once does not keep the machine busy."""


def die_with_parent(sig: int) -> None:
    """Have the kernel send us a signal when the process that started us ends; Linux only."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, sig, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), sig)  # it ended before we asked


def obey_supervisor(environ: Mapping[str, str]) -> None:
    """With `NEXUS_SUPERVISED=1` (`nexus up` sets it), end when whoever started us ends."""
    if environ.get("NEXUS_SUPERVISED") == "1":
        die_with_parent(signal.SIGTERM)


def keep_running(work: Callable[[], int]) -> int:
    """Run `work` in a child, again whenever a signal killed it or it is worn; its exit code once it ended by itself.

    SIGTERM and SIGINT are passed on. Where there is no fork, `work` runs here.
    """
    return _Keeper(work).run() if hasattr(os, "fork") else work()


class _Keeper:
    def __init__(self, work: Callable[[], int]) -> None:
        self._work = work
        self._child = 0
        self._ending = False

    def run(self) -> int:
        for sig in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sig, self._pass_on)
        while not self._ending:
            code = self._run_once()
            if code == WORN and not self._ending:
                log.warning("the worker has jobs that hang; starting it anew")
                continue
            if code >= 0 or self._ending:
                return 0 if code == WORN else max(code, 0)
            log.error("the worker was ended by %s; starting it anew", signal.Signals(-code).name)
            time.sleep(RESTART_SECONDS)
        return 0

    def _run_once(self) -> int:
        """Run the child to its end: its exit code, negative for a signal."""
        self._child = os.fork()
        if self._child == 0:
            self._be_child()
        if self._ending:
            os.kill(self._child, signal.SIGTERM)  # asked while there was no child to pass it on to
        _, status = os.waitpid(self._child, 0)
        self._child = 0
        return os.waitstatus_to_exitcode(status)

    def _be_child(self) -> NoReturn:
        code = 1
        try:
            for sig in (signal.SIGTERM, signal.SIGINT):
                signal.signal(sig, signal.SIG_DFL)
            # When our parent is killed without a word, we must not work on unseen.
            die_with_parent(signal.SIGKILL)
            code = self._work()
        except BaseException:
            log.exception("the worker failed")
        finally:
            logging.shutdown()
            os._exit(code)

    def _pass_on(self, _sig: int, _frame: object) -> None:
        self._ending = True
        if self._child:
            os.kill(self._child, signal.SIGTERM)
