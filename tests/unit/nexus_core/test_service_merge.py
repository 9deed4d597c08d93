"""A second import when both sides changed: who changed a thing alone keeps it, and what gives way is told in full."""

import json

import pytest

from nexus_core.domain.agents import Agent
from nexus_core.testing import nexus_for_test
from nexus_core.wire import report_to_wire

REPO = "acme/api"


def file(*tasks, **tags):
    return json.dumps(
        {"master": {"tasks": list(tasks)}, **{tag: {"tasks": those} for tag, those in tags.items()}}
    ).encode()


def one(task_id, title="Log in", **fields):
    return {
        "id": task_id,
        "title": title,
        "status": "pending",
        "dependencies": [],
        "description": f"{title}…",
        **fields,
    }


LOGIN = {"description": "People sign in with a password", "details": "Form, session, cookie"}
PAYMENT = {"description": "Customers are charged by card", "details": "Gateway, receipt, refund"}


@pytest.fixture
def load(nexus):
    return lambda *tasks, **tags: nexus.tasks.import_file(file(*tasks, **tags), REPO)


@pytest.fixture
def task(nexus):
    """A task by its key in the file."""

    def find(key):
        return next(task for task in nexus.tasks.list().items if task.external_key == key)

    return find


def codes(report):
    return [warning.code for warning in report.warnings]


def shown(report):
    """The conflicts as the API lists them."""
    names = ("task", "field", "base", "file", "nexus", "taken")
    return [tuple(one[name] for name in names) for one in report_to_wire(report)["conflicts"]]


# One field on both sides ----------------------------------------------------------------------------------------------


def test_a_conflict_is_listed_with_all_its_values(nexus, load, task):
    """Base, file, Nexus and which was taken: whole, however long."""
    long = "mine " * 200
    load(one(1, details="old"))
    nexus.tasks.edit(1, {"details": long})
    report = load(one(1, details="theirs"))

    assert [(1, "details", "old", "theirs", long, "file")] == shown(report)
    assert ("theirs", ["conflict"]) == (task("master:1").details, codes(report))


def test_what_gave_way_stands_in_the_history_of_the_task(nexus, load):
    """Nobody may have seen the report of an import that a push caused."""
    load(one(1, details="old"))
    nexus.tasks.edit(1, {"details": "mine"})
    load(one(1, details="theirs"))
    [event] = nexus.events.list(type="task.conflicted")

    assert [{"field": "details", "base": "old", "file": "theirs", "nexus": "mine", "taken": "file"}] == event.payload[
        "conflicts"
    ]
    assert (1, 1) == (event.task_id, nexus.events.list(type="tasks.imported", newest=True)[-1].payload["conflicts"])


def test_a_dry_run_lists_conflicts_and_leaves_everything(nexus, load, task):
    """No event, no value."""
    load(one(1, details="old"))
    nexus.tasks.edit(1, {"details": "mine"})
    report = nexus.tasks.import_file(file(one(1, details="theirs")), REPO, dry_run=True)

    assert ([(1, "details", "old", "theirs", "mine", "file")], "mine") == (shown(report), task("master:1").details)
    assert [] == nexus.events.list(type="task.conflicted")


def test_the_same_change_on_both_sides_is_none(nexus, load):
    """They agree."""
    load(one(1))
    nexus.tasks.edit(1, {"title": "Sign in"})

    assert ([], 1) == (shown(load(one(1, "Sign in", description="Log in…"))), len(nexus.tasks.list().items))


def test_after_a_conflict_the_same_file_changes_nothing(nexus, load, task):
    """It is not a conflict for ever; and what a person then puts right stays."""
    load(one(1, details="old"))
    nexus.tasks.edit(1, {"details": "mine"})
    theirs = one(1, details="theirs")
    load(theirs)
    nexus.tasks.edit(1, {"details": "mine"})
    again = load(theirs)

    assert ([], [], "mine") == (shown(again), codes(again), task("master:1").details)


