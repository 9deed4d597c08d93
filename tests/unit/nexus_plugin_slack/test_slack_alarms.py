"""Alarms in the channel: one for many, with what to do, whatever strangers put into it."""

from __future__ import annotations

import json

from nexus_core import LOCAL, Actor, ActorKind, JobHandler, hookimpl


def texts(slack):
    """What the channel was told."""
    return [message["text"] for message in slack.messages]


class Failing:
    """A plugin whose jobs die at their first attempt."""

    NEXUS_NAME = "failing"

    @staticmethod
    @hookimpl
    def nexus_job_handlers():
        yield JobHandler(kind="failing.try", call=lambda job, ctx: 1 / 0, max_attempts=1)


def die(hub, times):
    for _ in range(times):
        hub.jobs.enqueue("failing.try", {})
    hub.jobs.drain()


def test_many_deaths_are_one_alarm(open_hub, slack, clock):
    """Dead jobs are told together, with their count and the last error, at most every five minutes."""
    hub = open_hub(more=[Failing()])
    die(hub, 20)
    look(hub, clock, seconds=6)
    first = alarms(slack, "used up")
    die(hub, 3)
    look(hub, clock, minutes=4)
    early = len(alarms(slack, "used up"))
    look(hub, clock, minutes=2)

    assert (first, early) == (["20 jobs of failing.try used up all attempts"], 1)
    assert alarms(slack, "used up")[1:] == ["3 jobs of failing.try used up all attempts"]
    assert "ZeroDivisionError" in str(slack.messages)
    assert "nexus jobs --state dead --kind failing.try" in str(slack.messages)


def look(hub, clock, **later):
    """What a worker does a while later: it starts what is scheduled, and runs what is due."""
    clock.move(**later)
    hub.jobs.sweep()
    hub.jobs.drain()
    clock.move(seconds=3)
    hub.jobs.drain()


def alarms(slack, word):
    """The texts of the messages with a word in them."""
    return [text for text in texts(slack) if word in text]


def refuse(hub, often, **payload):
    """Somebody is refused."""
    for _ in range(often):
        hub.events.record("access.refused", payload={"address": "203.0.113.9", **payload}, actor=LOCAL)


def test_bad_keys_are_one_alarm(open_hub, slack, clock):
    """Ten from one address within a minute; nine are none, and thousands are still one in five minutes."""
    hub = open_hub()
    refuse(hub, 9, code="unauthenticated", key_given=True)
    look(hub, clock, seconds=3)
    few = texts(slack)
    refuse(hub, 200, code="unauthenticated", key_given=True, times=7)
    look(hub, clock, seconds=3)
    refuse(hub, 50, code="unauthenticated", key_given=True)
    look(hub, clock, minutes=1)

    assert ([], 1) == (few, len(texts(slack)))
    assert "calls from 203.0.113.9 brought a key that is not valid" in texts(slack)[0]
    assert "nexus key create" in str(slack.messages[0]["blocks"])


def test_an_alarm_is_over_once(open_hub, slack, clock):
    """When no job of the kind is dead any more, the channel hears that it is."""
    hub = open_hub(more=[Failing()])
    die(hub, 1)
    look(hub, clock, seconds=3)
    [dead] = hub.jobs.list(state="dead")
    with hub.store.engine.writing() as session:
        session._connection.execute("UPDATE jobs SET state = 'done' WHERE id = ?", (dead.id,))
    look(hub, clock, minutes=1)
    look(hub, clock, minutes=1)

    assert alarms(slack, "failing.try") == [
        "1 job of failing.try used up all attempts",
        "no job of failing.try is dead any more",
    ]


def test_what_an_alarm_says_of_strangers_is_escaped(open_hub, slack, clock):
    """The name of a key is anybody's text: it mentions nobody and breaks no line."""
    hub = open_hub()
    actor = Actor(kind=ActorKind.KEY, name="<!channel> *you*\nwon `rm`", id=3)
    for _ in range(5):
        hub.events.record("access.refused", payload={"code": "forbidden", "reason": "<@U1> may not"}, actor=actor)
    look(hub, clock, seconds=3)
    shown = json.dumps(slack.messages[0], ensure_ascii=False)

    assert "was refused 5 times" in texts(slack)[0]
    assert ("<!channel>" in shown, "<@U1>" in shown) == (False, False)
    assert "&lt;!channel&gt;" in shown


def test_slack_that_fails_raises_no_alarm_of_its_own(open_hub, slack, clock):
    """What cannot be told would otherwise cause ever more to tell."""
    hub = open_hub(bot_token="xoxb-wrong")
    hub.alerts.report("broker.away", "broker")
    for _ in range(30):
        look(hub, clock, minutes=11)
    rules = {event.payload["rule"] for event in hub.events.list(type="alert.raised", limit=200)}

    assert rules <= {"broker.away"}
