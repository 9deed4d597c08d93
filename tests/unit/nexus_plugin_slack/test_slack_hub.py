"""The plugin in a hub: a real store, the real slack-sdk, and the stand-in for Slack over HTTP."""

from __future__ import annotations

import json
import sqlite3
import threading
from urllib.parse import urlencode

import pytest

from nexus_core import Config, Nexus
from nexus_core.errors import ConfigurationError, Unauthenticated
from nexus_core.services import intake
from nexus_plugin_slack import hooks
from nexus_plugin_slack.sansio import SIGNATURE, TIMESTAMP, sign
from nexus_plugin_slack.settings import Settings

SECRET = "a-signing-secret-of-slack"


@pytest.fixture
def hub(open_hub):
    nexus = open_hub()
    nexus.users.invite("alice", role="developer")
    nexus.users.invite("victor", role="viewer")
    nexus.repositories.add("acme/api", "https://example.com/acme/api.git")
    return nexus


def send(hub, clock, body):
    timestamp = str(int(clock.now().timestamp()))
    headers = {TIMESTAMP: timestamp, SIGNATURE: sign(body, timestamp, SECRET)}
    return hub.deliveries.receive("slack", body, headers, address="127.0.0.1")


def say(hub, clock, text, **fields):
    clock.move(seconds=1)
    known = {
        "command": "/nexus",
        "text": text,
        "user_id": "U1",
        "team_id": "T1",
        "trigger_id": str(clock.now()),
    }
    return send(hub, clock, urlencode({**known, **fields}).encode()).reply


def press_body(message, place=0, user="U1", ts="1.5"):
    button = next(block for block in message["blocks"] if block["type"] == "actions")["elements"][place]
    payload = {
        "type": "block_actions",
        "user": {"id": user, "team_id": "T1"},
        "container": {"message_ts": message["ts"], "channel_id": message["channel"]},
        "channel": {"id": message["channel"]},
        "actions": [{**button, "action_ts": ts}],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def ask(hub):
    """An agent asks, and the channel is told; the question's activity."""
    task = hub.tasks.create("Choose a store", repository="acme/api")
    held = hub.assignments.claim(agent="claude", task_id=task.id)
    activity = hub.assignments.add_activity(
        held.id, held.fence, "elicitation", "Which store?", choices=("SQLite", "PostgreSQL")
    )
    hub.jobs.drain()
    return activity


def answer_of(hub, activity):
    found = hub.assignments.activities(activity.assignment_id)
    return next((one.answer, one.answered_by) for one in found if one.id == activity.id)


def records(hub, type_):
    return [event.payload for event in hub.events.list(type=type_, limit=200)]


def texts(slack):
    return [message["text"] for message in slack.messages]


def test_commands_answer_from_the_store(hub, clock):
    """Each command is answered at once, to its sender alone, from what the hub knows."""
    first = hub.tasks.create("Count requests", repository="acme/api", priority="high")
    hub.tasks.create("Add rate limits", repository="acme/api", dependencies=[first.id])

    answers = [say(hub, clock, text) for text in ("next", "next acme/api", "ready", "show NX-2", "why nx-2", "help")]
    assert [(reply.status, reply.body["response_type"]) for reply in answers] == [(200, "ephemeral")] * 6
    assert [reply.body["text"] for reply in answers] == [
        "Next: NX-1 Count requests",
        "Next: NX-1 Count requests",
        "1 task ready, best first: NX-1 Count requests",
        "NX-2 Add rate limits: pending",
        "NX-2 Add rate limits: not ready",
        "Ask me: /nexus next, /nexus ready, /nexus show NX-12, /nexus why NX-12",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("show NX-99", "I know no task NX-99."),
        ("why 99999999999999999999", "I know no task 99999999999999999999."),
        ("show acme", "I know no task acme."),
        ("why", "Which task? Write /nexus why NX-12."),
        ("next acme/none", "I look after no repository acme/none."),
        ("ready <!channel>", "I look after no repository &lt;!channel&gt;."),
        ("next", "Nothing is ready."),
    ],
)
def test_what_is_not_there_is_said_kindly(hub, clock, text, expected):
    """What cannot be found is a friendly answer with status 200, which Slack shows."""
    reply = say(hub, clock, text)

    assert (200, expected) == (reply.status, reply.body["text"])


