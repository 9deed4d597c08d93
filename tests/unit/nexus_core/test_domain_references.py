"""How a branch, a title, a body or a commit message names a task, and how it does not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_core.domain.commands import commands_in
from nexus_core.domain.references import MOST, find_references, find_reverts


def found(**places):
    return [(one.task_id, one.closes) for one in find_references(**places)]


FORMS = [
    ({"branch": "nexus/nx-12-add-login"}, (12, True)),
    ({"branch": "feature/NX-12"}, (12, True)),
    ({"title": "NX-12: add login"}, (12, True)),
    ({"title": "Add login (NX-12)"}, (12, True)),
    ({"title": "Part of NX-12: the form"}, (12, False)),
    ({"body": "Closes NX-12"}, (12, True)),
    ({"body": "fixes: nx-12."}, (12, True)),
    ({"body": "This resolved NX-12, at last"}, (12, True)),
    ({"body": "Implements NX-12"}, (12, True)),
    ({"body": "refs NX-12"}, (12, False)),
    ({"body": "See NX-12 for the plan"}, (12, False)),
    ({"messages": ("Complete NX-12\n\nAnd tidy up",)}, (12, True)),
    ({"messages": ("Tidy up\n\nFor NX-12",)}, (12, False)),
    ({"branch": "ada-nx-12-login"}, (12, True)),
    ({"branch": "fix_nx-12"}, (12, True)),
    ({"body": "Closes [NX-12](https://nexus.example/tasks/12)"}, (12, True)),
    ({"body": "**Closes:** NX-12"}, (12, True)),
    ({"body": "Fixes\u00a0NX-12"}, (12, True)),
    ({"body": "Do not merge yet.\nFixes NX-12"}, (12, True)),
    ({"body": "```\ncode\n```\nFixes NX-12"}, (12, True)),
    ({"messages": ('Reapply "Fixes NX-12"',)}, (12, True)),
    ({"messages": ('Revert "Fixes NX-12"\n\nThis reverts commit abc.',)}, (12, False)),
    ({"messages": ("revert: fixes NX-12",)}, (12, False)),
]


@pytest.mark.parametrize(("places", "expected"), FORMS)
def test_a_task_is_named(places, expected):
    """Each way of naming a task is read, with what it says about closing it."""
    assert [expected] == found(**places)


@pytest.mark.parametrize(
    "verb",
    [
        "close",
        "closes",
        "closed",
        "fix",
        "fixes",
        "fixed",
        "resolve",
        "resolves",
        "resolved",
        "implement",
        "implements",
        "implemented",
        "complete",
        "completes",
        "completed",
    ],
)
def test_every_closing_word_closes(verb):
    """All words of the list close, whatever their case."""
    assert [(7, True)] == found(body=f"{verb.capitalize()} NX-7")


NEAR_MISSES = [
    {"body": "NX-12"},  # a bare key in prose is a mention, not a link
    {"body": "the tests of NX-12 fail"},
    {"body": "Fixes ABC-12"},
    {"body": "Fixes NX12"},
    {"body": "Fixes NX-"},
    {"body": "Fixes NX-0"},
    {"body": "Fixes NX-012"},
    {"body": "Fixes NX-12a"},
    {"body": "Fixes NX-12-3"},
    {"body": "Fixes NX-1.2"},
    {"body": "Fixes ONX-12"},
    {"body": "Fixes my/NX-12"},
    {"body": "prefixes NX-12"},
    {"body": "Fixes the bug of NX-12"},
    {"body": "`Fixes NX-12`"},
    {"body": "```\nFixes NX-12\n```"},
    {"body": "<!-- Fixes NX-12 -->"},
    {"body": "Fixes NX-1234567890123456789"},  # no such id can exist
    {"body": "Fixes NX-¹²"},
    {"title": "Support LINX-12 cables"},
    {"title": "Upgrade to NX-12.1"},
    {"branch": "feature/unx-12"},
    {"branch": "feature/nx12"},
    {"branch": "release/nx-1.2"},
    {"messages": ("Bump NX-12 to the latest",)},
    {"body": "hot-fix NX-12"},
    {"body": "This does not fix NX-12"},
    {"body": "It doesn’t yet close NX-12"},
    {"body": "> Fixes NX-12\n\nI do not think so"},
    {"body": "```\nFixes NX-12"},  # a fence that nobody closed
    {"body": "````\n```\nFixes NX-12\n```\n````"},
    {"body": "- ~~~\n  Fixes NX-12\n  ~~~"},
    {"body": "``Fixes NX-12``"},
    {"body": "<pre>Fixes NX-12</pre>"},
    {"body": "<!-- Fixes NX-12"},
    {"body": "```\nTask: 3.2\n```"},
    {"branch": "renovate/nx-16.x"},
    {"title": "Rename NX-12.md"},
]


@pytest.mark.parametrize("places", NEAR_MISSES)
def test_a_near_miss_names_nothing(places):
    """What only looks like a reference is left alone."""
    assert [] == found(**places)


def test_a_closing_word_closes_only_the_task_behind_it():
    """The others of a list are linked."""
    assert [(1, True), (2, False), (3, False)] == found(body="Fixes NX-1, NX-2 and NX-3")


def test_a_closing_word_for_each_closes_each():
    """Two sentences, two tasks."""
    assert [(1, True), (2, True)] == found(body="Fixes NX-1. Closes NX-2.")


def test_the_strongest_reason_wins():
    """A task that is mentioned and closed is closed, once."""
    assert [(5, True)] == found(body="Refs NX-5", messages=("Fixes NX-5",))


def test_a_revert_links_without_closing():
    """The change that takes work back does not complete it."""
    assert [(12, False)] == found(title='Revert "NX-12: add login"')


def test_the_prefix_is_the_hubs_own():
    """With another prefix configured, NX means nothing."""
    assert [(3, True)] == found(body="Fixes ACME-3, NX-4", prefix="ACME")


def test_the_reason_says_where_and_how():
    """People read why a change was linked."""
    first, second = find_references(branch="nexus/nx-2-x", body="Closes NX-3")

    assert "the branch names NX-2" == first.reason
    assert "the body says “closes NX-3”" == second.reason


@pytest.mark.parametrize(
    ("branch", "key"),
    [
        ("tm/master/task-3-add-login", "master:3"),
        ("tm/feature-x/task-3-2-add-login", "feature-x:3.2"),
        ("ada/tm/master/task-14", "master:14"),
    ],
)
def test_taskmasters_branch_names_a_task_of_its_file(branch, key):
    """Its tag and number, which count within the repository; merging it completes the task."""
    assert [(key, True)] == [(one.external_key, one.closes) for one in find_references(branch=branch)]


@pytest.mark.parametrize("branch", ["tm/master/task-x", "tm/task-3", "atm/master/task-3-x", "tm/master/tasks-3-x"])
def test_what_is_not_taskmasters_branch_names_nothing(branch):
    """A tag, the word and a number are needed."""
    assert () == find_references(branch=branch)


@pytest.mark.parametrize(
    ("message", "key"), [("Do it\n\nTask: 3.2", ":3.2"), ("Do it\n\nTask: 3\nTag: master", "master:3")]
)
def test_taskmasters_trailer_links(message, key):
    """It stands on a line of its own; it does not close."""
    assert [(key, False)] == [(one.external_key, one.closes) for one in find_references(messages=(message,))]


def test_trailers_end_with_either_kind_of_line():
    """GitHub's own editor sends bodies with CR LF."""
    (one,) = find_references(body="Do it\r\n\r\nTask: 3.2\r\nTag: master\r\n")

    assert "master:3.2" == one.external_key


