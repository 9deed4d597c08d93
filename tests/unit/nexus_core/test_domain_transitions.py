"""Which status may follow which."""

import pytest

from nexus_core.domain.tasks import Status
from nexus_core.domain.transitions import ALLOWED, check_move
from nexus_core.errors import TransitionRefused


def test_every_status_is_in_the_table():
    """A new status cannot be forgotten."""
    assert set(Status) == set(ALLOWED)


@pytest.mark.parametrize("old", [status for status in Status if not status.is_closed])
@pytest.mark.parametrize("new", list(Status))
def test_an_open_task_may_go_anywhere(old, new):
    """Work takes many ways."""
    check_move(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (Status.DONE, Status.BLOCKED), (Status.DONE, Status.DEFERRED), (Status.CANCELLED, Status.IN_PROGRESS),
        (Status.CANCELLED, Status.REVIEW), (Status.CANCELLED, Status.BLOCKED), (Status.CANCELLED, Status.DEFERRED),
    ],
)  # fmt: skip
def test_a_closed_task_is_reopened_first(old, new):
    """The refusal says what could be done instead."""
    with pytest.raises(TransitionRefused, match=r"it can become .*pending"):
        check_move(old, new)


@pytest.mark.parametrize("old", [Status.DONE, Status.CANCELLED])
def test_a_closed_task_can_be_reopened(old):
    """Nothing is final for ever."""
    check_move(old, Status.PENDING)
