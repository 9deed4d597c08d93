"""Issues that become tasks, and both in step; commands in comments; what hosts say of repositories and people."""

import json
from datetime import UTC, datetime, timedelta
from itertools import permutations

import attrs
import pytest

from nexus_core.domain.access import ActorKind, Role
from nexus_core.domain.changes import ChangeOpened, ChangeRef, RepositoryRenamed
from nexus_core.domain.hosts import AuthorizationRevoked, CommentAdded, HostAccessChanged, RepositoryStateChanged
from nexus_core.domain.issues import IssueOpened, IssueTransferred
from nexus_core.domain.policy import RepositoryPolicy
from nexus_core.testing import nexus_for_test

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def nexus(clock):
    with nexus_for_test(clock=clock) as hub:
        hub.repositories.add("acme/api", external_id="R_1")
        hub.repositories.add("acme/web", external_id="R_2")
        yield hub


def policy(nexus, repository=1, **said):
    with nexus.store.writing() as work:
        work.access.set_meta(f"policy:{repository}", json.dumps(RepositoryPolicy(**said).kept))


def issue(minute=0, **fields):
    plain = {
        "title": "It breaks", "body": "Here", "author": "mona", "trusted": True, "external_id": "I_5",
        "updated_at": AT + timedelta(minutes=minute), "url": "https://git.example/5",
    }  # fmt: skip
    return IssueOpened(source="github", repository="acme/api", number=5, **{**plain, **fields})


def tasks(nexus):
    return nexus.tasks.list().items


# In
# --


def test_without_a_policy_issues_stay_issues(nexus):
    """Nobody asked for tasks."""
    assert not nexus.changes.apply(issue())
    assert () == tuple(tasks(nexus))


@pytest.mark.parametrize(("said", "labels", "expected"), [
    ("all", (), 1), ("nexus", (), 0), ("nexus", ("bug",), 0), ("nexus", ("bug", "Nexus"), 1),
])  # fmt: skip
def test_the_policy_says_which_become_tasks(nexus, said, labels, expected):
    """All, or those with a label; it is no label of the task."""
    policy(nexus, issues=said)
    nexus.changes.apply(issue(labels=labels))

    assert expected == len(tasks(nexus))
    assert not any("nexus" in task.labels or "Nexus" in task.labels for task in tasks(nexus))


def test_an_issue_becomes_a_task_once(nexus):
    """However often it is told of, and also when it gets its label later."""
    policy(nexus, issues="nexus")
    for fact in (issue(), issue(1, labels=("nexus",)), issue(1, labels=("nexus",)), issue(2, labels=("nexus", "ui"))):
        nexus.changes.apply(fact)
    (task,) = tasks(nexus)

    assert ("It breaks", "Here", ("ui",), "acme/api") == (task.title, task.description, task.labels, task.repository)
    assert 1 == len(nexus.events.list(type="issue.became_task"))


def test_what_an_outsider_wrote_is_put_aside_until_somebody_vouches(nexus):
    """Else anybody on the internet gives work to agents."""
    policy(nexus, issues="nexus")
    nexus.changes.apply(issue(trusted=False, labels=("nexus",)))
    first = tasks(nexus)[0].status
    nexus.changes.apply(issue(1, trusted=False, labels=("nexus",), vouched="nexus"))

    assert ("deferred", "pending") == (first, tasks(nexus)[0].status)


@pytest.mark.parametrize(("state", "expected"), [("completed", "done"), ("not-planned", "cancelled")])
def test_a_closed_issue_closes_its_task_and_a_reopened_one_opens_it(nexus, state, expected):
    """Each with its reason."""
    policy(nexus, issues="all")
    nexus.changes.apply(issue())
    nexus.changes.apply(issue(1, state=state))
    closed = tasks(nexus)[0].status
    nexus.changes.apply(issue(2))
    reasons = [event.payload["reason"] for event in nexus.events.list(type="task.moved")]

    assert (expected, "pending") == (closed, tasks(nexus)[0].status)
    assert reasons[-1] == "acme/api#5 was reopened"


