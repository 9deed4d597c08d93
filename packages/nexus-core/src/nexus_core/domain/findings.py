"""What the doctor of tasks says: checks, the cases that they find, and how each can be mended.

A check looks at one subject, the live tasks of a repository (checks.py) or its task file (formats/), and yields a case
for each place where something is wrong. All that a check finds in one repository is told as one finding.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from .tasks import Task


class Severity(enum.StrEnum):
    """How much a finding matters."""

    ERROR = "error"  #: tasks were left out, cannot be told apart, or can never be worked on
    WARNING = "warning"  #: likely a mistake; somebody should look
    NOTE = "note"  #: good to know; work goes on as it should


@attrs.frozen(kw_only=True)
class FileMend:
    """A change of one value in the text of a task file, as JSON text before and after.

    It holds as long as the file says what it said: it is made whenever the file is written, also when an older version
    was imported again meanwhile, and it is not made where somebody wrote something else.
    """

    key: str  #: of the task object, such as `master:3.2`
    member: str  #: such as `status`; of `dependencies` one element is meant
    was: str
    now: str | None = None  #: None = the element is taken out


@attrs.frozen(kw_only=True)
class Case:
    """One place where a check found something."""

    message: str = ""  #: what is particular to it; empty when the finding says all
    task: int | None = None
    key: str | None = None  #: its external key, when it is known by that alone
    others: tuple[int, ...] = ()  #: the tasks that have to do with it
    line: int | None = None  #: in the task file
    commands: tuple[str, ...] = ()  #: each mends this case in one way
    edits: tuple[FileMend, ...] = ()


@attrs.frozen(kw_only=True)
class Mend:
    """A way in which Nexus itself can mend all cases of a check."""

    name: str  #: unique within its check
    does: str  #: such as `completes their open subtasks`
    automatic: bool = False  #: it decides nothing that a person should, so it is made without being named
    edits_file: bool = False  #: it is the edits of the cases; the tasks in Nexus stay as they are


@attrs.frozen(kw_only=True)
class Check:
    """One thing that can be wrong: its stable code, its words, and the function that finds it."""

    code: str
    severity: Severity
    one: str  #: what a single case is, in a sentence
    many: str  #: the same of several; `{count}` is how many
    find: Callable[[Any], Iterable[Case]]
    meanwhile: str = ""  #: what Nexus, or Taskmaster, makes of it
    advice: str = ""  #: what a person can do, where Nexus cannot mend it or it can be mended otherwise too
    mends: tuple[Mend, ...] = ()

    def message(self, count: int) -> str:
        """The finding in a sentence."""
        return self.one if count == 1 else self.many.format(count=count)

    def mend(self, name: str | None = None) -> Mend | None:
        """The mend of this name; without one, that which needs no choice."""
        if name is not None:
            return next((mend for mend in self.mends if mend.name == name), None)
        candidates = [mend for mend in self.mends if mend.automatic] or list(self.mends)
        return candidates[0] if len(candidates) == 1 else None


@attrs.frozen(kw_only=True)
class Diagnosis:
    """What a check found in one repository: at least one case."""

    check: Check
    cases: tuple[Case, ...]


@attrs.frozen(kw_only=True)
class Finding:
    """A diagnosis as somebody is told it: the first cases, and only tasks that they may see."""

    check: Check
    repository_id: int | None
    repository: str | None
    path: str | None  #: of the repository's task file
    count: int  #: of all cases
    cases: tuple[Case, ...]
    tasks: Mapping[int, Task]  #: those that the cases name, by id


@attrs.frozen(kw_only=True)
class Mended:
    """What a mend changed, or would change."""

    check: Check
    mend: Mend
    count: int
    changes: tuple[str, ...]  #: the first of them, in words


def diagnose(checks: Iterable[Check], subject: Any) -> list[Diagnosis]:
    """What these checks find, in their order."""
    found = [(check, tuple(check.find(subject))) for check in checks]
    return [Diagnosis(check=check, cases=cases) for check, cases in found if cases]
