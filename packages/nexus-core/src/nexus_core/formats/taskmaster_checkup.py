"""The doctor of Taskmaster files: every check of the text, and the mends."""

from __future__ import annotations

from ..domain.chart import FileFacts, FileLink
from ..domain.findings import diagnose
from . import taskmaster_habits, taskmaster_mistakes
from .model import FileDoctor, FileExamination
from .taskmaster_file import open_file
from .taskmaster_mends import mend
from .taskmaster_opened import Opened
from .taskmaster_tasks import read_tasks

CHECKS = (*taskmaster_mistakes.CHECKS, *taskmaster_habits.CHECKS)


def examine(content: bytes) -> FileExamination:
    """Look at a file.

    :raises UnreadableFile: it is not JSON, or not Taskmaster's
    """
    file = open_file(content)
    opened = Opened.of(file, read_tasks(file))
    return FileExamination(diagnoses=tuple(diagnose(CHECKS, opened)), facts=_facts(opened))


def _facts(opened: Opened) -> FileFacts:
    """What the checks of live tasks want to know."""
    return FileFacts(
        lines={entry.key: opened.line(entry.node.start) for entry in opened.entries},
        links=tuple(
            FileLink(key=entry.key, on=link.target.key, drop=opened.drop(entry, link))
            for entry, link in opened.linked()
            if link.counts and link.target is not None
        ),
    )


DOCTOR = FileDoctor(checks=CHECKS, examine=examine, mend=mend)
