"""The doctor of tasks: what it tells to whom, what a mend does, and that nothing of it is lost."""

import json
import sqlite3
from contextlib import closing

import pytest

from nexus_core.domain.access import Actor, ActorKind, Scope
from nexus_core.domain.tasks import Status
from nexus_core.errors import Invalid, NotFound
from nexus_core.formats.model import ParsedTasks, Warning_
from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.records import TaskFormat
from nexus_core.services.mending import ACTIONS
from nexus_core.testing import nexus_for_test

REPO = "acme/api"
PATH = ".taskmaster/tasks/tasks.json"
WHO = Actor(kind=ActorKind.KEY, name="ci", scopes=frozenset(Scope))


def one(task_id, **fields):
    plain = {"description": "", "details": "", "testStrategy": "", "priority": "medium", "subtasks": []}
    return {"id": task_id, "title": f"T{task_id}", "status": "pending", "dependencies": [], **plain, **fields}


def sub(task_id, **fields):
    plain = {"description": "", "details": "", "status": "pending", "dependencies": []}
    return {"id": task_id, "title": f"S{task_id}", **plain, **fields}


def file(*tasks):
    return json.dumps({"tasks": list(tasks)}, indent=2).encode()


def narrowed(*repositories):
    return Actor(kind=ActorKind.KEY, name="ci", scopes=frozenset(Scope), repositories=frozenset(repositories))


@pytest.fixture
def bring(nexus):
    """Import tasks as a file of the repository."""
    return lambda *tasks, repo=REPO: nexus.tasks.import_file(file(*tasks), repo, path=PATH)


@pytest.fixture
def codes(nexus):
    """The codes of the findings of a repository, or of all."""
    return lambda repo=REPO, **more: [found.check.code for found in nexus.task_doctor.examine(repo, **more).items]


@pytest.fixture
def events(nexus):
    """The events of one type, oldest first."""
    return lambda kind: nexus.events.list(type=kind, limit=200)


# Looking --------------------------------------------------------------------------------------------------------------


def test_both_sides_are_told_as_one(nexus, bring, codes):
    """What is wrong in the file and what is wrong in the live tasks, the gravest first."""
    bring(one(1, status="done", subtasks=[sub(1)]), one(2, dependencies=[9]), one(2))

    assert ["duplicate_id", "dangling_dependency", "done_with_open_subtasks"] == codes()


def test_a_finding_names_its_tasks_and_their_places(nexus, bring):
    """By id and by the key of the file, with path and line, also for what only the live tasks show."""
    bring(one(1), one(2, status="done", subtasks=[sub(1)]))
    [found] = nexus.task_doctor.examine(REPO).items
    [case] = found.cases

    assert (REPO, PATH, 1) == (found.repository, found.path, found.count)
    assert ("master:2", "S1") == (found.tasks[case.task].external_key, found.tasks[case.others[0]].title)
    assert 14 == case.line


def test_the_live_tasks_count_not_what_the_file_said(nexus, bring, codes):
    """What was put right in Nexus is right, although the file is older."""
    bring(one(1, status="done", subtasks=[sub(1)]))
    nexus.tasks.move(2, "done")

    assert [] == codes()


def test_many_cases_are_one_finding_with_its_count(nexus, bring):
    """The first of them are shown."""
    bring(*(one(number, dependencies=[99]) for number in range(1, 31)))
    [found] = nexus.task_doctor.examine(REPO, cases=3).items

    assert (30, 3) == (found.count, len(found.cases))
    assert "30 dependencies name tasks that do not exist" == found.check.message(found.count)


def test_only_some_checks_are_asked_for(nexus, bring, codes):
    """A name that is none is refused, with those that there are."""
    bring(one(1, dependencies=[1, 9]))

    assert ["self_dependency"] == codes(only=["self_dependency", "stale_lease"])
    with pytest.raises(Invalid) as caught:
        codes(only=["self_dependancy"])
    assert "self_dependency" in caught.value.faults[0].message


def test_pages_end_behind_whole_repositories(nexus, bring):
    """Following them gives every finding once; tasks of no repository come last."""
    for name in ("a/a", "a/b", "a/c"):
        bring(one(1, dependencies=[1, 9]), repo=name)
    nexus.tasks.move(nexus.tasks.create("Alone").id, "in-progress")
    found, after = [], 0
    while after is not None:
        page = nexus.task_doctor.examine(limit=3, after=after)
        found.append([one.repository for one in page.items])
        after = page.next_cursor and int(page.next_cursor)

    assert [["a/a"] * 2 + ["a/b"] * 2, ["a/c"] * 2 + [None]] == found
    assert [None] == [one.repository for one in nexus.task_doctor.examine("none").items]