def test_labels_of_both_sides_are_united(nexus, load, task):
    """What the file added comes, what it took away goes, what Nexus added stays: nothing to quarrel about."""
    load(one(1, tags=["a", "b"]))
    nexus.tasks.edit(1, {"labels": ["a", "b", "mine"]})
    report = load(one(1, tags=["b", "theirs"]))

    assert (("b", "mine", "theirs"), []) == (task("master:1").labels, shown(report))


def test_unknown_keys_are_the_files(nexus, load, task):
    """Nobody changes them in Nexus; the fields beside them are merged on their own."""
    load(one(1, effort=1, metadata={"x": 1}))
    nexus.tasks.edit(1, {"details": "mine"})
    report = load(one(1, effort=2, metadata={"y": 2}))

    assert ((2, {"y": 2}), "mine", []) == (
        (task("master:1").raw_data["effort"], task("master:1").raw_data["metadata"]),
        task("master:1").details,
        shown(report),
    )


# Status ---------------------------------------------------------------------------------------------------------------


def test_work_never_goes_back_because_a_file_lags_behind(nexus, load, task):
    """A pull request brings the file in which its author wrote in-progress; by then its merge has done the task."""
    load(one(1))
    nexus.tasks.move(1, "done", reason="acme/api#7 merged")
    report = load(one(1, status="in-progress"))

    assert [(1, "status", "pending", "in-progress", "done", "nexus")] == shown(report)
    assert "done" == task("master:1").status


def test_of_two_statuses_the_further_one_stays(nexus, load, task):
    """Whichever side it is on."""
    load(one(1))
    nexus.tasks.move(1, "in-progress")
    report = load(one(1, status="done"))

    assert ([(1, "status", "pending", "done", "in-progress", "file")], "done") == (
        shown(report),
        task("master:1").status,
    )


def test_a_file_reopens_a_task_that_nexus_did_not_move(nexus, load, task):
    """Only the file changed its mind; failures of the past do not count for the new start."""
    load(one(1, status="done"))
    load(one(1, status="pending"))

    assert ("pending", 0) == (task("master:1").status, task("master:1").failures)


def test_the_rest_of_the_file_does_not_touch_a_status_that_moved(nexus, load, task):
    """The file changed elsewhere; the status is Nexus's news."""
    load(one(1), one(2, "Other"))
    nexus.tasks.move(1, "review")
    report = load(one(1), one(2, "Other", status="done"))

    assert ("review", []) == (task("master:1").status, shown(report))


def test_a_held_task_keeps_its_status_and_the_files_word_is_kept(clock):
    """As a conflict that Nexus won."""
    with nexus_for_test(clock=clock, agents={"ada": Agent(name="ada")}) as nexus:
        nexus.tasks.import_file(file(one(1)), REPO)
        nexus.assignments.claim(agent="ada")
        report = nexus.tasks.import_file(file(one(1, status="cancelled")), REPO)

        assert [(1, "status", "pending", "cancelled", "in-progress", "nexus")] == shown(report)
        assert ["held"] == codes(report)


# Values that come back ------------------------------------------------------------------------------------------------


def test_an_export_that_comes_back_late_undoes_nothing(nexus, load, task):
    """It was written, then Nexus went on; the file holds only what Nexus itself said before."""
    load(one(1), one(2, "Other"))
    nexus.tasks.edit(1, {"title": "Second"})
    exported = json.loads(nexus.tasks.export_file(REPO))["master"]["tasks"]
    nexus.tasks.edit(1, {"title": "Third"})
    exported[1]["priority"] = "high"
    report = load(*exported)

    assert ("Third", "high", []) == (task("master:1").title, task("master:2").priority, shown(report))


def test_what_the_file_said_since_is_its_own_word(nexus, load):
    """Nexus had said it before the last import; then the file changed to it again."""
    load(one(1, details="first"))
    nexus.tasks.edit(1, {"details": "second"})
    load(one(1, "Sign in", description="Log in…", details="second"))
    nexus.tasks.edit(1, {"details": "third"})
    report = load(one(1, "Sign in", description="Log in…", details="first"))

    assert [(1, "details", "second", "first", "third", "file")] == shown(report)


