"""The checks of live tasks: what each finds, and what it leaves alone."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from nexus_core.domain.agents import Agent, Assignment, AssignmentStatus
from nexus_core.domain.chart import Chart, FileFacts, FileLink
from nexus_core.domain.checks.table import CHECKS
from nexus_core.domain.findings import FileMend, Severity, diagnose
from nexus_core.domain.tasks import Status

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
DONE, CANCELLED, DEFERRED, BLOCKED = Status.DONE, Status.CANCELLED, Status.DEFERRED, Status.BLOCKED
IN_PROGRESS, REVIEW = Status.IN_PROGRESS, Status.REVIEW


@pytest.fixture
def chart(make_task):
    """A chart of tasks given as fields, by id; with their counts as a store keeps them."""

    def made(tasks, others=None, **more):
        own = {number: make_task(number, **{"complexity_auto": 3, **fields}) for number, fields in tasks.items()}
        away = {number: make_task(number, repository="a/b", **fields) for number, fields in (others or {}).items()}
        counted = {number: attrs.evolve(task, **counts(task, own, away)) for number, task in own.items()}
        return Chart(**{"now": NOW, "prefix": "NX", "tasks": counted, "others": away, **more})

    return made


def counts(task, own, away):
    """What a store keeps beside a task."""

    def waits(one):
        return sum(not (own | away)[on].status.is_closed for on in one.dependencies)

    above = [own[task.parent_id]] if task.parent_id else []
    return {
        "open_dependencies": waits(task),
        "open_subtasks": sum(one.parent_id == task.id and not one.status.is_closed for one in own.values()),
        "blocked_ancestors": sum(waits(one) > 0 for one in above),
    }


def found(chart):
    """Each finding as its code and, for each case, the task and the others."""
    return {
        diagnosis.check.code: [(case.task, *case.others) for case in diagnosis.cases]
        for diagnosis in diagnose(CHECKS, chart)
    }


def case_of(chart, code):
    """The only case of a check."""
    [diagnosis] = [one for one in diagnose(CHECKS, chart) if one.check.code == code]
    [case] = diagnosis.cases
    return case


def test_sound_tasks_have_no_findings(chart):
    """Waiting in the usual way, subtasks, a held one, a parked one: nothing to say."""
    sound = chart(
        {
            1: {"status": DONE}, 2: {"dependencies": (1,)}, 3: {"dependencies": (2,)}, 4: {"parent_id": 3},
            5: {"status": IN_PROGRESS, "assignment_id": 7}, 6: {"not_before": NOW + timedelta(days=3)},
            7: {"status": CANCELLED}, 8: {"status": DEFERRED}, 9: {"status": BLOCKED}, 10: {"status": REVIEW},
        }
    )  # fmt: skip

    assert {} == found(sound)


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ({1: {"status": DONE}, 2: {"parent_id": 1}}, {"done_with_open_subtasks": [(1, 2)]}),
        ({1: {"status": CANCELLED}, 2: {"parent_id": 1}}, {"cancelled_with_open_subtasks": [(1, 2)]}),
        ({1: {"status": DEFERRED}, 2: {"parent_id": 1}}, {"deferred_with_ready_subtasks": [(1, 2)]}),
        ({1: {"status": DEFERRED}, 2: {"parent_id": 1, "status": DEFERRED}}, {}),
        ({1: {}, 2: {"parent_id": 1, "status": DONE}}, {"open_with_closed_subtasks": [(1, 2)]}),
        ({1: {}, 2: {"parent_id": 1, "status": CANCELLED}}, {}),
        ({1: {"status": REVIEW}, 2: {"parent_id": 1, "status": DONE}}, {}),
        ({1: {}, 2: {"status": DONE, "dependencies": (1,)}}, {"done_before_dependency": [(2, 1)]}),
        ({1: {"status": CANCELLED}, 2: {"dependencies": (1,)}}, {"cancelled_dependency": [(2, 1)]}),
        ({1: {"status": CANCELLED}, 2: {"status": DONE, "dependencies": (1,)}}, {}),
        ({1: {"status": IN_PROGRESS}}, {"in_progress_unheld": [(1,)]}),
        ({1: {"status": IN_PROGRESS, "fence": 2}}, {"in_progress_forgotten": [(1,)]}),
        (
            {1: {"status": IN_PROGRESS, "updated_at": NOW - timedelta(days=7)}},
            {"in_progress_forgotten": [(1,)]},
        ),
        ({1: {"status": IN_PROGRESS}, 2: {"parent_id": 1}}, {}),
        ({1: {"not_before": NOW + timedelta(days=31)}}, {"parked_far": [(1,)]}),
        ({1: {"complexity_auto": None}}, {"unscored": [(1,)]}),
        ({1: {"failures": 3}}, {"given_up": [(1,)]}),
        ({1: {"failures": 2}}, {}),
    ],
)  # fmt: skip
def test_a_check_finds_its_cases(chart, tasks, expected):
    """And no other check has anything to say of them."""
    assert expected == found(chart(tasks))


# Waiting --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "code"),
    [
        ({"status": DEFERRED}, "waits_for_deferred"),
        ({"status": BLOCKED}, "waits_for_blocked"),
        ({"not_before": NOW + timedelta(days=400)}, "waits_for_parked"),
    ],
)
def test_who_waits_for_ever_is_named_with_the_chain(chart, root, code):
    """One case for the task that holds all up: those behind it, directly or not, and the longest way to it."""
    made = chart({1: root, 2: {"dependencies": (1,)}, 3: {"dependencies": (2,)}, 4: {"parent_id": 3}, 5: {}})
    case = case_of(made, code)

    assert {code: [(1, 2, 3, 4)]} == found(made)
    assert "3 tasks wait for it: NX-4 → NX-3 → NX-2 → NX-1" in case.message
    assert "nexus task depend NX-2 NX-1 --remove" in case.commands


def test_a_blocked_task_that_an_agent_holds_is_no_dead_end(chart):
    """The agent asked a question, and goes on."""
    made = chart({1: {"status": BLOCKED, "assignment_id": 7}, 2: {"dependencies": (1,)}})

    assert {} == found(made)


def test_a_task_with_a_deferred_subtask_alone_is_no_case(chart):
    """That is the usual way; but who depends on that task waits for ever."""
    usual = chart({1: {}, 2: {"parent_id": 1, "status": DEFERRED}})
    waited_for = chart({1: {}, 2: {"parent_id": 1, "status": DEFERRED}, 3: {"dependencies": (1,)}})

    assert {} == found(usual)
    assert {"waits_for_deferred": [(2, 3)]} == found(waited_for)


def test_two_that_hold_up_the_same_are_two_cases(chart):
    """And a deferred one that itself waits is told for those behind it only."""
    made = chart({1: {"status": DEFERRED}, 2: {"status": DEFERRED, "dependencies": (1,)}, 3: {"dependencies": (2,)}})

    assert {"waits_for_deferred": [(2, 3)]} == found(made)


def test_long_chains_are_shortened(chart):
    """Their ends matter."""
    made = chart({1: {"status": DEFERRED}, **{number: {"dependencies": (number - 1,)} for number in range(2, 12)}})

    assert "NX-11 → NX-10 → … → NX-3 → NX-2 → NX-1" in case_of(made, "waits_for_deferred").message


def test_other_repositories_are_told_of_as_far_as_they_hold_this_one_up(chart):
    """Their open tasks as a note; a deferred one behind them as a warning."""
    made = chart({1: {"dependencies": (8,)}}, {8: {"dependencies": (9,)}, 9: {"status": DEFERRED}})
    case = case_of(made, "waits_for_deferred")

    assert {"waits_for_deferred": [(9, 1)], "waits_across_repositories": [(1, 8)]} == found(made)
    assert "NX-1 → NX-8 → NX-9" in case.message
    assert () == case.commands  # what is elsewhere is not ours to move, and NX-1 does not depend on it directly


def test_tasks_of_other_repositories_alone_are_no_finding_here(chart):
    """They are told where they are."""
    made = chart({1: {}}, {8: {"status": DEFERRED}, 9: {"dependencies": (8,)}})

    assert {} == found(made)


# Circles --------------------------------------------------------------------------------------------------------------


def test_a_circle_through_a_parent_is_a_deadlock(chart):
    """1 waits for 2, 2 for its subtask 3, and that for 1: no dependency closes a circle, all together do."""
    made = chart(
        {1: {"dependencies": (2,)}, 2: {}, 3: {"parent_id": 2, "dependencies": (1,)}, 4: {"dependencies": (1,)}}
    )
    case = case_of(made, "deadlock")

    assert ["deadlock"] == list(found(made))
    assert "NX-1 → NX-2 → NX-3 → NX-1" == case.message
    assert ("nexus task depend NX-1 NX-2 --remove", "nexus task depend NX-3 NX-1 --remove") == case.commands


def test_each_deadlock_is_told_once(chart):
    """However many tasks stand in it, and between it and the next."""
    made = chart(
        {
            1: {"dependencies": (2,)}, 2: {}, 3: {"parent_id": 2, "dependencies": (1,)},
            4: {"dependencies": (1, 5)},
            5: {"dependencies": (6,)}, 6: {}, 7: {"parent_id": 6, "dependencies": (5,)},
        }
    )  # fmt: skip

    assert 2 == len(found(made)["deadlock"])


def test_a_deadlock_that_is_done_is_history(chart):
    """One closed task in it, and the others go on."""
    made = chart({1: {"dependencies": (2,)}, 2: {"status": CANCELLED}, 3: {"status": DONE, "parent_id": 2}})

    assert "deadlock" not in found(made)


def test_a_cycle_that_the_import_left_open_is_told_with_its_path(chart):
    """The file has the step, Nexus has not, and there is a way back."""
    drop = FileMend(key="m:1", member="dependencies", was="2")
    links = (FileLink(key="m:1", on="m:2", drop=drop), FileLink(key="m:2", on="m:1", drop=None))
    file = FileFacts(lines={"m:1": 4, "m:2": 9}, links=links)
    made = chart({1: {"external_key": "m:1"}, 2: {"external_key": "m:2", "dependencies": (1,)}}, file=file)
    case = case_of(made, "cycle")

    assert {"cycle": [(1, 2)]} == found(made)
    assert ("NX-1 → NX-2 → NX-1; that it waits for NX-2 was left out", 4, (drop,)) == (
        case.message, case.line, case.edits,
    )  # fmt: skip


def test_a_dependency_that_a_person_dropped_is_no_cycle(chart):
    """There is no way back."""
    file = FileFacts(lines={"m:1": 1, "m:2": 2}, links=(FileLink(key="m:1", on="m:2", drop=None),))

    assert {} == found(chart({1: {"external_key": "m:1"}, 2: {"external_key": "m:2"}}, file=file))


# Agents ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agents", "task", "message"),
    [
        ([Agent(name="a", command=("x",), max_complexity=5)], {"complexity_auto": 9}, "complexity is 9"),
        ([Agent(name="a", max_complexity=5), Agent(name="b")], {"complexity_auto": 9}, None),
        ([Agent(name="a", skills=frozenset({"python"}))], {"labels": ("rust",)}, "asks for rust"),
        ([Agent(name="a", skills=frozenset({"python"}))], {"labels": ("rust", "python")}, None),
        ([Agent(name="a", command=("x",), skills=frozenset({"python"}))], {"labels": ("rust",)}, None),
        ([Agent(name="a", repositories=frozenset({"a/b"}))], {"repository": "a/c"}, "no agent works in a/c"),
        ([], {"complexity_auto": 9}, None),
    ],
)
def test_a_task_that_no_agent_can_take_is_told(chart, agents, task, message):
    """By complexity, by labels where the agents claim for themselves, by repository; not where none is configured."""
    made = chart({1: task}, agents=tuple(agents))
    cases = found(made)

    assert ({"no_agent_can": [(1,)]} if message else {}) == cases
    assert message is None or message in case_of(made, "no_agent_can").message


def test_a_lease_that_ended_is_told_with_the_ways_out(chart):
    """The assignment is named, so that it can be cancelled."""
    lost = Assignment(
        id=5, task_id=1, agent="ada", status=AssignmentStatus.WORKING, fence=1, lease_until=NOW, assigned_at=NOW
    )
    made = chart({1: {"status": IN_PROGRESS, "assignment_id": 5}}, expired={1: lost})
    case = case_of(made, "stale_lease")

    assert "the lease of ada ended at 2026-01-31 12:00 UTC" == case.message
    assert "nexus agent cancel 5" in case.commands


# Alone ----------------------------------------------------------------------------------------------------------------


def test_a_task_that_the_file_lost_is_told(chart):
    """If it came from the file; one that was created in Nexus gets its place with an export."""
    tasks = {number: {"external_key": f"m:{number}"} for number in (1, 2, 3)}
    made = chart(tasks, imported=frozenset({1, 2}), file=FileFacts(lines={"m:1": 4}))

    assert {"gone_from_file": [(2,)]} == found(made)


def test_counts_that_do_not_agree_are_told(chart, make_task):
    """Whatever put them wrong."""
    sound = chart({1: {}, 2: {"dependencies": (1,)}, 3: {"parent_id": 2}})
    drifted = {**sound.tasks, 2: make_task(2, dependencies=(1,), open_subtasks=1, complexity_auto=3)}

    assert {} == found(sound)
    assert {"counts_drifted": [(2,)]} == found(Chart(now=NOW, prefix="NX", tasks=drifted))


# The table ------------------------------------------------------------------------------------------------------------


def test_the_table_is_in_order():
    """The gravest first, each code once."""
    kinds = [list(Severity).index(check.severity) for check in CHECKS]

    assert sorted(kinds) == kinds
    assert len(CHECKS) == len({check.code for check in CHECKS})


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_what_somebody_should_look_at_says_what_to_do(check):
    """A mend of ours, or advice; and sentences for one case and for several."""
    assert check.severity is Severity.NOTE or check.mends or check.advice
    assert "1" not in check.message(1) and "12" in check.message(12)
    assert len(check.mends) == len({mend.name for mend in check.mends})
