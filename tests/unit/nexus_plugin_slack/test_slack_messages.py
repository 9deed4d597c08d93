"""What Nexus tells the channel."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_core.domain.access import ActorKind
from nexus_core.domain.agents import Activity, ActivityType
from nexus_core.domain.events import AssignmentCreated, AssignmentFailed, ChangeWasOpened, TaskCompleted
from nexus_core.domain.tasks import Priority, Status, Task
from nexus_demo.standins import slack as stand_in
from nexus_plugin_slack import messages

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
URL = "https://github.com/acme/api/pull/7"
HOSTILE = "<!channel> <@U1> <https://evil.example|docs> & ```\nall *yours*"


def task(id_=12, **fields):
    given_fields = {"title": "Add rate limits", "status": Status.PENDING, "priority": Priority.HIGH}
    more = {"repository": "acme/api", "repository_id": 1, "version": 1, "created_at": NOW, "updated_at": NOW}
    return Task(id=id_, **{**given_fields, **more, **fields})


def event(cls, **payload):
    return cls(
        id=1,
        type=cls.TYPE,
        actor_kind=ActorKind.SYSTEM,
        actor_name="nexus",
        created_at=NOW,
        task_id=12,
        payload=payload,
    )


def question(**fields):
    known = {"type": ActivityType.ELICITATION, "body": "Which database?", "choices": ("SQLite", "PostgreSQL")}
    return Activity(id=5, assignment_id=3, created_at=NOW, **{**known, **fields})


def shown(message):
    found = []
    for block in message.blocks:
        found += [block["text"]["text"]] if "text" in block else []
        found += [element["text"] for element in block.get("elements", []) if isinstance(element["text"], str)]
    return "\n".join(found)


def accepted(message):
    return stand_in.message_fault({"text": message.text, "blocks": json.loads(json.dumps(message.blocks))}) is None


def buttons(message):
    return [button for block in message.blocks if block["type"] == "actions" for button in block["elements"]]


def test_assignment_says_agent_task_repository_and_reason():
    """Who got what, where, and why."""
    message = messages.assignment_created(
        event(AssignmentCreated, agent="claude", reason="skills python"), task(), "NX"
    )

    assert message.text == "claude took NX-12 Add rate limits"
    assert "acme/api" in shown(message)
    assert "why: skills python" in shown(message)


def test_opened_change_is_a_link():
    """A pull request can be opened from the message; it names its task and the agent."""
    opened = event(ChangeWasOpened, number=7, url=URL, title="Limit the rates", draft=False)
    said = shown(messages.change_opened(opened, task(), "claude", "NX"))

    assert f":eyes: *NX-12* Add rate limits is ready for review: <{URL}|*acme/api#7*>\nLimit the rates" in said
    assert "by claude" in said


def test_draft_is_not_called_ready_for_review():
    """A draft does not ask people for a review."""
    said = shown(messages.change_opened(event(ChangeWasOpened, number=7, url=URL, draft=True), task(), "", "NX"))

    assert ("is a draft" in said, "review" in said) == (True, False)


def test_completed_task_says_what_became_ready():
    """What can be started now is named with its repository, and with its agent when one has it already."""
    freed = [
        task(13, title="Publish limits", repository="acme/web"),
        task(14, title="Tell users", agent="codex"),
    ]
    done = event(TaskCompleted, reason="acme/api#7 merged")
    said = shown(messages.task_completed(done, task(), freed, URL, "NX"))

    assert f"<{URL}|acme/api#7 merged>" in said
    assert "*2 tasks became ready:*" in said
    assert "•  *NX-13* Publish limits  —  :small_red_triangle: high priority, acme/web" in said
    assert "acme/api, codex has it already" in said


def test_completed_task_that_frees_nothing():
    """Nothing is said of readiness when nothing became ready."""
    message = messages.task_completed(event(TaskCompleted, reason="by hand"), task(), [], "", "NX")

    assert (message.text, "became ready" in shown(message)) == ("NX-12 Add rate limits is done", False)


def test_failure_quotes_the_error():
    """What went wrong is quoted, with how often it did."""
    failed = event(AssignmentFailed, agent="claude", error="tests fail\nin limits.py", failures=2)
    said = shown(messages.assignment_failed(failed, task(), "NX"))

    assert "> tests fail\n> in limits.py" in said
    assert "2 failed runs so far" in said


def test_choices_become_buttons_that_can_be_read_back():
    """Each choice is a button; what it sends back names the question and the choice."""
    pressed = buttons(messages.question(question(), task(), "claude", "NX", buttons=True))

    assert [button["text"]["text"] for button in pressed] == ["SQLite", "PostgreSQL"]
    assert [messages.read_answer(button["value"]) for button in pressed] == [(5, "SQLite"), (5, "PostgreSQL")]


def test_without_buttons_choices_are_listed():
    """Where nobody may press, the choices are text."""
    message = messages.question(question(), task(), "claude", "NX", buttons=False)

    assert (buttons(message), "•  SQLite\n•  PostgreSQL" in shown(message)) == ([], True)


def test_choices_too_long_for_buttons_are_listed():
    """A choice that a button could not carry back is never cut in secret."""
    message = messages.question(question(choices=("x" * 2500, "y")), task(), "claude", "NX", buttons=True)

    assert (buttons(message), accepted(message)) == ([], True)


def test_answered_question_has_no_buttons():
    """The answer and its author stand below the question, and nothing is left to press."""
    message = messages.answered(question(answer="SQLite", answered_by="alice"), task(), "claude", "NX")

    assert (buttons(message), ":white_check_mark: *alice* answered: SQLite" in shown(message)) == ([], True)


@pytest.mark.parametrize(
    "value", ["", "{", "[]", "5", '{"activity": "5", "answer": "x"}', '{"activity": 5}', "[" * 9999]
)
def test_other_values_are_no_answer(value):
    """What is not a button of ours is not taken for one."""
    assert messages.read_answer(value) is None


def every_message(foreign):
    strange = task(title=foreign, labels=(foreign,), agent=foreign, repository=foreign)
    asked = question(body=foreign, choices=(foreign, foreign + "2"), answer=foreign, answered_by=foreign)
    return [
        messages.assignment_created(event(AssignmentCreated, agent=foreign, reason=foreign), strange, "NX"),
        messages.change_opened(event(ChangeWasOpened, number=7, url=foreign, title=foreign), strange, foreign, "NX"),
        messages.task_completed(event(TaskCompleted, reason=foreign), strange, [strange] * 12, foreign, "NX"),
        messages.assignment_failed(event(AssignmentFailed, agent=foreign, error=foreign, failures=3), strange, "NX"),
        messages.question(asked, strange, foreign, "NX", buttons=True),
        messages.question(asked, strange, foreign, "NX", buttons=False),
        messages.answered(asked, strange, foreign, "NX"),
        messages.refusal(foreign),
    ]


def test_foreign_text_does_nothing():
    """What agents, people and code hosts write cannot mention, link or break out."""
    for message in every_message(HOSTILE):
        assert "<" not in message.text + shown(message)


@given(st.text(max_size=600))
def test_every_message_is_one_that_slack_takes(foreign):
    """Whatever stands in an event, Slack takes the message."""
    assert all(accepted(message) for message in every_message(foreign))


@pytest.mark.parametrize("cls", [AssignmentCreated, ChangeWasOpened, TaskCompleted, AssignmentFailed])
def test_event_of_another_shape_is_told_too(cls):
    """A payload without its fields, or with others in their place, still makes a message."""
    odd = event(cls, agent=None, reason=7, error=[], url=None, number="x", failures="y", title={})
    made = {
        AssignmentCreated: lambda: messages.assignment_created(odd, task(), "NX"),
        ChangeWasOpened: lambda: messages.change_opened(odd, task(), "", "NX"),
        TaskCompleted: lambda: messages.task_completed(odd, task(), [], "", "NX"),
        AssignmentFailed: lambda: messages.assignment_failed(odd, task(), "NX"),
    }[cls]()

    assert accepted(made)
