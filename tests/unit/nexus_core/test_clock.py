"""Time: one form for every instant."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_core.clock import SystemClock, from_text, to_text
from nexus_core.testing import FrozenClock

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
first, last = datetime(1970, 1, 2), datetime(9000, 1, 1)  # noqa: DTZ001 - hypothesis wants its bounds without a zone
instants = st.datetimes(first, last, timezones=zones)


@given(instants)
def test_an_instant_survives_being_written(at):
    """Whatever its zone, to the microsecond."""
    assert at == from_text(to_text(at))


@given(instants, instants)
def test_texts_sort_as_instants_do(one, other):
    """SQLite compares times as text, so the order must be the same."""
    assert (one < other) is (to_text(one) < to_text(other))


def test_a_text_without_a_zone_is_utc():
    """Never the machine's own zone."""
    assert datetime(2026, 1, 31, 12, tzinfo=UTC) == from_text("2026-01-31T12:00:00")


def test_what_is_no_time_is_refused():
    """With Python's own error, which callers turn into theirs."""
    with pytest.raises(ValueError, match="Invalid isoformat"):
        from_text("tomorrow")


def test_the_system_clock_tells_aware_utc():
    """So that nothing naive gets in."""
    assert UTC is SystemClock().now().tzinfo


def test_the_frozen_clock_moves_only_when_told():
    """Tests say how much time passes."""
    clock = FrozenClock()
    before = clock.now()

    assert before == clock.now()
    assert before + timedelta(minutes=5) == clock.advance(minutes=5) == clock.now()
