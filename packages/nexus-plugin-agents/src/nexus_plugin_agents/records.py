"""What is written down of a run beside its folder, so that a later run knows what was left and done."""

from __future__ import annotations

import json
import os
from pathlib import Path

import attrs

from .processes import end_guard, end_marked

#: The environment variable by which the processes of a run are found again.
MARK = "NEXUS_RUN"


@attrs.frozen(kw_only=True)
class Record:
    """One run, as far as it came."""

    key: str = ""  #: the assignment, unmistakably
    token: str = ""  #: the value of MARK in the environment of the run's processes
    guard: int = 0  #: process id
    guard_started: str = ""
    is_finished: bool = False  #: the agent has ended well: its work is to be delivered, not to be done again
    is_delivered: bool = False  #: and pushed
    summary: str = ""
    base: str = ""
    head: str = ""
    commits: int = 0

    def write(self, path: Path) -> Record:
        """Keep it, so that it survives the death of this process and of the machine."""
        beside = path.with_name(f".{path.name}.new")
        with open(beside, "w", encoding="utf-8", opener=_private) as file:
            json.dump(attrs.asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        return self

    def end_processes(self, grace: float) -> None:
        """End what still runs of it."""
        if self.is_finished or not self.token:
            return
        end_guard(self.guard, self.guard_started, grace + 7)
        end_marked(MARK, self.token, grace)


def read(path: Path) -> Record:
    """The record of the last run; an empty one where there is none or none that makes sense."""
    try:
        return Record(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return Record()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
