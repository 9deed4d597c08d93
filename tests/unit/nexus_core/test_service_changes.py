"""Facts from code hosts: in order, out of order, late and twice, a task always ends where the facts say."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from nexus_core.domain.changes import (
    ChangeClosed,
    ChangeMerged,
    ChangeOpened,
    ChangeRef,
    ChangeReviewed,
    ChecksFinished,
    Commit,
    CommitsPushed,
    IssueOpened,
    RepositoryRenamed,
    TaskFileChanged,
)
from nexus_core.testing import nexus_for_test

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def nexus(clock):
    """A hub with a repository, a task in it, and one that waits for it."""
    with nexus_for_test(clock=clock) as hub:
        hub.repositories.add("acme/api", external_id="R_1")
        hub.tasks.create("Log in", repository="acme/api")
        hub.tasks.create("Log out", repository="acme/api", dependencies=[1])
        yield hub


def ref(number=7, minute=0, **fields):
    plain = {
        "title": "NX-1: log in", "branch": "nexus/nx-1-log-in", "url": f"https://git.example/acme/api/{number}",
        "head": "abc", "updated_at": AT + timedelta(minutes=minute),
    }  # fmt: skip
    return ChangeRef(source="github", repository="acme/api", number=number, **{**plain, **fields})


def status(nexus, task_id=1):
    return str(nexus.tasks.get(task_id).status)


def test_the_usual_way(nexus, types_of):
    """Opened: in review. Merged: done, and what waited is ready; each with its reason and its delivery."""
    nexus.changes.apply(ChangeOpened(change=ref()), delivery="github:d1")
    opened = status(nexus)
    nexus.changes.apply(ChangeMerged(change=ref(minute=5), by="ada"), delivery="github:d2")
    moves = nexus.events.list(type="task.moved")

    assert ("review", "done") == (opened, status(nexus))
    assert nexus.tasks.readiness(2).ready
    assert [("acme/api#7 is open for review", "github:d1"), ("acme/api#7 merged", "github:d2")] == [
        (event.payload["reason"], event.delivery) for event in moves
    ]


def test_a_draft_is_work_in_progress(nexus):
    """Until it is made ready for review."""
    nexus.changes.apply(ChangeOpened(change=ref(), draft=True))
    draft = status(nexus)
    nexus.changes.apply(ChangeOpened(change=ref(minute=1)))

    assert ("in-progress", "review") == (draft, status(nexus))


def test_closed_unmerged_goes_back_to_pending(nexus):
    """And its assignment is released."""
    assignment = nexus.assignments.claim(agent="bob", task_id=1)
    nexus.changes.apply(ChangeOpened(change=ref()))
    nexus.changes.apply(ChangeClosed(change=ref(minute=1)))

    assert ("pending", "cancelled") == (status(nexus), nexus.assignments.get(assignment.id).status)


def test_a_task_with_two_changes_is_done_with_the_last(nexus):
    """A merge completes nothing while another closing change is open; nor does closing one give up."""
    nexus.changes.apply(ChangeOpened(change=ref(7)))
    nexus.changes.apply(ChangeOpened(change=ref(8)))
    nexus.changes.apply(ChangeMerged(change=ref(7, minute=1)))
    first = status(nexus)
    nexus.changes.apply(ChangeMerged(change=ref(8, minute=2)))

    assert ("review", "done") == (first, status(nexus))


def test_a_closed_change_beside_an_open_one_changes_nothing(nexus):
    """The other one is still to be reviewed."""
    nexus.changes.apply(ChangeOpened(change=ref(7)))
    nexus.changes.apply(ChangeOpened(change=ref(8)))
    nexus.changes.apply(ChangeClosed(change=ref(7, minute=1)))

    assert "review" == status(nexus)


FACTS = {
    "opened": ChangeOpened(change=ref(minute=0)),
    "reviewed": ChangeReviewed(change=ref(minute=1), verdict="changes_requested", by="eve", body="no"),
    "edited": ChangeOpened(change=ref(minute=2)),
    "merged": ChangeMerged(change=ref(minute=3)),
}


@pytest.mark.parametrize("order", list(permutations(FACTS)), ids="-".join)
def test_in_whatever_order_the_facts_come_a_merge_wins(nexus, order):
    """Every order, and then everything once more: done, and never moved away from it."""
    for name in [*order, *order]:
        nexus.changes.apply(FACTS[name])
    tos = [event.payload["to"] for event in nexus.events.list(type="task.moved", task=1)]

    assert "done" == status(nexus) == tos[-1]
    assert 1 == tos.count("done")
    assert 1 == len(nexus.events.list(type="change.merged"))


@pytest.mark.parametrize("late", [False, True])
def test_what_was_opened_and_edited_within_a_second_stands_as_edited(nexus, late):
    """A host's times are whole seconds; a robot that names the task in the title is faster."""
    facts = [ChangeOpened(change=ref(title="log in", branch="x"), first=True), ChangeOpened(change=ref(branch="x"))]
    for fact in reversed(facts) if late else facts:
        nexus.changes.apply(fact)

    assert "review" == status(nexus)


