"""Every check of live tasks."""

from __future__ import annotations

from ..findings import Check, Severity
from . import circles, dependencies, family, upkeep, work

_GRAVITY = list(Severity)

#: Every check of live tasks, the gravest first.
CHECKS: tuple[Check, ...] = tuple(
    sorted(
        (*upkeep.CHECKS, *circles.CHECKS, *dependencies.CHECKS, *family.CHECKS, *work.CHECKS),
        key=lambda check: _GRAVITY.index(check.severity),
    )
)