def test_a_narrowed_key_is_told_of_its_repositories_alone(nexus, bring, codes):
    """The others do not exist for it, neither by name nor among all."""
    bring(one(1, dependencies=[9]), repo="a/a")
    bring(one(1, dependencies=[9]), repo="a/b")
    actor = narrowed(2)

    assert ["a/b"] == [found.repository for found in nexus.task_doctor.examine(actor=actor).items]
    for foreign in ("a/a", "none"):
        with pytest.raises(NotFound):
            codes(foreign, actor=actor)
        with pytest.raises(NotFound):
            nexus.task_doctor.mend(foreign, actor=actor)


def test_what_holds_up_from_a_foreign_repository_is_named_without_its_words(nexus, bring):
    """Its key shows that something is there; whoever may see it is told its title."""
    bring(one(1), repo="a/a")
    bring(one(1, title="Secret", status="deferred"), repo="a/b")
    nexus.tasks.depend(1, 2)

    def look(actor):
        [found] = nexus.task_doctor.examine("a/a", only=["waits_for_deferred"], actor=actor).items
        return found.cases[0], found.tasks

    case, foreign = look(narrowed(1))

    assert (2, "it is deferred; 1 task waits for it: NX-1 → NX-2") == (case.task, case.message)
    assert {1} == foreign.keys()
    assert "Secret" == look(WHO)[1][2].title


def test_who_waits_elsewhere_is_told_where_the_trouble_is(nexus, bring, codes):
    """Only the other repository depends on what is deferred here."""
    bring(one(1), repo="a/a")
    bring(one(1, status="deferred"), repo="a/b")
    nexus.tasks.depend(1, 2)

    assert ["waits_for_deferred"] == codes("a/b")


def test_a_format_without_a_doctor_tells_its_warnings():
    """As the import does."""

    class Plain:
        @hookimpl
        def nexus_task_formats(self):
            odd = Warning_(place="line 1", code="odd", message="{this} is odd", done="left out")
            parsed = ParsedTasks(format="plain", layout="plain", tasks=(), warnings=(odd,))
            yield TaskFormat(name="plain", parse=lambda content: parsed, render=lambda original, tasks, keys: b"")

    with nexus_for_test(Plain()) as hub:
        hub.tasks.import_file(b"", REPO, format="plain")
        [found] = hub.task_doctor.examine(REPO).items

        assert ("file_warning", "line 1: {this} is odd; left out") == (found.check.code, found.cases[0].message)


# Mending --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tasks", "mend", "statuses"),
    [
        (
            [one(1, status="done", subtasks=[sub(1, subtasks=[sub(1)]), sub(2, status="done")])],
            "done_with_open_subtasks:complete",
            "done done done done",
        ),
        ([one(1, status="done", subtasks=[sub(1)])], "done_with_open_subtasks:reopen", "pending pending"),
        (
            [one(1, status="cancelled", subtasks=[sub(1), sub(2, status="done")])],
            "cancelled_with_open_subtasks:cancel",
            "cancelled cancelled done",
        ),
        ([one(1, status="cancelled", subtasks=[sub(1)])], "cancelled_with_open_subtasks:reopen", "pending pending"),
        (
            [one(1, status="deferred", subtasks=[sub(1), sub(2, status="review")])],
            "deferred_with_ready_subtasks",
            "deferred deferred review",
        ),
        ([one(1, subtasks=[sub(1, status="done")])], "open_with_closed_subtasks", "done done"),
        ([one(1, status="in-progress")], "in_progress_unheld", "pending"),
    ],
)  # fmt: skip
def test_a_mend_moves_tasks_with_reason_and_actor(nexus, bring, codes, events, tasks, mend, statuses):
    """Then nothing is left of it; every move is an event that says who and why."""
    bring(*tasks)
    before = len(events("task.moved"))
    report = nexus.task_doctor.mend(REPO, [mend], actor=WHO)
    moved = events("task.moved")[before:]

    assert statuses == " ".join(task.status for task in nexus.tasks.list().items)
    assert [mend.partition(":")[0]] == [done.check.code for done in report.mended]
    assert mend.partition(":")[0] not in codes()
    assert len(moved) == report.mended[0].count
    assert {("ci", "nexus task doctor")} == {
        (event.actor_name, event.payload["reason"].partition(":")[0]) for event in moved
    }


def test_a_mend_drops_dependencies_on_what_is_cancelled(nexus, bring, codes, events):
    """In Nexus, and so in the file with the next export."""
    bring(one(1, status="cancelled"), one(2, dependencies=[1]))
    nexus.task_doctor.mend(REPO, ["cancelled_dependency"], actor=WHO)
    [event] = events("task.undepended")

    assert () == nexus.tasks.get(2).dependencies
    assert file(one(1, status="cancelled"), one(2)) == nexus.tasks.export_file(REPO)
    assert (1, "nexus task doctor: a task depends on a cancelled one") == (event.payload["on"], event.payload["reason"])


