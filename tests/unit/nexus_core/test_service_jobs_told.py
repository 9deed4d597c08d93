"""Jobs that a worker is told of."""

import pytest

from nexus_core.domain.jobs import LANES
from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.records import JobHandler
from nexus_core.testing import nexus_for_test


class Chat:
    """A plugin with a job."""

    NEXUS_NAME = "chat"

    @hookimpl
    def nexus_job_handlers(self):
        """It does nothing."""
        yield JobHandler(kind="chat.work", call=lambda job, ctx: None)


@pytest.fixture
def nexus(clock):
    with nexus_for_test(Chat(), clock=clock) as hub:
        yield hub


@pytest.mark.parametrize(("behind", "taken"), [(90, True), (110, False)])
def test_a_worker_that_is_told_of_a_job_takes_it_though_its_clock_is_behind(nexus, clock, behind, taken):
    """By a little: who wrote the job told of it because it was due. Who only looks keeps to its clock."""
    job_id = nexus.jobs.enqueue("chat.work", {})
    clock.advance(milliseconds=-behind)
    found = nexus.jobs.claim(LANES, 5, "w")
    told = nexus.jobs.claim(LANES, 5, "w", job_ids=[job_id])

    assert ([], [job_id] if taken else []) == (found, [job.id for job in told])