def test_commands_ask_nothing_outside(hub, clock, slack):
    """No call to Slack is made for an answer: it comes from the store."""
    say(hub, clock, "next")

    assert slack.requests == []


def test_strangers_may_ask(hub, clock):
    """Commands only read: they need no linked user."""
    assert say(hub, clock, "next", user_id="U_STRANGER").body["text"] == "Nothing is ready."


def test_other_workspace_is_refused_and_put_on_record(open_hub, clock):
    """With a list of workspaces, people of others learn nothing."""
    hub = open_hub(team_id="T1,T2")
    hub.tasks.create("A secret")
    refused = say(hub, clock, "next", team_id="T9")
    allowed = say(hub, clock, "next", team_id="T2")
    hub.jobs.drain()

    assert (
        refused.body["text"], allowed.body["text"],
    ) == ("This workspace is not connected to this hub.", "Next: NX-1 A secret")  # fmt: skip
    assert [payload["address"] for payload in records(hub, "access.refused")] == ["T9/U1"]


def test_wrong_signature_is_refused(hub):
    """What Slack did not sign is not received."""
    with pytest.raises(Unauthenticated):
        hub.deliveries.receive("slack", b"command=%2Fnexus&text=next", {}, address="192.0.2.1")

    assert list(hub.deliveries.list(source="slack")) == []


def test_challenge_is_echoed(hub, clock):
    """Slack's verification of the address is answered with its challenge."""
    received = send(hub, clock, b'{"type":"url_verification","challenge":"abc123","token":"x"}')

    assert (received.reply.status, received.reply.body) == (200, {"challenge": "abc123"})


def test_main_job_is_told_in_order(hub, slack):
    """A claim, its failure, and a completion that makes others ready: each is told once, in order."""
    first = hub.tasks.create("Count requests", repository="acme/api")
    hub.tasks.create("Add rate limits", repository="acme/api", dependencies=[first.id])
    held = hub.assignments.claim(agent="claude")
    hub.assignments.fail(held.id, held.fence, error="tests fail")
    hub.tasks.move(first.id, "done", reason="acme/api#7 merged")
    hub.jobs.drain()

    assert texts(slack) == [
        "claude took NX-1 Count requests",
        "claude could not finish NX-1 Count requests",
        "NX-1 Count requests is done; 1 task became ready",
    ]
    assert [payload["sent"] for payload in records(hub, "notification.sent")] == [True] * 3


def test_freed_tasks_are_named(hub, slack):
    """The message of a completion names what can be started because of it."""
    first = hub.tasks.create("Count requests", repository="acme/api")
    hub.tasks.create("Add rate limits", dependencies=[first.id], priority="high")
    hub.tasks.create("Something else")
    hub.tasks.move(first.id, "done", reason="by hand")
    hub.jobs.drain()

    assert "*NX-2* Add rate limits" in str(slack.messages[-1]["blocks"])
    assert "Something else" not in str(slack.messages[-1]["blocks"])


def test_without_a_token_messages_are_recorded_only(open_hub, slack):
    """No token: nothing is sent, and the record says so with the text."""
    hub = open_hub(bot_token="")
    hub.tasks.create("Count requests")
    hub.assignments.claim(agent="claude")
    hub.jobs.drain()

    assert [(payload["text"], payload["sent"]) for payload in records(hub, "notification.sent")] == [
        ("claude took NX-1 Count requests", False)
    ]
    assert slack.requests == []


def test_lost_answer_is_not_a_second_message(hub, slack, clock):
    """Slack took the message and the connection broke: the retry finds it and posts nothing."""
    slack.drop()
    hub.tasks.create("Count requests")
    hub.assignments.claim(agent="claude")
    hub.jobs.drain()
    before = len(records(hub, "notification.sent"))
    clock.move(minutes=30)
    hub.jobs.drain()

    assert (before, len(slack.messages), len(records(hub, "notification.sent"))) == (0, 1, 1)


