"""What an import did, or would do."""

from __future__ import annotations

import attrs

from ..errors import NexusError
from ..formats.model import Warning_
from .import_merge import Conflict


@attrs.frozen(kw_only=True)
class ImportReport:
    """What an import did, or would do."""

    repository: str
    layout: str
    dry_run: bool
    tasks: int  #: in the file, subtasks included; of a complexity report, its rows
    created: int
    changed: int
    unchanged: int
    warnings: tuple[Warning_, ...]
    dependencies: int = 0
    cycles: tuple[tuple[str, ...], ...] = ()  #: each left open at its last step
    conflicts: tuple[Conflict, ...] = ()  #: what the file and Nexus both changed, in full
    kind: str = "tasks"  #: or `scores`, for a complexity report
    format: str = "taskmaster"  #: of the file
    tag: str | None = None  #: of a complexity report
    unscored: int = 0  #: rows of a complexity report that stand for a missing analysis
    unmatched: int = 0  #: rows of a complexity report whose task is not here


class RolledBack(NexusError):
    """Ends the transaction of a dry run."""

    def __init__(self, report: ImportReport) -> None:
        self.report = report
        super().__init__()