def test_a_mend_takes_back_what_a_silent_agent_holds(nexus, clock, codes, events):
    """As a worker would, if one ran."""
    task = nexus.tasks.create("Build it")
    nexus.assignments.claim(agent="ada")
    clock.advance(minutes=31)
    early = codes("none")
    clock.advance(minutes=2)
    found = codes("none")
    nexus.task_doctor.mend("none")

    assert ([], ["stale_lease"], []) == (early, found, codes("none"))
    assert (Status.PENDING, None) == ((after := nexus.tasks.get(task.id)).status, after.agent)
    assert 1 == len(events("assignment.lost"))


def test_a_mend_cancels_what_the_file_lost(nexus, bring, codes):
    """Only when it is asked for: a file may have lost it by mistake."""
    bring(one(1), one(2))
    bring(one(1))
    unasked = nexus.task_doctor.mend(REPO)
    asked = nexus.task_doctor.mend(REPO, ["gone_from_file"])

    assert ((), "gone_from_file") == (unasked.mended, asked.mended[0].check.code)
    assert Status.CANCELLED is nexus.tasks.get(2).status


def test_a_task_that_the_file_never_had_is_not_gone(nexus, bring, codes):
    """An export gives it a place; until that file is imported, the old one lacks it."""
    bring(one(1))
    nexus.tasks.create("New", repository=REPO)
    nexus.tasks.export_file(REPO)

    assert "master:2" == nexus.tasks.get(2).external_key
    assert [] == codes()


def test_a_mend_counts_anew_what_drifted(nexus, bring, codes, events):
    """What a hand in the database left behind; a task that is ready by right becomes so."""
    bring(one(1))
    with closing(sqlite3.connect(nexus.config.data_dir / "nexus.db")) as connection:
        connection.execute("UPDATE tasks SET open_dependencies = 2")
        connection.commit()
    before = codes(), nexus.tasks.ready()
    nexus.task_doctor.mend(REPO)

    assert (["counts_drifted"], []) == before
    assert ([], [1]) == (codes(), [task.id for task in nexus.tasks.ready()])
    assert [1] == [event.task_id for event in events("task.ready")]


def test_a_subtask_that_an_agent_holds_is_left_alone(nexus, bring, codes):
    """Its work ends by what the agent does, or by a person."""
    bring(one(1, status="done", subtasks=[sub(1), sub(2)]))
    held = nexus.assignments.claim(agent="ada").task_id
    nexus.task_doctor.mend(REPO, ["done_with_open_subtasks:complete"])

    assert {2: Status.IN_PROGRESS, 3: Status.DONE} == {number: nexus.tasks.get(number).status for number in (2, 3)}
    assert (2, ["done_with_open_subtasks"]) == (held, codes())


def test_a_mend_is_on_record_as_a_whole(nexus, bring, events):
    """What was wrong, how it was mended, and each change: what is taken out of a file stands there for good."""
    bring(one(1, dependencies=[1, 9]))
    nexus.task_doctor.mend(REPO, ["dangling_dependency"], actor=WHO)
    [event] = events("tasks.mended")

    assert ("ci", {"code": "dangling_dependency", "mend": "drop"}) == (
        event.actor_name, {name: event.payload[name] for name in ("code", "mend")},
    )  # fmt: skip
    assert ["master:1 dependencies: 9 → taken out"] == event.payload["changes"]


def test_without_names_only_what_asks_for_no_decision_is_mended(nexus, bring, codes):
    """The rest waits for a person."""
    bring(one(1, status="done", subtasks=[sub(1, parentId="undefined")]), one(2, dependencies=[2, 9]))
    report = nexus.task_doctor.mend(REPO)

    assert ["self_dependency", "undefined_parent"] == [done.check.code for done in report.mended]
    assert ["dangling_dependency", "done_with_open_subtasks"] == codes()
    assert codes() == [found.check.code for found in report.findings]


def test_a_dry_run_says_the_same_and_changes_nothing(nexus, bring, codes, types_of):
    """Not even an event."""
    bring(one(1, status="done", subtasks=[sub(1, parentId="undefined")]))
    before = codes(), nexus.tasks.export_file(REPO), types_of()
    named = ["done_with_open_subtasks:complete", "undefined_parent"]
    dry = nexus.task_doctor.mend(REPO, named, dry_run=True)

    assert before == (codes(), nexus.tasks.export_file(REPO), types_of())
    assert dry.dry_run and dry.mended == nexus.task_doctor.mend(REPO, named).mended


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("done_with_open_subtasks", "done_with_open_subtasks:complete"),
        ("done_with_open_subtasks:both", "done_with_open_subtasks:reopen"),
        ("duplicate_id", "by a person"),
        ("nonsense", "there is no check “nonsense”"),
        ("", "there is no check “”"),
        (":", "there is no check “”"),
    ],
)
def test_a_mend_that_there_is_not_or_that_leaves_a_choice_is_refused(nexus, bring, name, said):
    """With what could be named; and the others are not made either."""
    bring(one(1, dependencies=[1]))
    with pytest.raises(Invalid) as caught:
        nexus.task_doctor.mend(REPO, ["self_dependency", name])

    assert said in caught.value.faults[0].message and "/mend/1" == caught.value.faults[0].pointer
    assert file(one(1, dependencies=[1])) == nexus.tasks.export_file(REPO)


