"""A worker to be killed: runs one request. Arguments: conftest.py, worktrees, command, URL."""

import runpy
import sys
from pathlib import Path

conftest, worktrees, command, url = sys.argv[1:]
support = runpy.run_path(conftest)
print(support["make_runner"]().run(support["make_request"](Path(worktrees), (command,), url)), flush=True)