def test_labels_are_the_same_in_upper_and_lower_case(nexus):
    """Also where somebody vouches by one."""
    policy(nexus, issues="nexus")
    nexus.changes.apply(issue(trusted=False, labels=("Nexus",)))
    nexus.changes.apply(issue(1, trusted=False, labels=("Nexus",), vouched="Nexus"))

    assert ["pending"] == [task.status for task in tasks(nexus)]


def test_each_side_keeps_what_only_it_changed(nexus):
    """A three-way merge: the issue's new title does not take away the task's new labels, nor a closed one its text."""
    policy(nexus, issues="all")
    nexus.changes.apply(issue(labels=("bug",)))
    task = tasks(nexus)[0]
    nexus.tasks.edit(task.id, {"labels": ["bug", "python"], "description": "There"})
    nexus.changes.apply(issue(1, title="It broke", labels=("bug", "ui")))
    task = tasks(nexus)[0]

    assert ("It broke", "There", {"bug", "python", "ui"}) == (task.title, task.description, set(task.labels))


def test_what_both_changed_is_told(nexus):
    """The issue's text is taken, and both are kept on record."""
    policy(nexus, issues="all")
    nexus.changes.apply(issue())
    nexus.tasks.edit(tasks(nexus)[0].id, {"title": "Mine"})
    nexus.changes.apply(issue(1, title="Theirs"))
    (event,) = nexus.events.list(type="task.conflicted")

    assert "Theirs" == tasks(nexus)[0].title
    assert {"field": "title", "base": "It breaks", "issue": "Theirs", "nexus": "Mine", "taken": "issue"} == dict(
        event.payload["conflicts"][0]
    )


def test_what_nexus_opened_itself_becomes_no_task(nexus):
    """Own actions make no rounds."""
    policy(nexus, issues="all")

    assert not nexus.changes.apply(issue(own=True))
    assert [] == list(tasks(nexus))


HISTORY = (
    issue(0, labels=()),
    issue(1, labels=("nexus",)),
    issue(2, title="It broke", labels=("nexus",)),
    issue(3, title="It broke", labels=("nexus", "ui"), state="completed"),
    issue(4, title="It broke", labels=("nexus", "ui")),
    issue(5, title="It broke again", labels=("nexus",), state="not-planned"),
)


@pytest.mark.parametrize("length", [3, 4, 5, 6])
def test_in_whatever_order_they_come_they_end_alike(clock, length):
    """Every order of a part of the history, the last one twice."""

    def told(facts):
        with nexus_for_test(clock=clock) as hub:
            hub.repositories.add("acme/api")
            policy(hub, issues="nexus")
            for fact in facts:
                hub.changes.apply(fact)
            return [(task.title, task.status, task.labels) for task in tasks(hub)]

    facts = HISTORY[:length]
    wanted = told(facts)
    orders = list(permutations(facts))[:: 1 if length < 5 else 13]

    assert 1 == len(wanted)
    assert {} == {order: end for order in orders if (end := told([*order, order[0]])) != wanted}


def test_a_transferred_issue_keeps_its_task(nexus):
    """Whether the transfer or the issue in its new place is told first."""
    there = issue(2, external_id="I_9", title="It broke")
    there = attrs.evolve(there, repository="acme/web", number=9)
    moved = IssueTransferred(
        source="github", repository="acme/api", number=5, external_id="I_5", to_repository="acme/web", to_number=9,
        to_external_id="I_9",
    )  # fmt: skip
    policy(nexus, issues="all")
    nexus.changes.apply(issue())
    nexus.changes.apply(moved)
    policy(nexus, 2, issues="all")
    nexus.changes.apply(there)

    assert ["It broke"] == [task.title for task in tasks(nexus)]


