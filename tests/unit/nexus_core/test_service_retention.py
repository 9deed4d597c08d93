"""What is forgotten, and what never is."""

from datetime import UTC, datetime

import pytest

from nexus_core.domain.deliveries import VerifiedDelivery
from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.records import DeliverySource
from nexus_core.services import retention
from nexus_core.testing import FrozenClock, nexus_for_test

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Source:
    """Webhooks that mean nothing."""

    name = "probe"

    @hookimpl
    def nexus_delivery_sources(self):
        """One."""
        yield DeliverySource(name="probe", verify=self._verify, translate=lambda delivery, ctx: ())

    def _verify(self, body, headers, ctx):
        return VerifiedDelivery(source="probe", id=body.decode(), kind="thing.done", body=body, headers={})


@pytest.fixture
def hub(monkeypatch):
    """A hub whose steps are small."""
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    with nexus_for_test(Source(), clock=FrozenClock(NOW)) as nexus:
        yield nexus


def test_what_is_done_is_forgotten_once_it_is_old(hub):
    """In steps, whatever their number; the events that it caused stay."""
    for number in range(10):
        hub.deliveries.receive("probe", f"d{number}".encode(), {})
    hub.jobs.drain()
    young = hub.retention.prune()
    hub.clock.advance(days=8)
    week = hub.retention.prune()
    hub.clock.advance(days=23)
    month = hub.retention.prune()

    assert ({"jobs": 0, "deliveries": 0}, 0, 10) == (young, week["deliveries"], month["deliveries"])
    assert week["jobs"] >= 10
    assert [] == hub.deliveries.list()
    assert 10 == sum(event.type == "probe.thing.done" for event in hub.events.list(limit=100))


def test_what_is_not_done_stays(hub):
    """However old it is."""
    hub.deliveries.receive("probe", b"d", {})
    hub.clock.advance(days=400)

    assert {"jobs": 0, "deliveries": 0} == hub.retention.prune()
    assert 1 == len(hub.deliveries.list())


def test_it_comes_round_as_a_job(hub):
    """Each hour, with the others; the job itself is forgotten like any other."""
    assert hub.plugins.schedules["core.prune"].kind in hub.plugins.job_handlers
    hub.jobs.enqueue("core.prune", {})
    hub.jobs.drain()
    hub.clock.advance(days=8)
    hub.jobs.enqueue("core.prune", {})
    hub.jobs.drain()

    assert 1 == sum(job.kind == "core.prune" for job in hub.jobs.list())
