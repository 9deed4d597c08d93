"""When alerts are raised, for all processes together, and when they are over; on both engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engines import at_once, open_hub
from nexus_core import JobHandler, Retry, hookimpl
from nexus_core.domain import alerts
from nexus_core.domain.access import Actor, ActorKind, system_actor
from nexus_core.domain.alerts import RULES, Trouble, count_events, told
from nexus_core.domain.events import NewEvent
from nexus_core.testing import FrozenClock

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
MALLORY = Actor(kind=ActorKind.KEY, name="mallory", id=7)


def refusal(number, ago, actor=None, **payload):
    """A refusal some seconds ago."""
    new = NewEvent(type="access.refused", actor=actor or system_actor("http"), payload={"address": "a", **payload})
    return new.stored(number, NOW - timedelta(seconds=ago))


def bad_key(number, ago, **payload):
    """Somebody came with a key that is none."""
    return refusal(number, ago, code="unauthenticated", key_given=True, **payload)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([bad_key(n, 5 * n) for n in range(10)], [("keys.refused", "a", 10)]),
        ([bad_key(n, 5 * n) for n in range(9)], []),
        ([bad_key(n, 7 * n) for n in range(10)], []),
        ([bad_key(1, 5, times=10)], [("keys.refused", "a", 10)]),
        ([bad_key(n, 5, address=f"a{n}") for n in range(10)], []),
        ([refusal(n, 5, code="unauthenticated", key_given=False) for n in range(50)], []),
        ([refusal(n, 50 * n, MALLORY, code="forbidden") for n in range(5)], [("access.forbidden", "key mallory", 5)]),
        ([refusal(n, 5, MALLORY, code="forbidden") for n in range(4)], []),
        ([refusal(1, 5, code="key_in_address")], [("key.exposed", "a", 1)]),
        ([refusal(n, 5, code="something new") for n in range(50)], []),
        ([refusal(1, 5), *[bad_key(n, 5, times="many") for n in range(9)]], []),
    ],
)
def test_what_asks_for_an_alert(events, expected):
    """So many of one source within so long."""
    assert expected == [(one.rule, one.source, one.times) for one in count_events(events, {}, NOW)]


def test_what_an_earlier_alert_told_is_not_told_again():
    """Counted anew from it on; the number that is told is that since then, not that of the last minute."""
    events = [bad_key(n, 5 * n) for n in range(1, 40)]
    raised = {("keys.refused", "a"): NOW - timedelta(seconds=20)}
    earlier = {("keys.refused", "a"): NOW - timedelta(seconds=128)}

    assert [] == count_events(events, raised, NOW)
    assert [25] == [one.times for one in count_events(events, earlier, NOW)]


def test_an_attack_from_everywhere_names_a_few():
    """The loudest, and one alert about all the others; within the quiet no more are named."""
    events = [bad_key(n, 5, address=f"a{n}", times=100 - n) for n in range(40)]
    found = count_events(events, {}, NOW)
    last = {(one.rule, one.source): NOW - timedelta(seconds=90) for one in found[:3]}
    later = count_events([event for event in events if event.payload["address"] not in ("a0", "a1", "a2")], last, NOW)

    assert ["a0", "a1", "a2", "a3", "a4", "many others"] == [one.source for one in found]
    assert sum(range(61, 101)) == sum(one.times for one in found)
    assert ["a3", "a4", "many others"] == [one.source for one in later]


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_says_what_to_do(rule):
    """In words that are complete, with the source in them."""
    said = told(Trouble(rule, "SOURCE", 3))

    assert "SOURCE" in said["summary"] and "{" not in said["summary"] + said["advice"]
    assert len(said["advice"]) > 40


class Shaky:
    """A plugin whose jobs fail, and are tried again."""

    NEXUS_NAME = "shaky"

    @hookimpl
    def nexus_job_handlers(self):
        """One that fails for long, one that dies at once."""
        yield JobHandler(kind="shaky.try", call=lambda job, ctx: Retry("no luck"), max_attempts=20)
        yield JobHandler(kind="shaky.die", call=lambda job, ctx: Retry("the last one"), max_attempts=1)


@pytest.fixture
def shaky(database_url):
    """A hub with it, and its clock."""
    clock = FrozenClock()
    with open_hub(database_url, Shaky(), clock=clock) as nexus:
        yield nexus, clock


def raised(nexus, kind="alert.raised"):
    """The alerts that were raised: rule, source, times."""
    with nexus.store.reading() as tx:
        found = tx.events.latest(kind, 100)
    return [(event.payload["rule"], event.payload["source"], event.payload.get("times")) for event in reversed(found)]


def test_failures_of_one_kind_add_up(shaky):
    """Five within ten minutes, of whatever jobs; when there are none any more, it is over."""
    nexus, clock = shaky
    for number in range(5):
        nexus.jobs.enqueue("shaky.try", {"n": number})
    nexus.jobs.drain(4)
    few = nexus.alerts.look()
    nexus.jobs.drain()
    raised_now = nexus.alerts.look(), nexus.alerts.look()
    clock.advance(minutes=11)
    nexus.alerts.look()
    nexus.alerts.look()

    assert (0, (1, 0)) == (few, raised_now)
    assert [("jobs.failing", "shaky.try", 5)] == raised(nexus)
    assert [("jobs.failing", "shaky.try", None)] == raised(nexus, "alert.resolved")


def test_a_death_is_told_with_its_error(shaky):
    """At once, by the job that the death itself causes; one that is run again and works ends it."""
    nexus, clock = shaky
    nexus.jobs.enqueue("shaky.die", {})
    nexus.jobs.drain()
    clock.advance(seconds=3)
    nexus.jobs.drain()
    with nexus.store.reading() as tx:
        [alert] = tx.events.latest("alert.raised", 9)

    assert ("jobs.dead", "shaky.die", 1, "the last one") == tuple(
        alert.payload[name] for name in ("rule", "source", "times", "detail")
    )


def test_one_of_many_processes_raises(database_url):
    """Eight look at the same instant; the channel hears of it once."""
    clock = FrozenClock()
    with open_hub(database_url, clock=clock) as nexus:
        for _ in range(12):
            nexus.events.record(
                "access.refused", payload={"code": "unauthenticated", "key_given": True, "address": "a"}
            )
        found = at_once([nexus.alerts.look] * 8)
        clock.advance(minutes=4, seconds=59)
        at_once([lambda: nexus.alerts.report(alerts.KEYS_REFUSED, "a")] * 4)
        early = raised(nexus)
        clock.advance(seconds=1)
        again = at_once([lambda: nexus.alerts.report(alerts.KEYS_REFUSED, "a", times=3)] * 8)

    assert (1, [("keys.refused", "a", 12)], 1) == (sum(found), early, sum(again))


def test_an_attack_that_ended_is_not_told_to_be_over(shaky):
    """Nobody can know; its alert closes in silence."""
    nexus, clock = shaky
    nexus.alerts.report(alerts.KEYS_REFUSED, "a", times=10)
    clock.advance(minutes=6)
    nexus.alerts.look()
    with nexus.store.reading() as tx:
        still_open = [one.rule for one in tx.audit.alerts() if one.is_open]

    assert ([], []) == (still_open, raised(nexus, "alert.resolved"))


def test_old_failures_are_cleared_away(shaky):
    """The table does not grow."""
    nexus, clock = shaky
    nexus.jobs.enqueue("shaky.try", {})
    nexus.jobs.drain()
    clock.advance(hours=1)
    nexus.alerts.look()
    with nexus.store.reading() as tx:
        assert {} == tx.audit.failures(NOW - timedelta(days=1))
