"""What `/nexus …` says."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_core.domain.changes import Change, ChangeState
from nexus_core.domain.readiness import Condition, Impact, Readiness
from nexus_core.domain.tasks import Priority, Status, Task
from nexus_demo.standins import slack as stand_in
from nexus_plugin_slack import commands
from nexus_plugin_slack.commands import Command, Picture, Verb, parse

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
READY = Readiness(ready=True, why=(), impact=Impact(unblocks=(13,), waiting=3, longest_chain=2))
HOSTILE = "<!channel> <@U1> <https://evil.example|docs> & ```\nall *yours*"


def task(id_=12, **fields):
    given_fields = {"title": "Add rate limits", "status": Status.PENDING, "priority": Priority.HIGH}
    more = {"repository": "acme/api", "repository_id": 1, "version": 1, "created_at": NOW, "updated_at": NOW}
    return Task(id=id_, **{**given_fields, **more, **fields})


def change(**fields):
    known = {
        "source": "github",
        "repository_id": 1,
        "number": 7,
        "state": ChangeState.OPEN,
        "title": "Limit rates",
    }
    more = {"branch": "b", "url": "https://github.com/acme/api/pull/7", "author": "a", "head": "h"}
    return Change(id=1, created_at=NOW, updated_at=NOW, **{**known, **more, **fields})


def shown(message):
    """All that a person can read of a message."""
    found = []
    for block in message.blocks:
        found += [block["text"]["text"]] if "text" in block else []
        found += [element["text"] for element in block.get("elements", []) if isinstance(element["text"], str)]
    return "\n".join(found)


def accepted(message):
    """Whether Slack would take the message."""
    return stand_in.message_fault({"text": message.text, "blocks": json.loads(json.dumps(message.blocks))}) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Command(verb=Verb.HELP)),
        ("  ", Command(verb=Verb.HELP)),
        ("next", Command(verb=Verb.NEXT)),
        ("NEXT  acme/api ", Command(verb=Verb.NEXT, argument="acme/api")),
        ("ready", Command(verb=Verb.READY)),
        ("show nx-12", Command(verb=Verb.SHOW, argument="nx-12")),
        ("why 12", Command(verb=Verb.WHY, argument="12")),
        ("help", Command(verb=Verb.HELP)),
        ("NX-12", Command(verb=Verb.SHOW, argument="NX-12")),
        ("frobnicate NX-12", Command(verb=Verb.HELP, unknown="frobnicate")),
    ],
)
def test_what_is_asked(text, expected):
    """The text after the command is read whatever its case and space; a key alone asks to show the task."""
    assert expected == parse(text, "NX")


@given(st.text(max_size=400))
def test_any_text_asks_for_something(text):
    """Nothing that a person can type is an error; what is unknown is answered with help that Slack takes."""
    command = parse(text, "NX")

    assert accepted(commands.help_(command.unknown))


def test_next_names_task_repository_priority_and_reasons():
    """The best task comes with all that a person needs to decide."""
    found = task(complexity_auto=7, labels=("python",), description="Per key and address.")
    said = shown(commands.next_(found, ("high priority", "3 open tasks wait for it"), "", "NX"))

    for part in (
        "*NX-12* Add rate limits",
        "acme/api",
        "high priority",
        "complexity 7 of 10",
        "`python`",
        "Per key",
    ):
        assert part in said
    assert "*Why this one:* high priority  ·  3 open tasks wait for it" in said


def test_next_says_when_nothing_is_ready():
    """No task is an answer too, and says where to look."""
    message = commands.next_(None, (), "acme/api", "NX")

    assert message.text == "Nothing is ready in acme/api."
    assert "/nexus why" in shown(message)


def test_ready_lists_ten_and_says_that_there_are_more():
    """A long list is cut, and says so."""
    said = shown(commands.ready([task(place) for place in range(1, 12)], "", "NX"))

    assert (said.count("Add rate limits"), "There are more" in said) == (10, True)


def test_show_links_the_pull_request():
    """A task's pull requests are links with their number, title and state."""
    said = shown(commands.show(Picture(task=task(), readiness=READY, changes=(change(),)), "NX"))

    assert "<https://github.com/acme/api/pull/7|#7 Limit rates>  —  open" in said


