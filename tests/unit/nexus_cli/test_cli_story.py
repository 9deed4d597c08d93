"""Events as a story."""

import io

import pytest

from nexus_cli.screen import Screen
from nexus_cli.story import SENTENCES, tell, what
from nexus_core.domain.events import EVENT_TYPES


def event(kind, payload, **more):
    """An event as the API answers it."""
    actor = {"kind": "user", "name": "ada"}
    created = {"created_at": "2026-01-31T12:00:00.000000Z"}
    return {
        "id": 9,
        "type": kind,
        "actor": actor,
        "task_id": 12,
        "delivery": None,
        "payload": payload,
        **created,
        **more,
    }


def test_every_type_of_event_has_a_sentence():
    """A new type of the core needs one here."""
    assert set(EVENT_TYPES) == set(SENTENCES)


def test_an_event_says_when_who_what_and_why():
    """One line, with the webhook that caused it."""
    moved = event("task.moved", {"from": "review", "to": "done", "reason": "acme/api#7 merged"}, delivery="github:1")
    line = tell(moved, Screen(io.StringIO(), is_terminal=False, has_colour=False, width=80))

    assert ["ada", "moved NX-12 from review to done", "(acme/api#7 merged, github:1)"] == line.split("\t")[1:]


def test_a_webhook_is_told_by_its_type():
    """Types from outside are not known here."""
    assert "github.push for AB-12" == what(event("github.push", {}), "AB")


@pytest.mark.parametrize("kind", sorted(SENTENCES))
def test_a_sentence_stands_even_when_the_payload_says_nothing(kind):
    """Events of an older version may lack fields."""
    assert what(event(kind, {}, task_id=None))


def test_long_texts_are_cut():
    """A line stays a line."""
    told = what(event("assignment.failed", {"agent": "a", "error": "x\n" * 1000}))

    assert len(told) < 250 and "\n" not in told
