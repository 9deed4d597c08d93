"""What the commits of a branch say, its change says: whichever is told first, and as long as they are its own."""

from datetime import UTC, datetime, timedelta

import pytest

from nexus_core.domain.changes import ChangeMerged, ChangeOpened, ChangeRef, Commit, CommitsPushed
from nexus_core.testing import nexus_for_test

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def nexus(clock):
    """A hub with a repository and two tasks, the second of which Taskmaster knows as 3.2."""
    with nexus_for_test(clock=clock) as hub:
        hub.repositories.add("acme/api")
        hub.tasks.create("Log in", repository="acme/api")
        tasks = b'{"tasks": [{"id": 3, "title": "T", "subtasks": [{"id": 2, "title": "S"}]}]}'
        hub.tasks.import_file(tasks, "acme/api")
        yield hub


def at(minute):
    return AT + timedelta(minutes=minute)


def ref(minute=10, number=7, **fields):
    plain = {"title": "Log in", "branch": "login", "url": f"https://git.example/{number}", "updated_at": at(minute)}
    return ChangeRef(source="github", repository="acme/api", number=number, **{**plain, **fields})


def pushed(minute, *messages, branch="login", **fields):
    commits = tuple(Commit(id=f"{minute:02}{place:02}" * 10, message=one) for place, one in enumerate(messages))
    head = commits[-1].id if commits else "f" * 40
    return CommitsPushed(
        source="github", repository="acme/api", branch=branch, commits=commits, head=head, at=at(minute), **fields
    )


def told(nexus, *facts):
    """How the task stands after these facts, and why it is linked."""
    for fact in facts:
        nexus.changes.apply(fact)
    links = [(change.number, link.closes, link.reason) for change, link in nexus.changes.for_task(1)]
    return str(nexus.tasks.get(1).status), links


FIXES = "Do it\n\nFixes NX-1"
SAID = "the commit message says “fixes NX-1”"


@pytest.mark.parametrize("push_first", [True, False])
@pytest.mark.parametrize(
    ("message", "closes", "reason"),
    [
        (FIXES, True, SAID),
        ("Begin\n\nrefs NX-1", False, "the commit message says “refs NX-1”"),
        ("Mention NX-1", None, None),
        ("This does not fix NX-1", None, None),
    ],
)
def test_a_commit_message_links_the_change_of_its_branch(nexus, push_first, message, closes, reason):
    """By the same words as its body; a mere mention does not."""
    facts = [pushed(5, "First", message), ChangeOpened(change=ref())]
    found = told(nexus, *(facts if push_first else reversed(facts)))

    assert ("review" if closes else "pending", [] if closes is None else [(7, closes, reason)]) == found


def test_taskmasters_trailer_links_within_the_repository(nexus):
    """`Task: 3.2` is that of the repository's own file."""
    nexus.changes.apply(pushed(5, "Do it\n\nTask: 3.2"))
    nexus.changes.apply(ChangeOpened(change=ref()))
    [task] = [one for one in nexus.tasks.list().items if one.external_key and one.external_key.endswith("3.2")]
    [(change, link)] = nexus.changes.for_task(task.id)

    assert (7, False, "the commit message has the trailer “Task: 3.2”") == (change.number, link.closes, link.reason)


def test_the_link_is_an_event_once(nexus, types_of):
    """However often commits and change are told."""
    told(nexus, ChangeOpened(change=ref()), *[pushed(5, FIXES)] * 2, ChangeOpened(change=ref(minute=11)))

    assert 1 == types_of().count("change.linked")


def test_merged_it_completes_the_task(nexus):
    """Also where the commits are told last."""
    assert ("done", [(7, True, SAID)]) == told(nexus, ChangeMerged(change=ref(), at=at(10)), pushed(5, FIXES))


def test_what_was_known_before_the_merge_was_pushed_before_it(nexus):
    """Whatever the clocks say; what is told after it has to have been pushed before."""
    early = (pushed(15, FIXES), ChangeOpened(change=ref()), ChangeMerged(change=ref(minute=11), at=at(11)))

    assert ("done", [(7, True, SAID)]) == told(nexus, *early)
    nexus.tasks.move(1, "pending")
    assert "pending" == told(nexus, pushed(16, FIXES))[0]


def test_what_is_pushed_after_the_merge_completes_nothing(nexus, clock):
    """The branch may go on, with a change that nobody has opened yet."""
    found = told(nexus, ChangeMerged(change=ref(), at=at(10)))
    clock.advance(minutes=1)

    assert found == ("pending", []) == told(nexus, pushed(11, FIXES))


def test_a_fork_has_its_own_branch(nexus):
    """That it is called like one of ours means nothing."""
    assert ("pending", []) == told(nexus, pushed(5, FIXES), ChangeOpened(change=ref(is_fork=True)))
    assert ("pending", []) == told(nexus, pushed(6, FIXES))


def test_another_branch_says_nothing_of_it(nexus):
    """Neither does one of another repository."""
    assert ("pending", []) == told(nexus, pushed(5, FIXES, branch="login-2"), ChangeOpened(change=ref()))


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (2, 0, 1), (1, 2, 0)])
def test_what_may_be_gone_from_a_branch_closes_nothing(nexus, order):
    """After the branch was rewritten; what it holds since then does."""
    facts = [pushed(5, FIXES), pushed(6, "Do it otherwise", rewrites=True), ChangeOpened(change=ref())]

    assert ("pending", [(7, False, SAID)]) == told(nexus, *(facts[place] for place in order))
    assert ("review", [(7, True, SAID)]) == told(nexus, pushed(7, FIXES))


def test_a_branch_that_is_used_again_begins_anew(nexus):
    """The commits of a merged change are none of the next one's; nor are later ones those of the former."""
    told(nexus, pushed(5, FIXES), ChangeMerged(change=ref(), at=at(10)))
    nexus.tasks.move(1, "pending")
    found = told(nexus, ChangeOpened(change=ref(minute=20, number=8)), pushed(21, "refs NX-1"))

    assert ("pending", [(7, True, SAID), (8, False, "the commit message says “refs NX-1”")]) == found


def test_the_body_speaks_before_the_commits(nexus):
    """And when it takes its word back, theirs stands."""
    reason = "the body says “closes NX-1”"
    assert [(7, True, reason)] == told(nexus, pushed(5, FIXES), ChangeOpened(change=ref(body="Closes NX-1")))[1]
    assert ("review", [(7, True, SAID)]) == told(nexus, ChangeOpened(change=ref(minute=11, body="Nothing")))


def test_commits_are_forgotten_after_a_year(nexus, clock):
    """But those of an open change."""
    told(nexus, pushed(5, FIXES), pushed(5, FIXES, branch="other"), ChangeOpened(change=ref()))
    clock.advance(days=400)

    assert (1, 0) == (nexus.changes.prune(), nexus.changes.prune())
    assert ("review", [(7, True, SAID)]) == told(nexus, ChangeOpened(change=ref(minute=11, title="Log in now")))