def test_a_task_made_in_nexus_is_merged_as_if_its_export_had_been_imported(nexus, load, task):
    """Nobody imported the file that it first stood in, and still nothing is overwritten."""
    load(one(1))
    made = nexus.tasks.create("Made here", repository=REPO, details="first")
    exported = json.loads(nexus.tasks.export_file(REPO))["master"]["tasks"]
    nexus.tasks.edit(made.id, {"details": "second"})
    exported[1]["title"] = "Made here, renamed there"
    report = load(*exported)

    assert ("Made here, renamed there", "second", []) == (
        nexus.tasks.get(made.id).title, nexus.tasks.get(made.id).details, shown(report),
    )  # fmt: skip


def test_a_task_that_both_changed_since_it_was_exported_is_a_conflict(nexus, load):
    """What it was when it was exported is not known, so there is no base."""
    load(one(1))
    made = nexus.tasks.create("Made here", repository=REPO, details="first")
    exported = json.loads(nexus.tasks.export_file(REPO))["master"]["tasks"]
    nexus.tasks.edit(made.id, {"details": "second"})
    exported[1]["details"] = "theirs"

    assert [(made.id, "details", None, "theirs", "second", "file")] == shown(load(*exported))


def test_an_older_file_is_recognised_and_undoes_only_what_the_newer_one_did(nexus, load, task):
    """Such as that of an old branch: it says that it is old, and what Nexus did meanwhile stays."""
    old = [one(1), one(2, "Other")]
    load(*old)
    load(one(1, "Sign in", description="Log in…"), one(2, "Other"), one(3, "Third"))
    nexus.tasks.edit(task("master:2").id, {"details": "mine"})
    report = load(*old)

    assert ["older_file", "gone"] == codes(report)
    assert ("Log in", "mine", "Third") == (task("master:1").title, task("master:2").details, task("master:3").title)


def test_a_task_that_comes_back_with_its_file_is_the_same(nexus, load, task):
    """Switching branches to and fro makes no task twice, and overwrites none."""
    with_it, without = [one(1), one(2, "Other", **LOGIN)], [one(1)]
    load(*with_it)
    load(*without)
    nexus.tasks.edit(2, {"title": "Renamed while it was away"})
    report = load(*with_it)

    assert (0, "Renamed while it was away") == (report.created, nexus.tasks.get(2).title)


# Tasks that go, move, and lend out their ids --------------------------------------------------------------------------


def test_a_task_that_left_the_file_keeps_what_it_waits_for(nexus, load, task):
    """It must not become ready because the file was shortened; it stays, changed or not, and is told of."""
    load(one(1), one(2, "Other", dependencies=[1]))
    nexus.tasks.edit(2, {"details": "mine"})
    report = load(one(1))

    assert (["gone"], (1,), "mine") == (codes(report), nexus.tasks.get(2).dependencies, nexus.tasks.get(2).details)
    assert [1] == [task.id for task in nexus.tasks.ready()]


def test_a_task_that_was_cancelled_may_leave_the_file(nexus, load):
    """Nothing needs to be said."""
    load(one(1), one(2, "Other"))
    nexus.tasks.move(2, "cancelled")

    assert [] == codes(load(one(1)))


def test_an_id_that_is_given_out_again_names_a_new_task(nexus, load, task):
    """Taskmaster hands out the last one once more: its old task keeps its name, its history and its state."""
    load(one(1, "Log in", **LOGIN), one(2, "Other", dependencies=[1]))
    nexus.tasks.move(1, "done")
    report = load(one(1, "Take payments", **PAYMENT), one(2, "Other", dependencies=[1]))
    new = task("master:1")

    assert (["reused_id"], 1) == (codes(report), report.created)
    assert ("Log in", "done", None) == (
        nexus.tasks.get(1).title,
        nexus.tasks.get(1).status,
        nexus.tasks.get(1).external_key,
    )
    assert ("Take payments", "pending", (new.id,)) == (new.title, new.status, task("master:2").dependencies)


