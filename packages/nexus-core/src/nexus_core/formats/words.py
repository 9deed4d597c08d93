"""Words for status and priority, as files of any format spell them."""

from __future__ import annotations

import re

from ..domain.tasks import Priority, Status

_STATUSES = {str(status): status for status in Status} | {"completed": Status.DONE}
_NEAR = {"canceled": "cancelled", "inprogress": "in-progress", "complete": "completed"}


def status_of(word: str) -> Status | None:
    """The status that a word is, in small letters.

    >>> status_of("completed"), status_of("in progress")
    (<Status.DONE: 'done'>, None)
    """
    return _STATUSES.get(word)


def status_near(word: str) -> Status | None:
    """The status that a word means, however it is spelled.

    >>> status_near("In_Progress"), status_near("open")
    (<Status.IN_PROGRESS: 'in-progress'>, None)
    """
    near = re.sub(r"[\s_]+", "-", word.strip().lower())
    return _STATUSES.get(_NEAR.get(near, near))


def priority_of(word: str) -> Priority | None:
    """The priority that a word means."""
    plain = word.strip().lower()
    return Priority(plain) if plain in list(Priority) else None
