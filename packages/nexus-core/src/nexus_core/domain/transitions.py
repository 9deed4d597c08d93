"""Which status may follow which."""

from __future__ import annotations

from ..errors import TransitionRefused
from .tasks import Status

_ANY = frozenset(Status)

#: From a status to those that may follow. A closed task is reopened to `pending` before it goes on.
ALLOWED: dict[Status, frozenset[Status]] = {
    Status.PENDING: _ANY,
    Status.IN_PROGRESS: _ANY,
    Status.REVIEW: _ANY,
    Status.BLOCKED: _ANY,
    Status.DEFERRED: _ANY,
    Status.DONE: frozenset({Status.PENDING, Status.IN_PROGRESS, Status.REVIEW, Status.CANCELLED}),
    Status.CANCELLED: frozenset({Status.PENDING, Status.DONE}),
}


def check_move(old: Status, new: Status) -> None:
    """Refuse a move that the table does not have.

    :raises TransitionRefused: with the statuses that could follow
    """
    if new not in ALLOWED[old]:
        could = ", ".join(sorted(ALLOWED[old]))
        raise TransitionRefused(f"a task that is {old} cannot become {new}; it can become {could}", allowed=could)