def test_what_was_closed_and_reopened_within_a_second_is_open(nexus):
    """Robots do that to have the checks run again."""
    nexus.changes.apply(ChangeOpened(change=ref(), first=True))
    nexus.changes.apply(ChangeClosed(change=ref(minute=1)))
    nexus.changes.apply(ChangeOpened(change=ref(minute=1), reopened=True))

    assert "review" == status(nexus)


def test_a_late_opening_does_not_reopen_what_was_closed(nexus):
    """The host's clock decides, not the order of arrival."""
    nexus.changes.apply(ChangeOpened(change=ref(minute=0)))
    nexus.changes.apply(ChangeClosed(change=ref(minute=5)))

    assert not nexus.changes.apply(ChangeOpened(change=ref(minute=1)))
    assert "pending" == status(nexus)


def test_a_reopened_change_counts_again(nexus):
    """By a newer fact."""
    nexus.changes.apply(ChangeOpened(change=ref(minute=0)))
    nexus.changes.apply(ChangeClosed(change=ref(minute=1)))
    nexus.changes.apply(ChangeOpened(change=ref(minute=2), reopened=True))

    assert "review" == status(nexus)


def test_a_persons_word_stands_against_repeated_facts(nexus):
    """Who reopened a task by hand does not find it done again because a webhook was sent twice."""
    merged = ChangeMerged(change=ref())
    nexus.changes.apply(merged)
    nexus.tasks.move(1, "pending", reason="it does not work")
    nexus.changes.apply(merged)

    assert "pending" == status(nexus)


@pytest.mark.parametrize("held", ["deferred", "cancelled", "done"])
def test_an_open_change_does_not_wake_what_people_put_aside(nexus, held):
    """Only what is to be worked on comes into review."""
    nexus.tasks.move(1, held)
    nexus.changes.apply(ChangeOpened(change=ref()))

    assert held == status(nexus)


def test_a_mention_links_without_moving(nexus):
    """It belongs to the story of the task, but completes nothing."""
    change = ref(title="Groundwork", branch="groundwork", body="refs NX-1")
    nexus.changes.apply(ChangeOpened(change=change))
    nexus.changes.apply(ChangeMerged(change=change))
    [(_, link)] = nexus.changes.for_task(1)

    assert ("pending", False, "the body says “refs NX-1”") == (status(nexus), link.closes, link.reason)


@pytest.mark.parametrize(
    "fact",
    [
        ChangeReviewed(change=ref(minute=1), verdict="changes_requested", by="eve", body="Please mend"),
        ChecksFinished(source="github", repository="acme/api", head="abc", conclusion="failure", name="tests"),
    ],
    ids=["review", "checks"],
)
def test_what_reviewers_and_checks_find_sends_the_task_back(nexus, fact):
    """To work, with the finding as the reason."""
    nexus.changes.apply(ChangeOpened(change=ref()))
    nexus.changes.apply(fact)
    reason = nexus.events.list(type="task.moved")[-1].payload["reason"]

    assert "in-progress" == status(nexus)
    assert "eve requested changes on acme/api#7" in reason or "tests failed on acme/api#7" in reason