def test_rate_limit_puts_the_message_off(hub, slack, clock):
    """Slack asks to wait 30 seconds: the message goes out after them, once, and no attempt is used up."""
    slack.limit(1, retry_after=30)
    hub.tasks.create("Count requests")
    hub.assignments.claim(agent="claude")
    hub.jobs.drain()
    clock.move(seconds=29)
    hub.jobs.drain()
    early = len(slack.messages)
    clock.move(seconds=2)
    hub.jobs.drain()

    assert (early, len(slack.messages)) == (0, 1)


def test_outage_keeps_the_order(hub, slack, clock):
    """While Slack refuses, later messages about the task wait behind the first."""
    slack.limit(5, retry_after=10)
    task = hub.tasks.create("Count requests")
    held = hub.assignments.claim(agent="claude")
    hub.assignments.fail(held.id, held.fence, error="no")
    hub.tasks.move(task.id, "done")
    for _ in range(20):
        hub.jobs.drain()
        clock.move(seconds=11)

    assert [next(word for word in ("took", "could", "is") if f" {word} " in text) for text in texts(slack)] == [
        "took",
        "could",
        "is",
    ]


def test_pressed_button_answers_the_agent(hub, slack, clock):
    """A linked person presses: the agent has its answer, and the question shows it without buttons."""
    activity = ask(hub)
    reply = send(hub, clock, press_body(slack.messages[-1])).reply
    hub.jobs.drain()

    assert (reply.status, answer_of(hub, activity)) == (200, ("SQLite", "alice"))
    blocks = str(slack.messages[-1]["blocks"])
    assert ("*alice* answered: SQLite" in blocks, "actions" in blocks) == (True, False)


def test_answer_given_elsewhere_closes_the_question(hub, slack):
    """An answer from the inbox shows in Slack too."""
    activity = ask(hub)
    hub.inbox.answer(activity.id, "PostgreSQL")
    hub.jobs.drain()

    assert "answered: PostgreSQL" in str(slack.messages[-1]["blocks"])


def test_repeated_press_is_one_answer(hub, slack, clock):
    """The same press, sent five times, answers once and raises nobody's eyebrows."""
    activity = ask(hub)
    body = press_body(slack.messages[-1])
    repeated = [send(hub, clock, body).duplicate for _ in range(5)]
    hub.jobs.drain()

    assert (repeated, len(records(hub, "inbox.answered"))) == ([False, True, True, True, True], 1)
    assert slack.ephemeral == []
    assert answer_of(hub, activity)[0] == "SQLite"


def test_first_answer_wins(hub, slack, clock):
    """Who presses after somebody else is told so; the answer stays."""
    activity = ask(hub)
    message = json.loads(json.dumps(slack.messages[-1]))
    send(hub, clock, press_body(message, 0, ts="1.5"))
    send(hub, clock, press_body(message, 1, ts="1.6"))
    hub.jobs.drain()

    assert answer_of(hub, activity)[0] == "SQLite"
    assert [told["user"] for told in slack.ephemeral] == ["U1"]


@pytest.mark.parametrize("user", ["U_STRANGER", "U_VIEWER", "U_GONE"])
def test_others_may_not_press(open_hub, slack, clock, user):
    """A stranger, a viewer and a link to nobody: told so, put on record, and nothing changed."""
    hub = open_hub(users={"U1": "alice", "U_VIEWER": "victor", "U_GONE": "nobody"})
    hub.repositories.add("acme/api", "https://example.com/acme/api.git")
    hub.users.invite("victor", role="viewer")
    activity = ask(hub)
    reply = send(hub, clock, press_body(slack.messages[-1], user=user)).reply
    hub.jobs.drain()

    assert (reply.body["response_type"], answer_of(hub, activity)) == ("ephemeral", (None, None))
    assert ([user], 1) == ([told["user"] for told in slack.ephemeral], len(records(hub, "access.refused")))


def test_without_linked_people_there_are_no_buttons(open_hub, slack):
    """Nobody is listed, so nobody may press, so there is nothing to press."""
    hub = open_hub(users={})
    hub.repositories.add("acme/api", "https://example.com/acme/api.git")
    ask(hub)

    assert [block["type"] for block in slack.messages[-1]["blocks"]] == ["section", "section", "context"]