# Out
# ---


def test_what_changed_here_is_to_be_written_there_once(nexus):
    """And what came from there is nothing to write: no rounds."""
    policy(nexus, issues="nexus")
    nexus.changes.apply(issue(labels=("nexus", "bug")))
    task = tasks(nexus)[0]
    first = nexus.issues.outgoing(task.id, "github")
    nexus.tasks.edit(task.id, {"title": "Mine", "labels": ["bug", "ui"]})
    nexus.tasks.move(task.id, "done")
    out = nexus.issues.outgoing(task.id, "github")
    nexus.issues.written(out, AT + timedelta(minutes=9))
    nexus.changes.apply(issue(9, title="Mine", labels=("nexus", "bug", "ui"), state="completed"))

    assert first is None
    assert ({"title", "labels", "state"}, ("nexus", "bug", "ui"), "completed") == (
        out.changed, out.text.labels, out.text.state,
    )  # fmt: skip
    assert nexus.issues.outgoing(task.id, "github") is None
    assert task.version + 2 == nexus.tasks.get(task.id).version


def test_what_is_too_long_for_an_issue_is_shortened_there_alone(nexus):
    """A host refuses it else, each time anew; and the echo does not shorten the task."""
    policy(nexus, issues="all")
    nexus.changes.apply(issue())
    long = {"title": "t" * 300, "description": "d" * 70_000}
    nexus.tasks.edit(1, long)
    outgoing = nexus.issues.outgoing(1, "github")
    nexus.issues.written(outgoing, AT + timedelta(minutes=1))
    nexus.changes.apply(issue(1, title=outgoing.text.title, body=outgoing.text.body))
    task = nexus.tasks.get(1)

    assert (256, 65_536) == (len(outgoing.text.title), len(outgoing.text.body))
    assert long == {"title": task.title, "description": task.description}
    assert nexus.issues.outgoing(1, "github") is None


def test_events_of_tasks_with_an_issue_say_so(nexus):
    """So that a host's plugin hears of these alone."""
    policy(nexus, issues="all")
    nexus.changes.apply(issue())
    nexus.tasks.create("Another", repository="acme/api")
    for task in tasks(nexus):
        nexus.tasks.edit(task.id, {"title": f"{task.title}!"})
        nexus.tasks.move(task.id, "done")
    told = [
        event.payload.get("issue")
        for event in nexus.events.list(limit=200)
        if event.type in ("task.edited", "task.moved")
    ]

    assert [1, 1, None, None] == told


# Comments
# --------


def comment(body, **fields):
    plain = {
        "external_id": "C_1",
        "author": "lead",
        "author_id": "41",
        "on_change": True,
        "url": "https://git.example/c",
    }
    return CommentAdded(source="github", repository="acme/api", number=7, body=body, **{**plain, **fields})


@pytest.fixture
def spoken(nexus):
    """A task with a change, on which people comment."""
    nexus.tasks.create("Log in", repository="acme/api")
    change = ChangeRef(source="github", repository="acme/api", number=7, title="NX-1: log in", updated_at=AT)
    nexus.changes.apply(ChangeOpened(change=change))
    return nexus


def person(nexus, role, number="41", name="lead"):
    user = nexus.users.invite(name, role)
    with nexus.store.writing() as work:
        work.logins.bind(user.id, provider="github", subject=number, now=AT)
    return user


def test_who_has_an_account_that_may_commands(spoken):
    """By the number of the person, in their name."""
    person(spoken, "developer")
    took = spoken.changes.apply(comment("Nice!\n\n/nexus done it works"), delivery="github:d1")
    (move,) = spoken.events.list(type="task.moved")[-1:]
    (taken,) = spoken.events.list(type="command.taken")

    assert took
    assert ("done", "it works", "lead", "github:d1") == (
        spoken.tasks.get(1).status, move.payload["reason"], move.actor_name, move.delivery,
    )  # fmt: skip
    assert "NX-1 is done now." == taken.payload["answer"]


