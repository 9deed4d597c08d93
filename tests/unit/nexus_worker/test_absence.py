"""A broker or a store that is away for long is told of, once it can be."""

from __future__ import annotations

import pytest

from nexus_core.testing import nexus_for_test
from nexus_worker.absence import LONG, Watch


@pytest.fixture
def nexus():
    with nexus_for_test() as opened:
        yield opened


def said(nexus):
    """Which alerts were raised and closed."""
    return [(event.type, event.payload["rule"]) for event in nexus.events.list(type="alert.*")]


def test_a_broker_that_is_away_for_more_than_a_minute(nexus):
    """One alert, and one word when it is back; a short absence is none."""
    now = [0.0]
    watch = Watch(nexus, lambda: now[0])
    for seconds, connected in ((0, False), (LONG - 1, False), (LONG, True), (LONG + 1, False), (2 * LONG, False)):
        now[0] = seconds
        watch.broker(connected=connected)
    short = said(nexus)
    for seconds, connected in ((2 * LONG + 2, False), (2 * LONG + 7, False), (2 * LONG + 12, True), (300, True)):
        now[0] = seconds
        watch.broker(connected=connected)

    assert ([], [("alert.raised", "broker.away"), ("alert.resolved", "broker.away")]) == (short, said(nexus))


def test_a_worker_closes_the_alert_of_one_that_died(nexus):
    """It sees the broker, whoever missed it."""
    nexus.alerts.report("broker.away", "broker")
    Watch(nexus).broker(connected=True)

    assert ("alert.resolved", "broker.away") == said(nexus)[-1]


def test_a_store_that_was_away_is_told_of_afterwards(nexus):
    """Nothing can be written before."""
    now = [0.0]
    watch = Watch(nexus, lambda: now[0])
    watch.store_back()
    for seconds in (0, LONG / 2, LONG + 5):
        now[0] = seconds
        watch.store_gone()
    before = said(nexus)
    watch.store_back()
    watch.store_back()

    assert ([], [("alert.raised", "store.away"), ("alert.resolved", "store.away")]) == (before, said(nexus))
