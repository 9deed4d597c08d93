"""The built-in assignment policy."""

from datetime import UTC, datetime

import pytest

from nexus_core.domain.agents import Agent, AgentState, Assignment, AssignmentStatus
from nexus_core.domain.assignment import choose, fits

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def state(name, held=0, **fields):
    assignments = tuple(
        Assignment(
            id=n, task_id=n, agent=name, status=AssignmentStatus.WORKING, fence=1, lease_until=AT, assigned_at=AT
        )
        for n in range(held)
    )
    return AgentState(agent=Agent(name=name, command=("true",), **fields), assignments=assignments)


def chosen(task, *states):
    choice = choose(task, states)
    return choice and choice.agent


def test_skills_decide_first(make_task):
    """Most of the task's labels among the agent's skills wins, even against a less busy agent."""
    task = make_task(labels=("python", "sql"))
    both = state("both", held=1, concurrency=2, skills=frozenset({"python", "sql"}))
    one = state("one", skills=frozenset({"python"}))

    assert "both" == chosen(task, one, both)


def test_the_capable_are_kept_for_what_needs_them(make_task):
    """Of two that match alike, the one with less complexity to spare gets it."""
    task = make_task(complexity_auto=3)

    assert "junior" == chosen(task, state("senior", max_complexity=10), state("junior", max_complexity=4))
    assert "senior" == chosen(
        make_task(complexity_auto=8), state("senior", max_complexity=10), state("junior", max_complexity=4)
    )


def test_the_least_busy_gets_it_then_the_name_decides(make_task):
    """The same question has the same answer every time."""
    assert "free" == chosen(make_task(), state("busy", held=1, concurrency=2), state("free", concurrency=2))
    assert "ada" == chosen(make_task(), state("bob"), state("ada"))


@pytest.mark.parametrize(
    ("agent", "reason"),
    [
        (state("a", held=1), "a is busy (1 of 1)"),
        (state("a", max_complexity=4), "a takes complexity up to 4; this is 7"),
        (state("a", repositories=frozenset({"acme/web"})), "a does not work in acme/api"),
    ],
)
def test_who_cannot_take_it_is_told_why(make_task, agent, reason):
    """The reasons go into the refusal, so that a person can mend the configuration."""
    task = make_task(complexity_auto=7, repository="acme/api")

    assert reason == fits(task, agent)
    assert chosen(task, agent) is None


def test_the_choice_is_explained(make_task):
    """People read why this agent got this task."""
    task = make_task(labels=("python",), complexity_auto=3)
    agent = state("ada", held=1, concurrency=3, skills=frozenset({"python", "go"}), max_complexity=8)

    assert "skills python; complexity 3 of at most 8; 2 of 3 free" == choose(task, [agent]).reason


def test_nobody_is_an_answer(make_task):
    """Without agents there is no choice."""
    assert choose(make_task(), []) is None