@pytest.mark.parametrize(
    ("role", "author"),
    [
        (None, {}),
        ("viewer", {}),
        ("developer", {"author_id": "99"}),  # somebody else took the name over
        ("developer", {"author_id": ""}),
    ],
    ids=["a stranger", "a viewer", "another of that name", "a deleted account"],
)
def test_nobody_else_does(spoken, role, author):
    """Whatever the host says that they are to the repository; it is on record."""
    if role:
        person(spoken, role)
    spoken.changes.apply(comment("/nexus done", **author))
    told = [event.type for event in spoken.events.list(limit=200) if event.type.startswith("command.")]

    assert ("review", 1) == (spoken.tasks.get(1).status, len(told))
    assert told == (["command.taken"] if role == "viewer" else ["command.ignored"])


@pytest.mark.parametrize("named", ["41", "lead", "@Lead"])
def test_whom_the_policy_names_may_in_that_repository(spoken, named):
    """Although they have no account here; and nowhere else."""
    policy(spoken, approvers=(named,))
    other = spoken.tasks.create("Elsewhere", repository="acme/web")
    spoken.changes.apply(comment(f"/nexus priority high\n/nexus done NX-{other.id}\n/nexus done"))

    assert ("done", "high", "pending") == (
        spoken.tasks.get(1).status, spoken.tasks.get(1).priority, spoken.tasks.get(other.id).status,
    )  # fmt: skip


def test_a_login_of_digits_is_nobodys_id(spoken):
    """Anybody may register one at the host."""
    policy(spoken, approvers=("41",))
    spoken.changes.apply(comment("/nexus done", author="41", author_id="99"))

    assert "review" == spoken.tasks.get(1).status


def test_a_repositorys_own_words_close(spoken):
    """By its policy, and in no other repository."""
    policy(spoken, closing_words=("ships",))
    for repository, number in (("acme/api", 8), ("acme/web", 9)):
        task = spoken.tasks.create("Ship it", repository=repository)
        change = ChangeRef(source="github", repository=repository, number=number, title="x", body=f"Ships NX-{task.id}")
        spoken.changes.apply(ChangeOpened(change=change))

    assert ["review", "pending"] == [spoken.tasks.get(number).status for number in (2, 3)]


def test_a_comment_that_is_told_twice_is_done_once(spoken):
    """And those of Nexus itself, and of who was shut out, are no commands."""
    user = person(spoken, "developer")
    spoken.changes.apply(comment("/nexus done"))
    spoken.tasks.move(1, "pending")
    again = spoken.changes.apply(comment("/nexus done"))
    own = spoken.changes.apply(comment("/nexus done", external_id="C_2", own=True))
    spoken.users.set_disabled(user.id, True)
    shut = spoken.changes.apply(comment("/nexus done", external_id="C_3"))

    assert (False, False, False, "pending") == (again, own, shut, spoken.tasks.get(1).status)


@pytest.mark.parametrize(
    "body",
    [
        "> /nexus done",
        "`/nexus done`",
        "```\n/nexus done\n```",
        "<!--\n/nexus done\n-->",
        "say /nexus done",
        "/nexusdone",
    ],
)
def test_what_only_speaks_of_commands_is_none(spoken, body):
    """Quotes, code and what nobody sees."""
    person(spoken, "admin")

    assert not spoken.changes.apply(comment(body))


def test_what_cannot_be_done_is_answered(spoken):
    """With what to do."""
    person(spoken, "developer")
    spoken.changes.apply(comment("/nexus dance\n/nexus priority soon\n/nexus done NX-99\n/nexus assign nobody"))
    (taken,) = spoken.events.list(type="command.taken")

    assert not taken.payload["done"]
    assert 4 == len(taken.payload["answer"].splitlines())


# Repositories, access, people
# ----------------------------


