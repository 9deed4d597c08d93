"""Rework: what reviewers and checks found in an agent's change."""

from __future__ import annotations

import attrs

from .agents import Assignment


@attrs.frozen(kw_only=True)
class Finding:
    """One thing to mend."""

    key: str  #: tells it from all others of the task; it goes back once
    text: str  #: from outside: data, whatever it says


@attrs.frozen(kw_only=True)
class Rework:
    """What became of findings."""

    note: str
    assignment: Assignment | None = None  #: of the agent that was told
    is_exhausted: bool = False  #: it was told as often as it may be