@pytest.mark.parametrize("word", ["löst", "erledigé", "über"])
def test_a_repositorys_own_words_may_be_of_any_language(word):
    """Also those that begin or end with a letter beyond ASCII."""
    assert [(12, True)] == found(body=f"{word} NX-12", closing=[word])


@pytest.mark.parametrize(
    "part",
    ["<!--", "<pre>", "```\n", "~~~a\n", "`a``b", "> ", "- ", "1. ", "fixes ", "not ", "fixes NX-1, ", "NX-1, ",
     "Task: 1\n", "Reverts #1 "],
)  # fmt: skip
def test_no_text_takes_long(part):
    """A stranger writes the body of a pull request: 64 KiB of anything are read in a moment, and name few tasks."""
    text = "fixes " + part * (65_536 // len(part))
    started = time.process_time()
    named = find_references(branch=text, title=text, body=text)
    find_reverts(text, "acme/api")
    commands_in(text)

    assert time.process_time() - started < 2
    assert len(named) <= 4 * MOST


@given(st.text(), st.text(), st.text())
def test_no_text_breaks_it(branch, title, body):
    """Text from outside can be anything; what is found is a possible id."""
    for one in find_references(branch=branch, title=title, body=body, messages=(body,)):
        assert one.task_id is None or 0 < one.task_id < 2**63


@given(st.integers(1, 10**17), st.sampled_from(["fixes", "Closes", "RESOLVED:"]))
def test_any_id_is_read_back(task_id, verb):
    """What Nexus writes as a key it reads as the same task."""
    assert [(task_id, True)] == found(body=f"… {verb} NX-{task_id}!")