def test_a_repository_is_known_by_its_number(nexus):
    """Another that took its former name over is another one."""
    nexus.changes.apply(
        RepositoryRenamed(source="github", old_name="acme/api", new_name="acme/core", external_id="R_1")
    )
    nexus.repositories.add("acme/api", external_id="R_7")
    policy(nexus, 1, issues="all")
    nexus.changes.apply(issue(repository_external_id="R_7"))
    before = len(tasks(nexus))
    nexus.changes.apply(issue(repository_external_id="R_1"))

    assert (0, "acme/core") == (before, tasks(nexus)[0].repository)


def test_the_state_at_the_host_is_kept_and_the_latest_counts(nexus):
    """Archived and brought back, in whatever order it is told."""
    facts = [
        RepositoryStateChanged(source="github", repository="acme/api", state=state, at=AT + timedelta(minutes=minute))
        for minute, state in enumerate(("archived", "active", "archived"))
    ]
    ends = []
    for order in permutations(facts):
        with nexus_for_test() as hub:
            hub.repositories.add("acme/api")
            for fact in order:
                hub.changes.apply(fact)
            ends.append(hub.repositories.get("acme/api").state)

    assert ["archived"] * 6 == ends


def test_access_that_is_taken_away_is_noted_of_all_repositories_of_the_owner(nexus):
    """And given back to those that are listed."""
    nexus.changes.apply(HostAccessChanged(source="github", granted=False, owner="Acme", reason="uninstalled", at=AT))
    gone = [one.reachable for one in nexus.repositories.list()]
    back = HostAccessChanged(
        source="github", granted=True, owner="acme", repositories=(("acme/web", "R_2"),), at=AT + timedelta(minutes=1)
    )
    nexus.changes.apply(back)

    assert ([False, False], [False, True]) == (gone, [one.reachable for one in nexus.repositories.list()])


def test_a_revoked_login_ends_sessions_and_keys_of_that_person_alone(nexus):
    """By their number; what they made for machines stays."""
    lead, other = person(nexus, "admin"), person(nexus, "developer", "42", "ada")
    with nexus.store.writing() as work:
        for user in (lead, other):
            work.logins.add_session(f"hash-{user.id}", user.id, now=AT, expires_at=AT + timedelta(days=1))
            work.access.add_key(
                name="login", hash_=f"key-{user.id}", scopes=Role.VIEWER.scopes, repositories=None, agent=None,
                assignment_id=None, now=AT, expires_at=None, user_id=user.id,
            )  # fmt: skip
    took = nexus.changes.apply(AuthorizationRevoked(source="github", account_id="41"))
    with nexus.store.reading() as work:
        sessions = [work.logins.session(f"hash-{user.id}") is not None for user in (lead, other)]
        keys = [work.access.find_key(f"key-{user.id}").revoked_at is None for user in (lead, other)]

    assert (True, [False, True], [False, True]) == (took, sessions, keys)
    assert not nexus.changes.apply(AuthorizationRevoked(source="github", account_id="77"))


def test_nobody_commands_under_the_name_of_the_system(spoken):
    """Whoever commands is a person with no more than their own scopes."""
    person(spoken, "developer")
    spoken.changes.apply(comment("/nexus done"))
    (event,) = spoken.events.list(type="command.taken")

    assert ActorKind.USER == event.actor_kind


def test_a_task_of_an_archived_repository_says_that_no_agent_is_launched(nexus):
    """It is ready all the same: a person may have ways."""
    task = nexus.tasks.create("Model", repository="acme/api")
    before = nexus.tasks.readiness(task.id).notes
    nexus.changes.apply(RepositoryStateChanged(source="github", repository="acme/api", state="archived", at=AT))
    found = nexus.tasks.readiness(task.id)

    assert (True, ("no agent is launched for it: acme/api is archived at its host",)) == (found.ready, found.notes)
    assert () == before