def test_health(open_hub):
    """The check is silent when Slack takes the token, and says what to do when it does not."""
    checks = [open_hub(**settings).health.check() for settings in ({}, {"bot_token": "xoxb-old"})]

    assert "NEXUS_SLACK_BOT_TOKEN" not in str(checks[0])
    assert "NEXUS_SLACK_BOT_TOKEN" in str(checks[1])


def test_settings_come_from_the_environment(tmp_path):
    """Secrets by comma, the address with its slash, and the default channel."""
    environ = {
        "NEXUS_SLACK_SIGNING_SECRET": "old-secret-of-slack, new-secret-of-slack",
        "NEXUS_SLACK_API_URL": "https://slack.example/api",
        "NEXUS_SLACK_TEAM_ID": "T1",
    }
    with Nexus.open(
        Config(values={"data_dir": str(tmp_path)}, environ=environ), plugins=[hooks], load_plugins=False
    ) as hub:
        settings = hub.plugins.settings("slack", Settings)

    assert settings.signing_secret == ("old-secret-of-slack", "new-secret-of-slack")
    assert (settings.api_url, settings.channel, settings.team_id) == (
        "https://slack.example/api/",
        "#nexus",
        ("T1",),
    )


def test_secrets_are_not_shown(open_hub, slack):
    """Neither the signing secret nor the token appears when the settings are printed."""
    shown = repr(open_hub().plugins.settings("slack", Settings))

    assert (SECRET in shown, slack.token in shown) == (False, False)


@pytest.mark.parametrize("settings", [{"api_url": "ftp://x"}, {"users": "alice"}, {"chanel": "#x"}, {"bot_token": 5}])
def test_faulty_settings_are_refused(open_hub, settings):
    """What cannot be right is said at the check of the configuration, not at the first message."""
    with pytest.raises(ConfigurationError):
        open_hub(**settings).plugins.check_settings()


@pytest.fixture
def without_store(hub, monkeypatch):
    """Nobody can write: another program holds the database for itself."""
    monkeypatch.setattr(intake, "SECONDS", 0.2)
    other = sqlite3.connect(hub.store.engine.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.rollback()
    other.close()


def test_a_command_without_a_database_is_answered_that_nothing_was_done(hub, clock, without_store):
    """Only the one who asked sees it; nothing is kept that nobody waits for later."""
    reply = say(hub, clock, "next")

    assert (reply.status, reply.body["response_type"]) == (200, "ephemeral")
    assert "cannot reach its database at the moment. Nothing was done" in reply.body["text"]
    assert hub.deliveries.spool().number == 0


@pytest.fixture
def question(hub, slack):
    """The message with an agent's question, which stands in the channel."""
    ask(hub)
    return slack.messages[-1]


def test_a_button_without_a_database_takes_no_effect_then_or_later(hub, clock, slack, question, without_store):
    """Whoever pressed it hears of it in the channel, alone, and presses again."""
    clock.move(seconds=1)
    reply = send(hub, clock, press_body(question)).reply
    for thread in threading.enumerate():
        if thread.name == "nexus-slack-away":
            thread.join(10)

    assert reply.body["response_type"] == "ephemeral"
    assert hub.deliveries.spool().number == 0
    assert any("Nothing was done" in str(one) for one in slack.ephemeral)


def test_slack_itself_is_answered_without_a_database(hub, clock, without_store):
    """Its check of the certificate is not signed, so nothing of it is kept; a challenge is answered; an event waits."""
    check = hub.deliveries.receive("slack", b"ssl_check=1&token=x", {}, address="127.0.0.1")
    before = hub.deliveries.spool().number
    challenge = send(hub, clock, json.dumps({"type": "url_verification", "challenge": "abc"}).encode())
    between = hub.deliveries.spool().number
    event = {"type": "event_callback", "event_id": "Ev1", "event": {"type": "app_mention", "user": "U1"}}
    sent = send(hub, clock, json.dumps(event).encode())

    assert (check.reply.status, before) == (200, 0)
    assert (challenge.reply.body, between) == ({"challenge": "abc"}, 0)
    assert (sent.spooled, hub.deliveries.spool().number) == (True, 1)