def test_an_id_that_is_given_out_again_later_names_a_new_task_too(nexus, load, task):
    """One import saw the task go, the next one sees its id again."""
    load(one(1), one(2, "Log in by mail", **LOGIN))
    load(one(1))
    report = load(one(1), one(2, "Take payments", **PAYMENT))

    assert (["reused_id"], 1, "Log in by mail") == (codes(report), report.created, nexus.tasks.get(2).title)


@pytest.mark.parametrize(
    "after",
    [
        one(1, "Sign in", **LOGIN),
        one(1, "Take payments", **LOGIN),
        one(1, "Log in", **PAYMENT),
        one(1, "Something else", description="", details=""),
    ],
)
def test_a_task_that_was_rewritten_in_part_is_still_the_same(nexus, load, after):
    """Another title, or other texts, or no texts: that is an edit."""
    load(one(1, "Log in", **LOGIN))
    report = load(after)

    assert (0, 1, []) == (report.created, report.changed, codes(report))


def test_a_task_that_moved_to_another_tag_is_the_same(nexus, load, task):
    """With its new key, and with everything that hangs on it."""
    load(one(1, **LOGIN), one(2, "Other", dependencies=[1]))
    nexus.tasks.move(1, "review")
    report = load(one(2, "Other"), next=[one(1, **LOGIN)])

    assert (["moved"], 0) == (codes(report), report.created)
    assert (1, "review", ()) == (task("next:1").id, task("next:1").status, task("master:2").dependencies)


def test_a_subtask_that_moved_to_another_parent_is_the_same(nexus, load, task):
    """And part of the other one now."""
    part = {"id": 1, "title": "The form", "status": "pending", **LOGIN}
    load(one(1, subtasks=[part]), one(2, "Other"))
    was = task("master:1.1").id
    report = load(one(1, subtasks=[]), one(2, "Other", subtasks=[part]))

    assert (["moved"], was, 2) == (codes(report), task("master:2.1").id, _number(nexus.tasks.get(was).parent_id, task))
    assert [task("master:1").id, was] == [one.id for one in nexus.tasks.ready()]


def _number(task_id, task):
    return next(number for number in (1, 2) if task(f"master:{number}").id == task_id)


def test_tasks_that_were_numbered_anew_stay_who_they_are(nexus, load, task):
    """One was put in before the others, whose numbers all went up by one."""
    texts = {"A log": LOGIN, "A shop": PAYMENT, "A map": {"description": "Places on tiles", "details": "Zoom, pan"}}
    load(*(one(number, title, **text) for number, (title, text) in enumerate(texts.items(), 1)))
    new = one(1, "Begin with tests", description="Write what must hold", details="Runner, coverage")
    report = load(new, *(one(number, title, **text) for number, (title, text) in enumerate(texts.items(), 2)))

    assert (1, ["moved"] * 3) == (report.created, codes(report))
    assert ["A log", "A shop", "A map"] == [nexus.tasks.get(number).title for number in (1, 2, 3)]
    assert ["master:2", "master:3", "master:4"] == [nexus.tasks.get(number).external_key for number in (1, 2, 3)]


def test_two_tasks_that_changed_places_stay_who_they_are(nexus, load):
    """Neither key is ever on two tasks."""
    load(one(1, "Log in", **LOGIN), one(2, "Take payments", **PAYMENT))
    report = load(one(1, "Take payments", **PAYMENT), one(2, "Log in", **LOGIN))

    assert (["moved"] * 2, 0) == (codes(report), report.created)
    assert ["master:2", "master:1"] == [nexus.tasks.get(number).external_key for number in (1, 2)]


def test_tasks_with_a_title_that_many_bear_are_not_taken_for_each_other(nexus, load):
    """“Tests” went in one place and came in another."""
    tests = {"id": 1, "title": "Tests", "status": "done"}
    load(one(1, subtasks=[tests]), one(2, "Other"))
    report = load(one(1), one(2, "Other", subtasks=[{**tests, "status": "pending"}]))

    assert (["gone"], 1, "done") == (codes(report), report.created, nexus.tasks.get(2).status)


