"""How long a failed job waits."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nexus_core.domain.jobs import BACKOFF_BASE, BACKOFF_CAP, Job, JobState, backoff

chances = st.floats(0, 1, exclude_max=True)


@given(st.integers(1, 10_000), chances)
def test_the_wait_stays_within_its_window(attempt, chance):
    """Never nothing, never more than the cap, however often a job failed."""
    wait = backoff(attempt, chance)

    assert BACKOFF_BASE * 0.1 <= wait <= BACKOFF_CAP


@given(st.integers(1, 50), chances)
def test_the_wait_doubles_until_the_cap(attempt, chance):
    """With the same luck, a later attempt waits longer, at most twice as long."""
    now, later = backoff(attempt, chance), backoff(attempt + 1, chance)

    assert now <= later <= 2 * now + timedelta(microseconds=1)


@given(st.integers(1, 20))
def test_luck_spreads_the_waits(attempt):
    """Jobs that failed together do not come back together."""
    assert backoff(attempt, 0.0) * 5 < backoff(attempt, 0.99)


def test_the_idempotency_key_is_the_same_for_every_attempt():
    """A plugin can hand it to a system that refuses to do a thing twice."""
    at = datetime(2026, 1, 31, tzinfo=UTC)
    jobs = [
        Job(id=job_id, kind="k", lane="default", state=JobState.RUNNING, attempt=attempt, max_attempts=9, run_at=at,
            created_at=at)
        for job_id, attempt in ((7, 1), (7, 2), (8, 1))
    ]  # fmt: skip

    assert ["nexus-job-7", "nexus-job-7", "nexus-job-8"] == [job.idempotency_key for job in jobs]
