"""Reviews, checks, reverts, commits and issues that come late, twice and in any order end where they end in order."""

from __future__ import annotations

import json
import os
import random
from datetime import UTC, datetime, timedelta
from functools import partial

import attrs
import pytest

from engines import at_once, outcome
from nexus_core.domain.changes import (
    ChangeMerged,
    ChangeOpened,
    ChangeRef,
    ChangeReviewed,
    ChecksFinished,
    Commit,
    CommitsPushed,
)
from nexus_core.domain.issues import IssueOpened
from nexus_core.domain.policy import RepositoryPolicy
from nexus_core.ports.queries import TaskQuery

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
SHUFFLES = int(os.environ.get("NEXUS_TEST_SHUFFLES", "0"))
"""How many of each; 0 = few enough for every day."""
COMMITS = {name: name * 40 for name in "abcdef"}


def at(minute):
    return AT + timedelta(minutes=minute)


def ref(minute, number, *, opened_at, **fields):
    plain = {"title": "NX-1: log in", "branch": f"login-{number}", "url": f"https://git.example/{number}"}
    return ChangeRef(
        source="github", repository="acme/api", number=number, updated_at=at(minute), created_at=at(opened_at),
        **{**plain, **fields},
    )  # fmt: skip


def opened(minute, number, head, opened_at, draft=False, **fields):
    change = ref(minute, number, opened_at=opened_at, head=COMMITS[head], **fields)
    return ChangeOpened(change=change, draft=draft)


def merged(minute, number, head, opened_at, commit, **fields):
    change = ref(minute, number, opened_at=opened_at, head=COMMITS[head], **fields)
    return ChangeMerged(change=change, commit=commit * 40, at=at(minute))


def reviewed(minute, number, head, opened_at, verdict, by):
    change = ref(minute, number, opened_at=opened_at, head=COMMITS[head])
    return ChangeReviewed(change=change, verdict=verdict, by=by, body="see there", commit=COMMITS[head], at=at(minute))


def checked(minute, head, conclusion, key="ci"):
    return ChecksFinished(
        source="github", repository="acme/api", head=COMMITS[head], conclusion=conclusion, name=key, key=key,
        at=at(minute),
    )  # fmt: skip


def pushed(minute, commit, message):
    one = Commit(id=commit * 40, message=message, at=at(minute))
    return CommitsPushed(
        source="github", repository="acme/api", branch="main", commits=(one,), is_default_branch=True, head=one.id
    )


def branch_pushed(minute, commit, message, number, rewrites=False):
    one = Commit(id=commit * 40, message=message)
    return CommitsPushed(
        source="github", repository="acme/api", branch=f"login-{number}", commits=(one,), head=one.id, at=at(minute),
        rewrites=rewrites,
    )  # fmt: skip


WORK = (
    opened(0, 7, "a", 0, draft=True),
    opened(1, 7, "a", 0),
    checked(2, "a", "failure"),
    reviewed(3, 7, "a", 0, "changes_requested", "eve"),
    opened(4, 7, "b", 0),
    checked(5, "b", "failure"),
    checked(6, "b", "success"),
    reviewed(7, 7, "b", 0, "changes_requested", "eve"),
    reviewed(8, 7, "b", 0, "approved", "eve"),
    opened(9, 8, "c", 9, body="Closes NX-2"),
    reviewed(10, 8, "c", 9, "changes_requested", "bob"),
    merged(11, 7, "b", 0, "7"),
    reviewed(12, 8, "c", 9, "dismissed", "bob"),
    checked(13, "c", "failure", key="lint"),
)


def issue(minute, title="It breaks", labels=("nexus",), state="open"):
    return IssueOpened(
        source="github", repository="acme/api", number=5, title=title, body="Here", trusted=True, labels=labels,
        state=state, updated_at=at(minute), external_id="I_5",
    )  # fmt: skip


