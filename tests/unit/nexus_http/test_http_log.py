"""The server's log goes out in bundles."""

import logging
import os
import subprocess
import sys
import time

from nexus_http.log import EVERY_SECONDS, BundlingHandler


class Stream:
    """Remembers what is written."""

    def __init__(self):
        self.written = []

    def write(self, text):
        self.written.append(text)

    def flush(self):
        """Nothing is held back."""


def _log(handler, level, message):
    handler.handle(logging.LogRecord("x", level, "", 0, message, (), None))


def _handler():
    handler = BundlingHandler()
    handler.setStream(Stream())
    return handler


def test_lines_go_out_together_soon():
    """Lines of one moment are one write, in their order, without anybody asking for it."""
    handler = _handler()
    for number in range(3):
        _log(handler, logging.INFO, f"line {number}")
    at_once = list(handler.stream.written)
    end = time.monotonic() + 50 * EVERY_SECONDS
    while not handler.stream.written and time.monotonic() < end:
        time.sleep(EVERY_SECONDS / 5)

    assert ([], ["line 0\nline 1\nline 2\n"]) == (at_once, handler.stream.written)


def test_what_is_urgent_goes_out_at_once():
    """A warning does not wait, and does not overtake what was said before it."""
    handler = _handler()
    _log(handler, logging.INFO, "before")
    _log(handler, logging.WARNING, "fire")

    assert ["before\nfire\n"] == handler.stream.written


_FORKING = """
import logging, os, sys, time
from nexus_http.log import set_up
set_up(logging.INFO)
log = logging.getLogger("x")
log.info("parent")
child = os.fork()
if child == 0:
    log.info("child")
    sys.exit()
os.waitpid(child, 0)
log.info("again")
"""


def test_a_fork_has_its_own_bundle():
    """Lines of a process that forks, and of the one that is forked, each go out once, at the latest at the end."""
    ran = subprocess.run(
        [sys.executable, "-c", _FORKING], capture_output=True, text=True, timeout=30, env={**os.environ}, check=True
    )

    assert ["again", "child", "parent"] == sorted(ran.stderr.split())
