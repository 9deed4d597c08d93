"""Importing task files: what the file and Nexus each changed is merged, and nothing is lost without a word."""

import json

import pytest

from nexus_core.domain.agents import Agent
from nexus_core.errors import Invalid, UnreadableFile
from nexus_core.testing import nexus_for_test

REPO = "acme/api"


def file(*tasks, **top):
    return json.dumps({"tasks": list(tasks), **top}, indent=2).encode()


def one(task_id, title="T", **fields):
    return {"id": task_id, "title": title, "status": "pending", "dependencies": [], "priority": "medium", **fields}


@pytest.fixture
def tasks_of(nexus):
    """The tasks of the repository by external key."""
    return lambda: {task.external_key: task for task in nexus.tasks.list().items}


def codes(report):
    return [warning.code for warning in report.warnings]


def test_tasks_subtasks_and_dependencies_come_in(nexus, tasks_of):
    """With everything that the file says of them, ready or waiting."""
    sub = {"id": 1, "title": "Part", "status": "pending", "dependencies": []}
    report = nexus.tasks.import_file(
        file(one(1, "Model", status="done"), one(2, "Login", dependencies=[1], subtasks=[sub], details="…")), REPO
    )
    tasks = tasks_of()

    assert ("flat", 3, 1, 3, 0) == (report.layout, report.tasks, report.dependencies, report.created, report.changed)
    assert {"master:1", "master:2", "master:2.1"} == set(tasks)
    assert tasks["master:2"].id == tasks["master:2.1"].parent_id
    assert [tasks["master:2.1"].id] == [task.id for task in nexus.tasks.ready()]


def test_the_repository_is_added_when_it_is_new(nexus, types_of):
    """One command on an empty hub."""
    nexus.tasks.import_file(file(one(1)), REPO)

    assert [REPO] == [repository.name for repository in nexus.repositories.list()]
    assert ["repository.added", "tasks.imported"] == types_of()


def test_the_same_file_again_changes_nothing(nexus, tasks_of):
    """Not even a version."""
    content = file(one(1), one(2, dependencies=[1]))
    nexus.tasks.import_file(content, REPO)
    before = tasks_of()
    report = nexus.tasks.import_file(content, REPO)

    assert (0, 0, 2) == (report.created, report.changed, report.unchanged)
    assert before == tasks_of()


def test_only_what_changed_in_the_file_is_taken(nexus, tasks_of):
    """What a person changed in Nexus stays, where the file did not change."""
    nexus.tasks.import_file(file(one(1, "Old", details="a"), one(2)), REPO)
    first = tasks_of()["master:1"]
    nexus.tasks.edit(first.id, {"details": "mine", "priority": "high"})
    report = nexus.tasks.import_file(file(one(1, "New", details="a"), one(2)), REPO)
    after = tasks_of()["master:1"]

    assert (0, 1, 1, []) == (report.created, report.changed, report.unchanged, codes(report))
    assert ("New", "mine", "high") == (after.title, after.details, after.priority)


def test_what_changed_on_both_sides_is_the_files_with_a_warning(nexus, tasks_of):
    """The warning keeps what Nexus had."""
    nexus.tasks.import_file(file(one(1, "Old")), REPO)
    nexus.tasks.edit(1, {"title": "Mine"})
    report = nexus.tasks.import_file(file(one(1, "Theirs")), REPO)

    assert ["conflict"] == codes(report)
    assert "Nexus had: Mine" in report.warnings[0].done
    assert "Theirs" == tasks_of()["master:1"].title


def test_a_status_in_the_file_moves_the_task(nexus, tasks_of, types_of):
    """With its events; what waited for it becomes ready."""
    nexus.tasks.import_file(file(one(1), one(2, dependencies=[1])), REPO)
    nexus.tasks.import_file(file(one(1, status="done"), one(2, dependencies=[1])), REPO)
    tasks = tasks_of()

    assert "done" == tasks["master:1"].status
    assert {"task.moved", "task.completed"} <= set(types_of(task=tasks["master:1"].id))
    assert [tasks["master:2"].id] == [task.id for task in nexus.tasks.ready()]


