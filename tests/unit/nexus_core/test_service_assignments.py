"""Assignments: claims, leases, fences, activities, questions, and every way in which work ends."""

import threading
from datetime import timedelta

import pytest

from nexus_core.domain.access import Actor, ActorKind, Role, Scope
from nexus_core.domain.agents import Agent
from nexus_core.errors import Conflict, Forbidden, Invalid, NoAgent, NotFound, NotReady, StaleClaim
from nexus_core.testing import nexus_for_test

ADA = Agent(name="ada", command=("true",), concurrency=2, lease=timedelta(minutes=10))


@pytest.fixture
def nexus(clock):
    """A hub with one launched agent."""
    with nexus_for_test(clock=clock, agents={"ada": ADA}) as hub:
        yield hub


@pytest.fixture
def claimed(nexus):
    """A task and the assignment of the agent that claimed it."""
    nexus.tasks.create("Build the login")
    assignment = nexus.assignments.claim(agent="bob")
    return nexus.tasks.get(assignment.task_id), assignment


# Claim ----------------------------------------------------------------------------------------------------------------


def test_a_claim_gives_the_best_ready_task(nexus):
    """With its lease, its fence, a branch that names it, and the reasons."""
    nexus.tasks.create("Later", priority="low")
    best = nexus.tasks.create("Build the log-in page!", priority="high")
    assignment = nexus.assignments.claim(agent="bob")
    task = nexus.tasks.get(best.id)

    assert (best.id, "assigned", 1, "nexus/nx-2-build-the-log-in-page") == (
        assignment.task_id, assignment.status, assignment.fence, assignment.branch,
    )  # fmt: skip
    assert ("in-progress", "bob", assignment.id) == (task.status, task.agent, task.assignment_id)
    assert assignment.reason.startswith("high priority")


def test_nothing_ready_is_no_claim(nexus):
    """None, not an error: the agent asks again later."""
    assert nexus.assignments.claim(agent="bob") is None


def test_a_named_task_that_is_not_ready_is_refused_with_its_blockers(nexus):
    """On this path as on every other."""
    one = nexus.tasks.create("One")
    two = nexus.tasks.create("Two", dependencies=[one.id])

    with pytest.raises(NotReady) as caught:
        nexus.assignments.claim(agent="bob", task_id=two.id)
    assert [("dependencies", (one.id,))] == [
        (blocker["code"], tuple(blocker["tasks"])) for blocker in caught.value.details["blockers"]
    ]


def test_a_held_task_cannot_be_claimed_again(nexus, claimed):
    """The refusal says who holds it, and nothing of how to take it."""
    task, _ = claimed

    with pytest.raises(NotReady, match="bob holds it"):
        nexus.assignments.claim(agent="eve", task_id=task.id)


def test_an_agent_holds_no_more_than_it_may(nexus):
    """As many as its `concurrency` says."""
    for number in range(3):
        nexus.tasks.create(f"T{number}")
    for _ in range(2):
        nexus.assignments.claim(agent="ada")

    with pytest.raises(NoAgent, match="ada holds 2 already"):
        nexus.assignments.claim(agent="ada")


