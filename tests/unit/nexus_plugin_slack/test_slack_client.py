"""Our calls, made by the real slack-sdk over HTTP to the stand-in for Slack."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta

import pytest

from nexus_core.domain.jobs import Retry, Snooze
from nexus_demo.standins.slack import SlackStandIn
from nexus_plugin_slack.blocks import Button, actions, context, message, section
from nexus_plugin_slack.client import SlackClient, SlackTrouble

MESSAGE = message("hello", section("*hello*", "there"), context("small"))
LONG_AGO = datetime.now(UTC) - timedelta(minutes=1)


@pytest.fixture
def slack():
    with SlackStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def client(slack):
    return SlackClient(slack.token, slack.url, timeout=2)


def test_a_message_arrives_as_it_was_built(slack, client):
    """Text, blocks and our key reach the channel; Slack is told not to unfurl links."""
    posted = client.post("#nexus", MESSAGE, "key-1")

    assert [(posted.ts, "hello", list(MESSAGE.blocks), False, "key-1")] == [
        (
            found["ts"],
            found["text"],
            found["blocks"],
            found["unfurl_links"],
            found["metadata"]["event_payload"]["key"],
        )
        for found in slack.messages
    ]


@pytest.mark.parametrize("channel", ["#nexus", "nexus", "C000000001"])
def test_first_attempt_asks_nothing_before_it_posts(slack, client, channel):
    """A first attempt is one call, by the channel's name or its id."""
    client.post(channel, MESSAGE, "key-1")

    assert [request.method for request in slack.requests] == ["chat.postMessage"]


def test_dropped_answer_is_not_repeated_by_the_library(slack, client):
    """When Slack took the message and the connection broke, one call was made; the job is retried."""
    slack.drop()
    with pytest.raises(SlackTrouble) as caught:
        client.post("#nexus", MESSAGE, "key-1")

    assert isinstance(caught.value.outcome, Retry)
    assert len(slack.messages) == 1


@pytest.mark.parametrize("channel", ["#nexus", "C000000001"])
def test_second_attempt_finds_what_the_first_posted(slack, client, channel):
    """A message that Slack took before the connection broke is found by its key and not posted again."""
    slack.drop()
    with pytest.raises(SlackTrouble):
        client.post(channel, MESSAGE, "key-1")
    posted = client.post(channel, MESSAGE, "key-1", again_since=LONG_AGO)

    assert (True, slack.messages[0]["ts"], 1) == (posted.found, posted.ts, len(slack.messages))


def test_second_attempt_posts_what_the_first_did_not(slack, client):
    """Messages with other keys are not taken for this one."""
    client.post("#nexus", MESSAGE, "key-1")
    client.post("#nexus", MESSAGE, "key-2", again_since=LONG_AGO)

    assert len(slack.messages) == 2


def test_message_behind_many_others_is_found(slack, client):
    """The channel's past is read page by page."""
    client.post("#nexus", MESSAGE, "key-0")
    slack.messages.extend({**slack.messages[0], "metadata": None} for _ in range(450))

    assert slack.messages[0]["ts"] == client.post("#nexus", MESSAGE, "key-0", again_since=LONG_AGO).ts


def test_unknown_past_does_not_keep_people_in_the_dark(slack, client):
    """A retry into a channel whose id cannot be found out still posts."""
    slack.channels.clear()
    with pytest.raises(SlackTrouble) as caught:
        client.post("#elsewhere", MESSAGE, "key-1", again_since=LONG_AGO)

    assert (caught.value.code, slack.requests[-1].method) == ("channel_not_found", "chat.postMessage")


def test_rate_limit_snoozes_as_long_as_slack_asks(slack, client):
    """429 becomes a snooze of Retry-After seconds, at once: nobody sleeps and nothing is posted."""
    slack.limit(1, retry_after=37)
    with pytest.raises(SlackTrouble) as caught:
        client.post("#nexus", MESSAGE, "key-1")

    assert Snooze(timedelta(seconds=37)) == caught.value.outcome
    assert slack.messages == []


def test_rate_limit_is_at_most_an_hour(slack, client):
    """An absurd Retry-After does not put a message off for days."""
    slack.limit(1, retry_after=999_999)
    with pytest.raises(SlackTrouble) as caught:
        client.whoami()

    assert Snooze(timedelta(hours=1)) == caught.value.outcome


@pytest.mark.parametrize(("token", "error"), [("xoxb-other", "invalid_auth"), ("", "not_authed")])
def test_wrong_token_says_what_to_check(slack, token, error):
    """A refusal names Slack's code and our setting, and never the token."""
    with pytest.raises(SlackTrouble) as caught:
        SlackClient(token, slack.url).whoami()

    assert f"Slack refused auth.test with {error}: check NEXUS_SLACK_BOT_TOKEN" == str(caught.value)


def test_unreachable_slack_is_tried_again():
    """When nobody listens, the job is to be retried."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(SlackTrouble) as caught:
            SlackClient("xoxb", f"http://127.0.0.1:{taken.getsockname()[1]}/api/", timeout=1).whoami()

    assert isinstance(caught.value.outcome, Retry)


def test_silent_slack_is_given_up_after_the_timeout():
    """When somebody listens and never answers, the call ends with its timeout."""
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(SlackTrouble):
        SlackClient("xoxb", f"http://127.0.0.1:{silent.getsockname()[1]}/api/", timeout=1).whoami()


def test_update_replaces_what_a_message_says(slack, client):
    """An updated message stays one message."""
    posted = client.post("#nexus", MESSAGE, "key-1")
    client.update(posted, message("bye", section("bye")))

    assert [found["text"] for found in slack.messages] == ["bye"]


def test_whisper_reaches_one_person(slack, client):
    """An ephemeral message is for its person and stands in no channel."""
    client.whisper("C000000001", "U1", MESSAGE)

    assert ([found["user"] for found in slack.ephemeral], slack.messages) == (["U1"], [])


def test_whoami_names_the_app_and_the_workspace(client):
    """The token is good for somebody, somewhere."""
    assert client.whoami() == "nexus in Stand-in"


BAD_BLOCKS = {
    "a section that is too long": {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}},
    "an empty section": {"type": "section", "text": {"type": "mrkdwn", "text": ""}},
    "no such block": {"type": "sektion", "text": {"type": "mrkdwn", "text": "x"}},
    "markup in a header": {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
    "an empty context": {"type": "context", "elements": []},
    "two buttons of one id": actions("b", [Button(label="A", action_id="a", value="")] * 2),
}


@pytest.mark.parametrize("block", BAD_BLOCKS.values(), ids=BAD_BLOCKS)
def test_stand_in_refuses_what_slack_refuses(slack, client, block):
    """The stand-in is strict, so that what it accepts means something."""
    with pytest.raises(SlackTrouble) as caught:
        client.post("#nexus", message("x", block), "key-1")

    assert (caught.value.code, slack.messages) == ("invalid_blocks", [])


def test_our_blocks_stay_within_slacks_limits(slack, client):
    """Whatever is put in, the message is one that Slack takes."""
    many = [Button(label="x" * 200, action_id=f"a.{place}", value="v") for place in range(60)]
    crowded = message("t" * 9000, *[section(*["y" * 500] * 50)] * 80, context("z" * 9000), actions("b", many))
    client.post("#nexus", crowded, "key-1")
    client.post("#nexus", message("t", context("z" * 9000), actions("b", many)), "key-2")

    assert len(slack.messages) == 2
