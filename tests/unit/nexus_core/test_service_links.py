"""How a change names its tasks: ten forms that link, with why, and twenty near misses that do not."""

from datetime import UTC, datetime, timedelta

import pytest

from nexus_core.domain.changes import ChangeClosed, ChangeMerged, ChangeOpened, ChangeRef
from nexus_core.testing import nexus_for_test

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
FILE = b'{"master": {"tasks": [{"id": 3, "title": "Log in", "subtasks": [{"id": 2, "title": "The form"}]}]}}'

FORMS = [
    ({"branch": "nexus/nx-1-log-in"}, [(1, True, "the branch names NX-1")]),
    ({"branch": "feature/NX-1"}, [(1, True, "the branch names NX-1")]),
    ({"title": "NX-1: log in"}, [(1, True, "the title names NX-1")]),
    ({"title": "Log in (nx-1)"}, [(1, True, "the title names NX-1")]),
    ({"body": "Closes NX-1."}, [(1, True, "the body says “closes NX-1”")]),
    ({"body": "At last fixed: NX-1"}, [(1, True, "the body says “fixed NX-1”")]),
    (
        {"body": "Implements NX-1, NX-4"},
        [(1, True, "the body says “implements NX-1”"), (4, False, "the body says “implements NX-4”")],
    ),
    ({"body": "See NX-1 for the plan"}, [(1, False, "the body says “see NX-1”")]),
    ({"branch": "tm/master/task-3-2-the-form"}, [(3, True, "the branch is Taskmaster's for 3.2")]),
    ({"body": "Log in\n\nTask: 3.2\nTag: master"}, [(3, False, "the body has the trailer “Task: 3.2”")]),
]  # fmt: skip
NEAR_MISSES = [
    {"body": "NX-1"},
    {"body": "the tests of NX-1 fail"},
    {"body": "Fixes ABC-1"},
    {"body": "Fixes NX1"},
    {"body": "Fixes NX-01"},
    {"body": "Fixes NX-1a"},
    {"body": "Fixes NX-1-2"},
    {"body": "Fixes NX-1.2"},
    {"body": "Fixes ONX-1"},
    {"body": "Fixes my/NX-1"},
    {"body": "prefixes NX-1"},
    {"body": "Fixes the bug of NX-1"},
    {"body": "`Fixes NX-1`"},
    {"body": "```\nFixes NX-1\n```"},
    {"body": "<!-- Fixes NX-1 -->"},
    {"body": "Fixes NX-77, which nobody knows"},
    {"title": "Support LINX-1 cables"},
    {"branch": "release/nx-1.2"},
    {"branch": "tm/master/task-9-of-no-file"},
    {"body": "On Task: 3.2 and others"},
]


@pytest.fixture
def nexus(clock):
    """Task 1; task 2 of a file with its subtask 3; task 4."""
    with nexus_for_test(clock=clock) as hub:
        hub.repositories.add("acme/api")
        hub.tasks.create("Log in", repository="acme/api")
        hub.tasks.import_file(FILE, "acme/api")
        hub.tasks.create("Log out", repository="acme/api")
        yield hub


def ref(number=7, minute=0, **said):
    plain = {"title": "Some work", "branch": "work", "url": f"https://git.example/{number}"}
    at = AT + timedelta(minutes=minute)
    return ChangeRef(source="github", repository="acme/api", number=number, updated_at=at, **{**plain, **said})


def links(nexus):
    return [
        (task.id, link.closes, link.reason)
        for task in nexus.tasks.list().items
        for _, link in nexus.changes.for_task(task.id)
    ]


@pytest.mark.parametrize(("said", "expected"), FORMS, ids=str)
def test_a_change_is_linked_to_the_task_that_it_names(nexus, said, expected):
    """With why; and what closes a task moves it."""
    nexus.changes.apply(ChangeOpened(change=ref(**said)))
    moved = {task.id for task in nexus.tasks.list().items if task.status == "review"}

    assert expected == links(nexus)
    assert {task for task, closes, _ in expected if closes} == moved


@pytest.mark.parametrize("said", NEAR_MISSES, ids=str)
def test_a_near_miss_links_nothing(nexus, said):
    """And moves nothing, merged or not."""
    nexus.changes.apply(ChangeOpened(change=ref(**said)))
    nexus.changes.apply(ChangeMerged(change=ref(minute=1, **said)))

    assert [] == links(nexus)
    assert {"pending"} == {str(task.status) for task in nexus.tasks.list().items}


def test_there_are_as_many_as_are_promised():
    """Ten and twenty."""
    assert (10, 20) == (len(FORMS), len(NEAR_MISSES))


@pytest.mark.parametrize(
    ("last", "expected"),
    [(ChangeMerged(change=ref(8, 3)), "done"), (ChangeClosed(change=ref(8, 3)), "done"), (None, "review")],
    ids=["merged", "closed", "still open"],
)
def test_a_merge_beside_another_closing_change_that_is_open_does_not_complete(nexus, last, expected):
    """Only when the last of them has ended."""
    for number in (7, 8):
        nexus.changes.apply(ChangeOpened(change=ref(number, title="NX-1: log in")))
    nexus.changes.apply(ChangeMerged(change=ref(7, 2, title="NX-1: log in")))
    if last is not None:
        nexus.changes.apply(last)

    assert expected == nexus.tasks.get(1).status