def test_the_file_does_not_take_a_task_from_its_holder(clock):
    """An agent's work ends by what it does, or by a person."""
    with nexus_for_test(clock=clock, agents={"ada": Agent(name="ada")}) as nexus:
        nexus.tasks.import_file(file(one(1)), REPO)
        assignment = nexus.assignments.claim(agent="ada")
        report = nexus.tasks.import_file(file(one(1, status="done")), REPO)

        assert ["held"] == codes(report)
        assert "in-progress" == nexus.tasks.get(1).status
        assert nexus.assignments.heartbeat(assignment.id, 1).status.is_live


def test_dependencies_follow_the_file(nexus, tasks_of):
    """Those it drops go, those it adds come; those that Nexus added or dropped itself stay so."""
    nexus.tasks.import_file(file(one(1), one(2, dependencies=[1]), one(3, dependencies=[1])), REPO)
    ids = {key: task.id for key, task in tasks_of().items()}
    nexus.tasks.depend(ids["master:2"], ids["master:3"])
    nexus.tasks.undepend(ids["master:3"], ids["master:1"])
    nexus.tasks.import_file(file(one(1), one(2, "Now"), one(3, dependencies=[1])), REPO)
    after = tasks_of()

    assert (ids["master:3"],) == after["master:2"].dependencies
    assert () == after["master:3"].dependencies


def test_all_cycles_are_reported_and_the_rest_comes_in(nexus):
    """Each is left open at one step, and named."""
    report = nexus.tasks.import_file(
        file(
            one(1, dependencies=[2]),
            one(2, dependencies=[1]),
            one(3, dependencies=[5]),
            one(4, dependencies=[3]),
            one(5, dependencies=[4]),
            one(6),
        ),
        REPO,
    )

    assert 2 == len(report.cycles) == codes(report).count("cycle")
    assert all(cycle[0] == cycle[-1] for cycle in report.cycles)
    assert (6, 3) == (report.created, len(nexus.tasks.ready()))


def test_a_dry_run_reports_and_leaves_no_trace(nexus, types_of):
    """Not even the repository."""
    report = nexus.tasks.import_file(file(one(1), one(2)), REPO, dry_run=True)

    assert (True, 2) == (report.dry_run, report.created)
    assert ([], [], ()) == (nexus.repositories.list(), types_of(), nexus.tasks.list().items)


def test_a_broken_file_changes_nothing_and_says_where(nexus):
    """File and line."""
    with pytest.raises(UnreadableFile, match=r"work/tasks\.json") as caught:
        nexus.tasks.import_file(b'{"tasks": [\n  {"id": 1,,}\n]}', REPO, path="work/tasks.json")

    assert "2" in caught.value.message
    assert [] == nexus.repositories.list()


@pytest.mark.parametrize("name", ["acme", "acme/", "/api", "a b/c", "acme/api/x", "../x", "acme/.."])
def test_a_repository_needs_a_proper_name(nexus, name):
    """`owner/name`."""
    with pytest.raises(Invalid):
        nexus.tasks.import_file(file(one(1)), name)


def test_what_comes_out_unchanged_is_what_came_in(nexus):
    """Byte for byte, oddities and all."""
    content = b'{ "tasks":[ {"title":"T","id":1,   "status":"pending", "x": [1 ,2]} ] , "meta": null}\n'
    nexus.tasks.import_file(content, REPO)

    assert content == nexus.tasks.export_file(REPO)


def test_an_export_holds_what_changed_since(nexus):
    """The status and the title, where they stood."""
    nexus.tasks.import_file(file(one(1), one(2)), REPO)
    nexus.tasks.move(1, "done")
    exported = json.loads(nexus.tasks.export_file(REPO))

    assert ["done", "pending"] == [task["status"] for task in exported["tasks"]]


def test_a_repository_without_a_file_can_be_exported(nexus):
    """Tasks that were made in Nexus get a file."""
    nexus.repositories.add(REPO)
    nexus.tasks.create("Made here", repository=REPO)

    assert "Made here" in nexus.tasks.export_file(REPO).decode()


def test_an_unknown_format_names_those_there_are(nexus):
    """Plugins may bring others."""
    with pytest.raises(Invalid, match="there are taskmaster"):
        nexus.tasks.import_file(b"", REPO, format="csv")
