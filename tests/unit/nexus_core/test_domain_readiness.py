"""Readiness: the rule, its reasons and the order of ready tasks."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_core.domain.readiness import explain, is_ready, order_key, order_reasons
from nexus_core.domain.tasks import Priority, Status

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def reasons(task, dependencies=(), ancestors=(), subtasks=()):
    found = explain(task, dependencies=dependencies, ancestors=ancestors, subtasks=subtasks, now=NOW)
    return [(condition.code, condition.tasks) for condition in found.why]


def test_a_plain_pending_task_is_ready(make_task):
    """Nothing in its way: ready, and no reason against it."""
    task = make_task()

    assert is_ready(task, NOW)
    assert [] == reasons(task)


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.PENDING])
def test_only_a_pending_task_is_ready(make_task, status):
    """Every other status keeps a task from being ready, and the reason says which."""
    task = make_task(status=status)

    assert not is_ready(task, NOW)
    assert [("status", ())] == reasons(task)


@pytest.mark.parametrize(
    ("status", "satisfied"),
    [
        (Status.DONE, True), (Status.CANCELLED, True), (Status.PENDING, False), (Status.IN_PROGRESS, False),
        (Status.REVIEW, False), (Status.BLOCKED, False), (Status.DEFERRED, False),
    ],
)  # fmt: skip
def test_a_dependency_is_satisfied_by_a_closed_task_only(make_task, status, satisfied):
    """Done and cancelled satisfy; everything else is named as a cause."""
    found = reasons(make_task(), dependencies=[make_task(2, status=status)])

    assert ([] if satisfied else [("dependencies", (2,))]) == found


def test_a_cancelled_dependency_is_said_to_count(make_task):
    """What counts only because it was cancelled stands in the notes."""
    other = make_task(2, status=Status.CANCELLED, title="Old plan")
    found = explain(make_task(), dependencies=[other], ancestors=[], subtasks=[], now=NOW)

    assert ("Old plan counts as satisfied because it was cancelled",) == found.notes


def test_an_ancestor_that_waits_holds_its_subtasks_back(make_task):
    """A parent's own dependency counts for what is below it; its other troubles do not."""
    waiting = make_task(2, open_dependencies=1)
    fine = make_task(3, status=Status.IN_PROGRESS)

    assert [("ancestors", (2,))] == reasons(make_task(), ancestors=[waiting, fine])


def test_open_subtasks_come_first(make_task):
    """A task with open subtasks is not ready; closed ones do not matter."""
    found = reasons(make_task(), subtasks=[make_task(2), make_task(3, status=Status.DONE)])

    assert [("subtasks", (2,))] == found


@pytest.mark.parametrize(("seconds", "ready"), [(-1, True), (0, True), (1, False)])
def test_a_parked_task_waits_for_its_time(make_task, seconds, ready):
    """A task is parked until the very moment, and no longer."""
    task = make_task(not_before=NOW + timedelta(seconds=seconds))

    assert ready is is_ready(task, NOW)
    assert ([] if ready else [("parked", ())]) == reasons(task)


def test_a_held_task_names_its_holder(make_task):
    """Who holds a task is said."""
    found = explain(make_task(assignment_id=5, agent="ada"), dependencies=[], ancestors=[], subtasks=[], now=NOW)

    assert ["ada holds it"] == [condition.message for condition in found.why]


def test_every_failing_condition_is_listed(make_task):
    """Not only the first reason: a person can mend them all at once."""
    task = make_task(status=Status.BLOCKED, assignment_id=1, not_before=NOW + timedelta(days=1))
    found = reasons(task, [make_task(2)], [make_task(3, open_dependencies=2)], [make_task(4)])

    assert ["status", "dependencies", "ancestors", "subtasks", "parked", "held"] == [code for code, _ in found]


statuses = st.lists(st.sampled_from(list(Status)), max_size=4)


@given(st.sampled_from(list(Status)), statuses, statuses, st.booleans(), st.sampled_from([None, -1, 1]))
def test_the_rule_on_counts_says_the_same_as_the_rule_on_tasks(make_task, own, before, below, held, parked):
    """What the store keeps beside a task and what `why` explains can never disagree."""
    dependencies = [make_task(10 + place, status=status) for place, status in enumerate(before)]
    subtasks = [make_task(20 + place, status=status) for place, status in enumerate(below)]
    task = make_task(
        status=own, assignment_id=1 if held else None,
        not_before=None if parked is None else NOW + timedelta(hours=parked),
        open_dependencies=sum(not status.is_closed for status in before),
        open_subtasks=sum(not status.is_closed for status in below),
    )  # fmt: skip
    explained = explain(task, dependencies=dependencies, ancestors=[], subtasks=subtasks, now=NOW)

    assert is_ready(task, NOW) is explained.ready
    assert explained.ready is not bool(explained.why)


def test_order_is_priority_then_impact_then_complexity_then_id(make_task):
    """Each later criterion decides only between tasks that are equal in the earlier ones."""
    expected = [
        make_task(9, priority=Priority.CRITICAL),
        make_task(8, priority=Priority.HIGH, impact=3, complexity_auto=9),
        make_task(7, priority=Priority.HIGH, impact=1, complexity_auto=2),
        make_task(6, priority=Priority.HIGH, impact=1, complexity_auto=4),
        make_task(1, impact=5),
        make_task(3, impact=5),
        make_task(2, priority=Priority.LOW, impact=99),
    ]

    assert expected == sorted(expected, key=order_key)


def test_a_task_without_a_score_stands_in_the_middle(make_task):
    """Unscored counts as 5: neither preferred nor held back."""
    easy, unscored, hard = make_task(3, complexity_auto=4), make_task(2), make_task(1, complexity_auto=6)

    assert [easy, unscored, hard] == sorted([hard, unscored, easy], key=order_key)


def test_the_order_is_explained_in_words(make_task):
    """The reasons name what counted, in order."""
    task = make_task(priority=Priority.HIGH, impact=2, complexity_auto=3)

    assert ("high priority", "2 open tasks wait for it", "complexity 3") == order_reasons(task)
    assert ("medium priority", "1 open task waits for it") == order_reasons(make_task(impact=1))