#: Beside all that, an issue that becomes a task when it gets its label.
ISSUE = (
    issue(0, labels=()),
    issue(3, labels=("nexus",)),
    issue(6, "It broke", ("nexus", "ui"), "completed"),
    issue(9, "It broke", ("nexus", "ui")),
    issue(12, "It broke again", ("nexus",), "not-planned"),
    issue(15, "It broke again", ("nexus", "api")),
)
#: As a history goes on, and where it leaves the three tasks.
ENDS = {
    "one of two is open": ((), ["in-progress", "in-progress", "pending"]),
    "new commits answer a review and a check": (
        (reviewed(14, 8, "c", 9, "changes_requested", "bob"), opened(15, 8, "d", 9, body="Closes NX-2")),
        ["review", "review", "pending"],
    ),
    "a second look and a second run answer the first": (
        (
            reviewed(14, 8, "c", 9, "changes_requested", "ann"),
            reviewed(15, 8, "c", 9, "approved", "ann"),
            checked(16, "c", "success", key="lint"),
        ),
        ["review", "review", "pending"],
    ),
    "both are merged": (
        (opened(14, 8, "d", 9, body="Closes NX-2"), merged(15, 8, "d", 9, "8", body="Closes NX-2")),
        ["done", "done", "pending"],
    ),
    "a change took one back": (
        (
            merged(14, 8, "c", 9, "8", body="Closes NX-2"),
            opened(15, 9, "e", 15, title="Revert “log in”", body="Reverts acme/api#8"),
            merged(16, 9, "e", 15, "9", title="Revert “log in”", body="Reverts acme/api#8"),
        ),
        ["done", "pending", "pending"],
    ),
    "what took it back was taken back": (
        (
            merged(14, 8, "c", 9, "8", body="Closes NX-2"),
            merged(15, 9, "e", 15, "9", title="Revert “log in”", body="Reverts acme/api#8"),
            opened(16, 10, "f", 16, title="Revert “Revert”", body="Reverts acme/api#9"),
            merged(17, 10, "f", 16, "0", title="Revert “Revert”", body="Reverts acme/api#9"),
        ),
        ["done", "done", "pending"],
    ),
    "a commit took both back, and work went on": (
        (
            merged(14, 8, "c", 9, "8", body="Closes NX-2"),
            pushed(15, "3", f"Revert\n\nThis reverts commit {'7' * 40}."),
            pushed(16, "4", f"Revert\n\nThis reverts commit {'8' * 40}."),
            opened(17, 11, "e", 17),
            checked(18, "e", "failure"),
        ),
        ["in-progress", "pending", "pending"],
    ),
    "a commit closed what another took back": (
        (
            merged(14, 8, "c", 9, "8", body="Closes NX-2"),
            pushed(15, "1", "Fixes NX-3"),
            pushed(16, "2", f"This reverts commit {'1' * 40}."),
        ),
        ["done", "done", "pending"],
    ),
    "commits of its branch close another": (
        (
            branch_pushed(9, "8", "Begin with NX-3\n\nrefs NX-3, refs NX-1", 8),
            branch_pushed(10, "9", "Fixes NX-3", 8),
            merged(14, 8, "c", 9, "8", body="Closes NX-2"),
        ),
        ["done", "done", "done"],
    ),
    "commits that closed another are gone": (
        (
            branch_pushed(8, "8", "Fixes NX-3 and closes NX-2", 8),
            branch_pushed(10, "9", "refs NX-2", 8, rewrites=True),
            branch_pushed(11, "9", "refs NX-2", 7),
            merged(14, 8, "c", 9, "8", body="Closes NX-2"),
        ),
        ["done", "done", "pending"],
    ),
    "one opened when it was done changes nothing": (
        (merged(14, 8, "c", 9, "8", body="Closes NX-2"), opened(15, 12, "e", 15), checked(16, "e", "failure")),
        ["done", "done", "pending"],
    ),
}


def story(nexus, facts):
    """Tell a repository of its own the facts; how its tasks stand afterwards, and how its changes are linked."""
    name, ids = begin(nexus)
    for fact in facts:
        nexus.changes.apply(here(fact, name, ids))
    return standing(nexus, name, ids)


def begin(nexus):
    """A repository whose issues become tasks, with three tasks."""
    name = f"acme/api-{len(nexus.repositories.list())}"
    nexus.repositories.add(name)
    repository = nexus.repositories.get(name).id
    with nexus.store.writing() as work:
        work.access.set_meta(f"policy:{repository}", json.dumps(RepositoryPolicy(issues="nexus").kept))
    ids = [nexus.tasks.create(f"Task {index}", repository=name).id for index in (1, 2, 3)]
    return name, ids


def standing(nexus, name, ids):
    """How its tasks stand, how its changes are linked, and what became of its issue."""
    links = [
        sorted(
            (change.number, str(change.state), change.head, link.closes) for change, link in nexus.changes.for_task(one)
        )
        for one in ids
    ]
    found = nexus.tasks.list(TaskQuery(repository=name)).items
    of_issues = [(task.title, str(task.status), set(task.labels)) for task in found if task.id not in ids]
    return [str(nexus.tasks.get(one).status) for one in ids], links, of_issues


def here(fact, repository, ids):
    """The same fact in another repository, with its tasks."""

    def said(text):
        for index, number in enumerate(ids, 1):
            text = text.replace(f"NX-{index}", f"NX#{number}")
        return text.replace("NX#", "NX-").replace("acme/api#", f"{repository}#")

    if isinstance(fact, IssueOpened):
        return attrs.evolve(fact, repository=repository, external_id=f"I_{ids[0]}")
    if isinstance(fact, ChecksFinished):
        return attrs.evolve(fact, repository=repository)
    if isinstance(fact, CommitsPushed):
        commits = tuple(attrs.evolve(one, message=said(one.message)) for one in fact.commits)
        return attrs.evolve(fact, repository=repository, commits=commits)
    change = fact.change
    told = attrs.evolve(change, repository=repository, title=said(change.title), body=said(change.body))
    return attrs.evolve(fact, change=told)


@pytest.mark.parametrize("end", ENDS)
def test_in_order_they_end_where_the_rules_say(hub, end):
    """Else the orders could agree on something wrong."""
    more, statuses = ENDS[end]

    found = story(hub, [*WORK, *more, *ISSUE])

    assert (statuses, [("It broke again", "pending", {"api"})]) == (found[0], found[2])


@pytest.mark.parametrize("end", ENDS)
def test_shuffled_they_end_alike(hub, end):
    """Random orders of some twenty facts and more, with up to eight of them told twice."""
    facts = [*WORK, *ENDS[end][0], *ISSUE]
    wanted = story(hub, facts)
    wrong = {}
    for seed in range(SHUFFLES or (25 if hub.store.name == "sqlite" else 8)):
        chance = random.Random(seed)
        shuffled = [*facts, *chance.choices(facts, k=chance.randrange(9))]
        chance.shuffle(shuffled)
        if (found := story(hub, shuffled)) != wanted:
            wrong[seed] = found

    assert {} == wrong, wanted


@pytest.mark.parametrize(
    "end", ["both are merged", "what took it back was taken back", "commits of its branch close another"]
)
def test_told_at_once_they_end_alike(hub, end):
    """From a thread for each, without an order at all."""
    facts = [*WORK, *ENDS[end][0], *ISSUE]
    wanted = story(hub, facts)
    name, ids = begin(hub)
    answers = at_once([outcome(partial(hub.changes.apply, here(fact, name, ids))) for fact in facts])

    assert [] == [answer for answer in answers if isinstance(answer, Exception)]
    assert wanted == standing(hub, name, ids)
