"""The command `worker` with all installed plugins and the probes beside them: `python -m tests.long.worker FILE …`."""

from __future__ import annotations

import sys
from functools import partial

from tests.worker_process import Probe

from nexus_core import Nexus

if __name__ == "__main__":
    from nexus_worker.main import worker

    Nexus.open = partial(Nexus.open, plugins=[Probe(sys.argv[1])])  # type: ignore[method-assign]
    sys.exit(worker.main(sys.argv[2:], prog_name="worker", standalone_mode=False))