# Parents --------------------------------------------------------------------------------------------------------------


def lines(*values):
    return "".join(json.dumps(value) + "\n" for value in values).encode()


TOP, OTHER, PART = {"id": "top", "title": "Top"}, {"id": "other", "title": "Other"}, {"id": "part", "title": "Part"}


def test_a_parent_is_merged_like_any_field(nexus):
    """Changed in Nexus alone it stays, changed in the file alone it follows, changed in both it is a conflict."""
    nexus.tasks.import_file(lines(TOP, OTHER, {**PART, "parent": "top"}), REPO, path="t.jsonl")
    nexus.tasks.edit(3, {"parent_id": 2})
    kept = nexus.tasks.import_file(
        lines(TOP, {**OTHER, "status": "review"}, {**PART, "parent": "top"}), REPO, path="t.jsonl"
    )
    after = nexus.tasks.get(3).parent_id
    both = nexus.tasks.import_file(lines(TOP, OTHER, {**PART, "parent": None}), REPO, path="t.jsonl")

    assert ([], 2) == (shown(kept), after)
    assert ([(3, "parent_id", 1, None, 2, "file")], None) == (shown(both), nexus.tasks.get(3).parent_id)


def test_two_moves_never_close_a_circle(nexus):
    """The file puts one under the other while Nexus puts the other under the one."""
    nexus.tasks.import_file(lines(TOP, PART), REPO, path="t.jsonl")
    nexus.tasks.edit(1, {"parent_id": 2})
    report = nexus.tasks.import_file(lines(TOP, {**PART, "parent": "top"}), REPO, path="t.jsonl")

    assert (["parent_loop"], None, 2) == (codes(report), nexus.tasks.get(2).parent_id, nexus.tasks.get(1).parent_id)


# Dependencies ---------------------------------------------------------------------------------------------------------


def test_a_dependency_that_nexus_dropped_stays_dropped(nexus, load, task):
    """However often the file comes, and whatever else changes in it."""
    load(one(1), one(2, "Other", dependencies=[1]))
    nexus.tasks.undepend(2, 1)
    for status in ("review", "pending", "review"):
        load(one(1), one(2, "Other", dependencies=[1], status=status))

    assert () == task("master:2").dependencies


def test_a_dependency_that_the_file_brings_anew_comes(nexus, load, task):
    """Even after Nexus had dropped the former one: this is the file's news."""
    load(one(1), one(2, "Other", dependencies=[1]))
    nexus.tasks.undepend(2, 1)
    load(one(1), one(2, "Other"))
    load(one(1), one(2, "Other", dependencies=[1]))

    assert (1,) == task("master:2").dependencies


def test_what_a_file_does_to_dependencies_is_told(nexus, load):
    """Of tasks that were there before; new ones are told of by the import."""
    load(one(1), one(2, "Other", dependencies=[1]), one(3, "Third"))
    load(one(1), one(2, "Other", dependencies=[3]), one(3, "Third"))
    told = nexus.events.list(type="task.*")

    assert [("task.undepended", 2, 1), ("task.depended", 2, 3)] == [
        (event.type, event.task_id, event.payload["on"]) for event in told if event.type.endswith("depended")
    ]


def test_a_dependency_that_a_cycle_left_out_comes_when_the_cycle_is_broken(nexus, load, task):
    """The file did not change; Nexus did."""
    tasks = [one(1, dependencies=[2]), one(2, "Other", dependencies=[1])]
    load(*tasks)
    [held] = [task for task in nexus.tasks.list().items if task.dependencies]
    nexus.tasks.undepend(held.id, held.dependencies[0])
    report = load(*tasks)

    assert ([], 1) == (list(report.cycles), sum(bool(task.dependencies) for task in nexus.tasks.list().items))
    assert () == nexus.tasks.get(held.id).dependencies