def test_show_says_who_holds_a_task_and_what_it_depends_on():
    """Status, holder and dependencies stand with their signs."""
    held = task(status=Status.IN_PROGRESS, agent="claude")
    done = task(3, title="Count requests", status=Status.DONE)
    not_ready = Readiness(ready=False, why=(Condition(code="held", message="claude holds it"),))
    said = shown(commands.show(Picture(task=held, readiness=not_ready, dependencies=(done,)), "NX"))

    assert ":hammer_and_wrench: in-progress, claude has it" in said
    assert "•  *NX-3* Count requests  —  :white_check_mark: done, acme/api" in said


def test_why_names_each_condition_with_its_tasks():
    """Each failing condition stands with the tasks that cause it, in whatever repository."""
    other = task(3, title="Count requests", repository="acme/lib", status=Status.REVIEW)
    why = (Condition(code="dependencies", message="it waits for 1 task", tasks=(3,)),)
    said = shown(commands.why(Picture(task=task(), readiness=Readiness(ready=False, why=why), others={3: other}), "NX"))

    assert "*NX-12* Add rate limits is *not ready*:" in said
    assert "*It waits for 1 task*\n      •  *NX-3* Count requests  —  :eyes: review, acme/lib" in said


def test_why_says_who_waits():
    """A ready task says what waits for it and what it makes ready."""
    freed = task(13, title="Publish limits")
    said = shown(commands.why(Picture(task=task(), readiness=READY, others={13: freed}), "NX"))

    assert "is *ready*" in said
    assert (
        ":link: *3 open tasks wait for it*, 2 of them in a row. Done, it makes ready: *NX-13* Publish limits." in said
    )


def test_why_of_a_closed_task_is_its_status():
    """A task that is done is not called unready."""
    closed = Readiness(ready=False, why=(Condition(code="status", message="its status is done, not pending"),))
    message = commands.why(Picture(task=task(status=Status.DONE), readiness=closed), "NX")

    assert (message.text, "not ready" in shown(message)) == ("NX-12 Add rate limits: done", False)


def every_answer(foreign):
    """Every answer, with the same foreign text wherever there can be some."""
    strange = task(title=foreign, description=foreign, labels=(foreign,), agent=foreign, repository=foreign)
    readiness = Readiness(
        ready=False,
        why=(Condition(code="dependencies", message=foreign, tasks=(12,)),),
        notes=(foreign,),
        impact=Impact(unblocks=(12,), waiting=1, longest_chain=1),
    )
    picture = Picture(
        task=strange,
        readiness=readiness,
        dependencies=(strange,) * 40,
        changes=(change(title=foreign, url=foreign),),
        others={12: strange},
    )
    return [
        commands.next_(strange, (foreign,), foreign, "NX"),
        commands.next_(None, (), foreign, "NX"),
        commands.ready([strange] * 11, foreign, "NX"),
        commands.show(picture, "NX"),
        commands.why(picture, "NX"),
        commands.why(attrs.evolve(picture, readiness=attrs.evolve(readiness, ready=True, why=())), "NX"),
        commands.help_(foreign),
        commands.trouble(foreign),
        commands.no_task(foreign, "NX"),
        commands.no_repository(foreign, [foreign]),
    ]


def test_foreign_text_does_nothing():
    """Titles, descriptions, names and questions cannot mention, link or break out."""
    for message in every_answer(HOSTILE):
        assert "<" not in message.text + shown(message)


@given(st.text(max_size=600))
def test_every_answer_is_one_that_slack_takes(foreign):
    """Whatever stands in a task, Slack takes the answer."""
    assert all(accepted(message) for message in every_answer(foreign))
