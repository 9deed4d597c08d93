"""The process around a worker: it starts the worker anew when a job brought the interpreter down."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
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

    SIGTERM and SIGINT are passed on. At SIGHUP another child begins, and the one before it ends its work; from a
    terminal it is the end, for so terminals say that they are closed. Where there is no fork, `work` runs here.
    """
    return _Keeper(work).run() if hasattr(os, "fork") else work()


class _Keeper:
    """Waits for signals, one after the other, of which the end of a child is one."""

    def __init__(self, work: Callable[[], int]) -> None:
        has_terminal = sys.stdin is not None and sys.stdin.isatty()
        self._ends = {signal.SIGTERM, signal.SIGINT, *([signal.SIGHUP] if has_terminal else [])}
        self._heard = {*self._ends, signal.SIGHUP, signal.SIGCHLD}
        self._work = work
        self._child = 0
        self._former: set[int] = set()  #: who end their work, and are replaced
        self._ending = False
        self._code = 0

    def run(self) -> int:
        signal.signal(signal.SIGCHLD, lambda *_: None)  # what is ignored, which is the default, is not waited for
        signal.pthread_sigmask(signal.SIG_BLOCK, self._heard)
        try:
            self._start()
            while self._child or self._former:
                self._heed(signal.sigwait(self._heard))
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._heard)
        return self._code

    def _heed(self, sig: int) -> None:
        if sig in self._ends:
            self._end()
        elif sig == signal.SIGCHLD:
            self._reap()
        elif not self._ending:
            log.info("the worker is replaced by one that reads the configuration anew")
            former = self._child
            self._former.add(former)
            self._start()
            os.kill(former, signal.SIGTERM)

    def _end(self) -> None:
        self._ending = True
        for child in {self._child, *self._former} - {0}:
            os.kill(child, signal.SIGTERM)

    def _reap(self) -> None:
        """Take note of all children that have ended: one signal may stand for several."""
        while self._child or self._former:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._former.discard(pid)
            if pid == self._child:
                self._child = 0
                self._ended(os.waitstatus_to_exitcode(status))

    def _ended(self, code: int) -> None:
        """The child that is to work has ended, with an exit code or, negative, by a signal."""
        if self._ending:
            return
        if code == WORN:
            log.warning("the worker has jobs that hang; starting it anew")
        elif code >= 0:
            self._code = code
            self._end()
            return
        else:
            log.error("the worker was ended by %s; starting it anew", signal.Signals(-code).name)
            if signal.sigtimedwait(self._ends, RESTART_SECONDS) is not None:
                self._end()
                return
        self._start()

    def _start(self) -> None:
        self._child = os.fork()
        if self._child == 0:
            self._be_child()

    def _be_child(self) -> NoReturn:
        code = 1
        try:
            for sig in (*self._ends, signal.SIGCHLD):
                signal.signal(sig, signal.SIG_DFL)
            # A terminal sends it to all, and the keeper is the one to act; whoever we start is not to ignore it.
            signal.signal(signal.SIGHUP, lambda *_: None)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, self._heard)
            # When our parent is killed without a word, we must not work on unseen.
            die_with_parent(signal.SIGKILL)
            code = self._work()
        except BaseException:
            log.exception("the worker failed")
        finally:
            logging.shutdown()
            os._exit(code)
