"""Ctrl-C, whenever it comes: no traceback."""

import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are as POSIX has them")

INTERRUPTED = """
import os, signal, sys

class AtImport:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, AtImport())
sys.argv = ["nexus", "task", "list"]
from nexus_cli.__main__ import run
sys.exit(run())
"""


@pytest.mark.parametrize(
    ("module", "code", "said"),
    [("click", -signal.SIGINT, ""), ("nexus_cli.commands.task_list", 130, "\nnexus: interrupted\n")],
)
def test_an_interrupt_is_a_word_at_most(tmp_path, module, code, said):
    """While the command is loaded it ends as the shell knows it; from then on it says so."""
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED.format(module=module)], capture_output=True, text=True, timeout=30
    )

    assert (code, said, "") == (ended.returncode, ended.stderr, ended.stdout)