def test_every_mend_of_live_tasks_has_its_action(nexus):
    """And no action is without its mend."""
    named = {(check.code, mend.name, mend.edits_file) for check in nexus.task_doctor.checks() for mend in check.mends}

    assert ACTIONS.keys() == {(code, name) for code, name, in_file in named if not in_file}


# The file -------------------------------------------------------------------------------------------------------------

BEFORE = (
    one(1, status="completed", subtasks=[sub(1, parentId="undefined"), sub(2, status="completed")]),
    one(2, dependencies=[1, 9]), one(3, dependencies=[4]), one(4, dependencies=[3]),
)  # fmt: skip
AFTER = (
    one(1, status="done", subtasks=[sub(1, parentId="1"), sub(2, status="done")]),
    one(2, dependencies=[1]), one(3), one(4, dependencies=[3]),
)  # fmt: skip
IN_FILE = ["undefined_parent", "unusual_status", "dangling_dependency", "cycle"]


def test_an_export_differs_in_what_was_mended_alone(nexus, bring, codes):
    """To the byte; then nothing of it is found, neither before nor after the exported file is imported."""
    bring(*BEFORE)
    found = codes()
    nexus.task_doctor.mend(REPO, IN_FILE)
    exported = nexus.tasks.export_file(REPO)
    remaining = codes()
    report = nexus.tasks.import_file(exported, REPO)

    assert set(IN_FILE) < set(found)
    assert file(*AFTER) == exported
    assert ["done_with_open_subtasks"] == remaining == codes()
    assert exported == nexus.tasks.export_file(REPO)
    assert () == report.cycles


def test_an_old_file_does_not_undo_what_was_mended(nexus, bring, codes):
    """Imported once more: neither the mends of its text nor those of the tasks."""
    bring(*BEFORE)
    nexus.task_doctor.mend(REPO, [*IN_FILE, "done_with_open_subtasks:complete"])
    mended = nexus.tasks.export_file(REPO), codes()
    bring(*BEFORE)
    done = one(1, status="done", subtasks=[sub(1, parentId="1", status="done"), sub(2, status="done")])

    assert (file(done, *AFTER[1:]), []) == mended
    assert mended == (nexus.tasks.export_file(REPO), codes())


def test_two_mends_of_one_place_do_not_undo_each_other(nexus, bring, codes):
    """The step of a cycle is a bare number too: it is taken out, and not written in full instead."""
    circle = [sub(1, dependencies=[2]), sub(2, dependencies=[1])]
    bring(one(1, subtasks=circle), one(2))
    for name in ("cycle", "ambiguous_dependency"):
        nexus.task_doctor.mend(REPO, [name])

    assert [] == codes()
    assert file(one(1, subtasks=[sub(1), sub(2, dependencies=["1.1"])]), one(2)) == nexus.tasks.export_file(REPO)


def test_mends_of_the_text_outlast_the_mended_file(nexus, bring, codes):
    """An older branch may still bring the old one in, after the mended one was imported."""
    bring(*BEFORE)
    nexus.task_doctor.mend(REPO, IN_FILE)
    nexus.tasks.import_file(nexus.tasks.export_file(REPO), REPO)
    bring(*BEFORE)

    assert file(*AFTER) == nexus.tasks.export_file(REPO)
    assert ["done_with_open_subtasks"] == codes()


def test_what_a_file_changed_meanwhile_is_the_files(nexus, bring):
    """Where somebody corrected the same place otherwise, theirs counts."""
    bring(one(1), one(2, dependencies=[1, 9]))
    nexus.task_doctor.mend(REPO, ["dangling_dependency"])
    corrected = file(one(1), one(2, dependencies=[1, 9]), one(9))
    nexus.tasks.import_file(corrected, REPO)

    assert corrected == nexus.tasks.export_file(REPO)
    assert (1, 3) == nexus.tasks.get(2).dependencies


def test_a_mend_survives_changes_of_the_tasks(nexus, bring):
    """The file is written with both."""
    bring(one(1, status="completed"), one(2, dependencies=[2]))
    nexus.task_doctor.mend(REPO)
    nexus.tasks.edit(2, {"title": "Other"})

    assert file(one(1, status="done"), one(2, title="Other")) == nexus.tasks.export_file(REPO)
