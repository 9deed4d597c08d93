"""The error tree: stable codes and messages that stand for themselves."""

import pytest

from nexus_core import errors
from nexus_core.testing import FrozenClock

PUBLIC = [error for error in errors.all_errors() if error.__module__ == "nexus_core.errors"]


def test_every_error_has_a_code_of_its_own():
    """Programs decide by it."""
    codes = [error.code for error in PUBLIC]

    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("error", PUBLIC)
def test_an_error_speaks_without_being_told_what_to_say(error):
    """Its docstring is its message."""
    assert error.__doc__.strip().splitlines()[0] == str(error())


def test_what_was_said_wins_and_details_are_kept():
    """For the answer of the API."""
    error = errors.Cycle("no", path=[1, 2, 1])

    assert ("no", {"path": [1, 2, 1]}) == (error.message, error.details)


def test_a_clock_is_anything_that_tells_the_time():
    """The test kit's fits where the system's does."""
    assert FrozenClock().now().tzinfo is not None