@pytest.mark.parametrize(
    "fact",
    [
        ChangeReviewed(change=ref(minute=1), verdict="approved"),
        ChecksFinished(source="github", repository="acme/api", head="abc", conclusion="success"),
        ChecksFinished(source="github", repository="acme/api", head="other", conclusion="failure"),
        IssueOpened(source="github", repository="acme/api", number=3, title="NX-1"),
    ],
    ids=["approved", "green", "another commit", "issue"],
)
def test_what_does_not_concern_the_status_leaves_it(nexus, fact):
    """An approval is not a merge."""
    nexus.changes.apply(ChangeOpened(change=ref()))
    nexus.changes.apply(fact)

    assert "review" == status(nexus)


@pytest.mark.parametrize(("default", "expected"), [(True, "done"), (False, "pending")])
def test_commits_complete_tasks_on_the_default_branch_only(nexus, default, expected):
    """A branch speaks through its change."""
    commits = (Commit(id="a" * 40, message="Fixes NX-1"), Commit(id="b" * 40, message="Mention NX-2"))
    nexus.changes.apply(
        CommitsPushed(source="github", repository="acme/api", branch="main", commits=commits, is_default_branch=default)
    )

    assert (expected, "pending") == (status(nexus, 1), status(nexus, 2))


def test_a_commit_that_takes_back_another_does_not_complete_what_it_quotes(nexus):
    """Git and GitHub repeat the message of what is taken back, closing words and all."""
    nexus.changes.apply(pushed(Commit(id="a" * 40, message="Fixes NX-1")))
    before = status(nexus)
    back = 'Revert "Fixes NX-1"\n\nThis reverts commit ' + "a" * 40
    nexus.changes.apply(pushed(Commit(id="b" * 40, message=back)))

    assert ("done", "pending") == (before, status(nexus))


def pushed(commit):
    return CommitsPushed(
        source="github", repository="acme/api", branch="main", commits=(commit,), is_default_branch=True, head=commit.id
    )


def test_taskmasters_numbers_count_within_their_repository(nexus):
    """Task 1 of another repository's file is another task."""
    content = b'{"tasks": [{"id": 1, "title": "T"}]}'
    for name in ("acme/api", "acme/web"):
        nexus.tasks.import_file(content, name)
    nexus.changes.apply(ChangeMerged(change=ref(title="Do it", branch="tm/master/task-1-do-it")))
    ids = {task.repository: task.id for task in nexus.tasks.list().items if task.external_key}

    assert ("done", "pending") == (status(nexus, ids["acme/api"]), status(nexus, ids["acme/web"]))


def test_a_change_of_a_repository_that_nobody_added_is_ignored(nexus, types_of):
    """False, and no trace."""
    before = types_of()

    assert not nexus.changes.apply(ChangeMerged(change=ChangeRef(source="github", repository="x/y", number=1)))
    assert before == types_of()


def test_a_renamed_repository_is_the_same_one(nexus):
    """By its host's own id, also when the rename itself was missed."""
    nexus.changes.apply(
        RepositoryRenamed(source="github", old_name="acme/api", new_name="acme/core", external_id="R_1")
    )
    nexus.changes.apply(
        ChangeMerged(
            change=ChangeRef(
                source="github", repository="acme/later", repository_external_id="R_1", number=7, title="NX-1: x"
            )
        )
    )

    assert ["acme/core"] == [repository.name for repository in nexus.repositories.list()]
    assert "done" == status(nexus)


def test_a_changed_task_file_is_imported(nexus):
    """From a repository that is looked after, when its content came along."""
    fact = TaskFileChanged(
        source="github", repository="acme/api", path="tasks.json", content=b'{"tasks": [{"id": 1, "title": "New"}]}'
    )

    assert nexus.changes.apply(fact)
    assert "New" in [task.title for task in nexus.tasks.list().items]


def test_changes_are_found_by_branch(nexus):
    """How a plugin sees that its pull request is there already."""
    nexus.changes.apply(ChangeOpened(change=ref()))

    assert [7] == [change.number for change in nexus.changes.find("acme/api", branch="nexus/nx-1-log-in")]
    assert [] == nexus.changes.find("acme/api", branch="other")