def test_a_thousand_hands_never_hold_one_task_twice(nexus):
    """Eight threads claim what there is: every task once, every claim another task."""
    for number in range(40):
        nexus.tasks.create(f"T{number}")
    got = []

    def grab(name):
        while (assignment := nexus.assignments.claim(agent=name)) is not None:
            got.append(assignment.task_id)

    threads = [threading.Thread(target=grab, args=(f"agent-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 40 == len(got) == len(set(got))


def test_each_claim_has_a_higher_fence(nexus, claimed):
    """So that an old holder is recognised for ever."""
    task, first = claimed
    nexus.assignments.release(first.id, first.fence)
    second = nexus.assignments.claim(agent="eve")

    assert (task.id, first.fence + 1) == (second.task_id, second.fence)


# Meanwhile ------------------------------------------------------------------------------------------------------------


def test_every_write_of_the_holder_renews_the_lease(nexus, clock):
    """A working agent does not lose its task."""
    nexus.tasks.create("T")
    assignment = nexus.assignments.claim(agent="ada")
    ends = []
    for act in (
        lambda: nexus.assignments.heartbeat(assignment.id, 1),
        lambda: nexus.assignments.add_activity(assignment.id, 1, "thought", "Hm"),
        lambda: nexus.assignments.start(assignment.id, 1),
    ):
        clock.advance(minutes=9)
        act()
        ends.append(nexus.assignments.get(assignment.id).lease_until - clock.now())

    assert [timedelta(minutes=10)] * 3 == ends
    assert [] == nexus.assignments.reclaim_lost()


@pytest.mark.parametrize(
    "write",
    [
        lambda service, a, fence: service.heartbeat(a, fence),
        lambda service, a, fence: service.start(a, fence, branch="x"),
        lambda service, a, fence: service.add_activity(a, fence, "action", "x"),
        lambda service, a, fence: service.complete(a, fence),
        lambda service, a, fence: service.fail(a, fence, error="x"),
        lambda service, a, fence: service.release(a, fence),
    ],
)
def test_a_stale_fence_is_refused_on_every_write(nexus, clock, write):
    """Another number, an ended assignment, and a lease that ran out: all the same answer, and nothing changes."""
    nexus.tasks.create("T")
    first = nexus.assignments.claim(agent="ada")
    for fence in (first.fence + 1, first.fence - 1):
        with pytest.raises(StaleClaim):
            write(nexus.assignments, first.id, fence)
    clock.advance(minutes=10, seconds=1)
    with pytest.raises(StaleClaim):
        write(nexus.assignments, first.id, first.fence)
    nexus.assignments.reclaim_lost()
    second = nexus.assignments.claim(agent="bob")
    with pytest.raises(StaleClaim):
        write(nexus.assignments, first.id, first.fence)

    assert second == nexus.assignments.get(second.id)


def test_the_status_follows_the_last_activity(nexus, claimed):
    """Working, waiting for an answer, working again."""
    _, assignment = claimed
    seen = []
    for kind in ("thought", "elicitation", "action"):
        nexus.assignments.add_activity(assignment.id, 1, kind, "…")
        seen.append(str(nexus.assignments.get(assignment.id).status))

    assert ["working", "awaiting-input", "working"] == seen
    assert ["thought", "elicitation", "action"] == [
        str(activity.type) for activity in nexus.assignments.activities(assignment.id)
    ]


@pytest.mark.parametrize("kind", ["prompt", "shout", ""])
def test_an_agent_says_only_what_agents_say(nexus, claimed, kind):
    """Prompts are a person's."""
    with pytest.raises(Invalid):
        nexus.assignments.add_activity(claimed[1].id, 1, kind, "x")


# End ------------------------------------------------------------------------------------------------------------------


def test_finished_work_waits_in_review(nexus, claimed, types_of):
    """Held by nobody; the event carries what the code host needs."""
    task, assignment = claimed
    nexus.assignments.complete(assignment.id, 1, summary="Done", head="abc", commits=2)
    after = nexus.tasks.get(task.id)

    assert ("review", None, None) == (after.status, after.agent, after.assignment_id)
    assert ["task.moved", "assignment.completed"] == types_of(task=task.id)[-2:]
    assert {"agent": "bob", "branch": assignment.branch, "head": "abc", "commits": 2, "summary": "Done"} == (
        nexus.events.list(type="assignment.completed")[0].payload
    )


def test_a_failure_makes_the_task_claimable_and_says_so(nexus, claimed, types_of):
    """Ready again for those who ask; automatic assignment waits, longer each time."""
    task, assignment = claimed
    nexus.assignments.fail(assignment.id, 1, error="tests are red")
    after = nexus.tasks.get(task.id)

    assert ("pending", 1) == (after.status, after.failures)
    assert ["task.moved", "task.ready", "assignment.failed"] == types_of(task=task.id)[-3:]
    assert task.id == nexus.assignments.claim(agent="eve").task_id


def test_a_release_frees_the_task(nexus, claimed, types_of):
    """Without a failure."""
    task, assignment = claimed
    ended = nexus.assignments.release(assignment.id, 1, reason="not mine")

    assert ("cancelled", "pending", 0) == (
        ended.status, nexus.tasks.get(task.id).status, nexus.tasks.get(task.id).failures,
    )  # fmt: skip
    assert "assignment.released" == types_of(task=task.id)[-1]


def test_a_person_cancels_without_a_fence(nexus, claimed):
    """And doing so twice is harmless."""
    task, assignment = claimed
    first = nexus.assignments.cancel(assignment.id, reason="wrong way")

    assert first == nexus.assignments.cancel(assignment.id)
    assert nexus.tasks.readiness(task.id).ready


def test_a_silent_agent_loses_its_task(nexus, claimed, clock, types_of):
    """When the lease ends, and not before; once."""
    task, assignment = claimed
    clock.advance(minutes=30)
    early = nexus.assignments.reclaim_lost()
    clock.advance(seconds=1)
    lost = nexus.assignments.reclaim_lost()

    assert ([], [assignment.id], []) == (early, [one.id for one in lost], nexus.assignments.reclaim_lost())
    assert nexus.tasks.readiness(task.id).ready
    assert "assignment.lost" == types_of(task=task.id)[-1]


@pytest.mark.parametrize(
    ("status", "ended"), [("done", "completed"), ("cancelled", "cancelled"), ("pending", "cancelled")]
)
def test_moving_a_held_task_away_ends_the_assignment(nexus, claimed, status, ended):
    """Its holder's next write is refused."""
    task, assignment = claimed
    nexus.tasks.move(task.id, status)

    assert (ended, None) == (nexus.assignments.get(assignment.id).status, nexus.tasks.get(task.id).agent)
    with pytest.raises(StaleClaim):
        nexus.assignments.heartbeat(assignment.id, 1)


@pytest.mark.parametrize("status", ["in-progress", "review", "blocked"])
def test_a_held_task_may_stand_here(nexus, claimed, status):
    """The agent goes on."""
    task, assignment = claimed
    nexus.tasks.move(task.id, status)

    assert nexus.assignments.heartbeat(assignment.id, 1).status.is_live


def test_the_key_of_an_assignment_ends_with_it(nexus, claimed):
    """And it opens this assignment alone."""
    _, assignment = claimed
    new = nexus.keys.create("run", scopes=["assignments:write"], agent="bob", assignment_id=assignment.id)
    actor = nexus.keys.authenticate(new.secret)
    nexus.tasks.create("Other")
    other = nexus.assignments.claim(agent="bob")
    with pytest.raises(NotFound):
        nexus.assignments.heartbeat(other.id, other.fence, actor=actor)
    nexus.assignments.heartbeat(assignment.id, 1, actor=actor)
    nexus.assignments.complete(assignment.id, 1, actor=actor)

    with pytest.raises(Exception, match="not valid"):
        nexus.keys.authenticate(new.secret)


# Assign ---------------------------------------------------------------------------------------------------------------


def test_the_policy_picks_an_agent(nexus):
    """Its reason becomes the assignment's, and a job will launch it."""
    task = nexus.tasks.create("T")
    assignment = nexus.agents.assign(task.id)

    assert ("ada", "2 of 2 free") == (assignment.agent, assignment.reason)
    assert [{"assignment_id": assignment.id, "fence": 1}] == [
        dict(job.payload) for job in nexus.jobs.list(kind="core.run_agent")
    ]


def test_nobody_free_says_why(nexus):
    """Each agent with its reason."""
    for number in range(3):
        nexus.tasks.create(f"T{number}")
    nexus.agents.assign(1)
    nexus.agents.assign(2)

    with pytest.raises(NoAgent, match=r"ada is busy \(2 of 2\)"):
        nexus.agents.assign(3)


def test_an_unknown_agent_is_not_found(nexus):
    """A typing mistake assigns nothing."""
    task = nexus.tasks.create("T")

    with pytest.raises(NotFound, match="“adda”"):
        nexus.agents.assign(task.id, "adda")


def test_only_an_admin_overrides_and_the_event_says_so(nexus):
    """A task that is not ready is handed out by a decision that has a name."""
    one = nexus.tasks.create("One")
    two = nexus.tasks.create("Two", dependencies=[one.id])
    developer = Actor(kind=ActorKind.USER, name="dev", scopes=Role.DEVELOPER.scopes)
    admin = Actor(kind=ActorKind.USER, name="lead", scopes=frozenset(Scope))

    with pytest.raises(Forbidden):
        nexus.agents.assign(two.id, "ada", override=True, actor=developer)
    with pytest.raises(NotReady):
        nexus.agents.assign(two.id, "ada", actor=admin)
    assert "overridden by lead" in nexus.agents.assign(two.id, "ada", override=True, actor=admin).reason


def test_dispatch_hands_out_the_best_to_who_is_free(nexus):
    """As many as there is room for; the rest waits."""
    for number, priority in enumerate(("low", "high", "medium")):
        nexus.tasks.create(f"T{number}", priority=priority)
    given = nexus.agents.dispatch()

    assert [2, 3] == [assignment.task_id for assignment in given]
    assert [] == nexus.agents.dispatch()


def test_dispatch_waits_after_a_failure_and_gives_up_at_last(nexus, clock):
    """One minute, two, then a person must look."""
    nexus.tasks.create("T")
    rounds = []
    for _ in range(5):
        given = nexus.agents.dispatch()
        rounds.append(len(given))
        for assignment in given:
            nexus.assignments.fail(assignment.id, assignment.fence, error="no")
        rounds.append(len(nexus.agents.dispatch()))
        clock.advance(minutes=5)

    assert [1, 0, 1, 0, 1, 0, 0, 0, 0, 0] == rounds
    assert nexus.tasks.readiness(1).ready


def test_dispatch_can_be_switched_off(clock):
    """Then only people and agents hand out work."""
    with nexus_for_test(clock=clock, agents={"ada": ADA}, values={"assignment.automatic": False}) as nexus:
        nexus.tasks.create("T")

        assert [] == nexus.agents.dispatch()


# The inbox ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def question(nexus, claimed):
    """A question of an agent, with choices."""
    _, assignment = claimed
    return nexus.assignments.add_activity(assignment.id, 1, "elicitation", "Which?", choices=["red", "blue"])


def test_a_question_waits_in_the_inbox_until_it_is_answered(nexus, claimed, question):
    """The answer reaches the agent as a prompt, and it works again."""
    before = [activity.id for activity in nexus.inbox.list()]
    nexus.inbox.answer(question.id, "blue")
    last = nexus.assignments.activities(claimed[1].id)[-1]

    assert ([question.id], []) == (before, nexus.inbox.list())
    assert ("prompt", "blue") == (last.type, last.body)
    assert "working" == nexus.assignments.get(claimed[1].id).status


def test_the_first_answer_wins(nexus, question):
    """The second one is told who was first, and what they said."""
    nexus.inbox.answer(question.id, "red", actor=Actor(kind=ActorKind.USER, name="ada"))

    with pytest.raises(Conflict, match="ada answered first: red"):
        nexus.inbox.answer(question.id, "blue")


@pytest.mark.parametrize(("answer", "refusal"), [("green", Conflict), ("", Invalid), ("  ", Invalid), (3, Invalid)])
def test_an_answer_must_be_one_of_the_choices(nexus, question, answer, refusal):
    """What is no choice is refused, and the question stays open."""
    with pytest.raises(refusal):
        nexus.inbox.answer(question.id, answer)

    assert [question.id] == [activity.id for activity in nexus.inbox.list()]


def test_a_question_of_the_past_is_closed(nexus, claimed, question):
    """When its assignment ended, nobody waits for the answer."""
    nexus.assignments.release(claimed[1].id, 1)

    assert [] == nexus.inbox.list()
    with pytest.raises(Conflict, match="not an open question"):
        nexus.inbox.answer(question.id, "red")
