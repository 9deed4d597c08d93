"""What a file and Nexus do not share is left alone by both: cycles, tasks that left the file, what it alone says."""

import json

import pytest

from nexus_core.domain.access import Actor, ActorKind

REPO = "acme/api"


def file(*tasks):
    return json.dumps({"tasks": list(tasks)}, indent=2).encode()


def one(task_id, **fields):
    return {"id": task_id, "title": "T", "status": "pending", "dependencies": [], "priority": "medium", **fields}


@pytest.fixture
def tasks_of(nexus):
    """The tasks of the repository by external key."""
    return lambda: {task.external_key: task for task in nexus.tasks.list().items}


def codes(report):
    return [warning.code for warning in report.warnings]


CYCLE = file(one(1, dependencies=[2]), one(2, dependencies=[1]))


def test_a_cycle_stays_in_the_file(nexus):
    """One dependency is left out of Nexus; nobody took it away, so the file keeps it; each import reports it."""
    reports = [nexus.tasks.import_file(CYCLE, REPO) for _ in range(2)]

    assert [(("master:2", "master:1", "master:2"),)] * 2 == [report.cycles for report in reports]
    assert [["cycle"]] * 2 == [codes(report) for report in reports]
    assert (0, 0) == (reports[1].created, reports[1].changed)
    assert CYCLE == nexus.tasks.export_file(REPO)


def test_who_opens_a_cycle_gets_the_rest_of_it(nexus, tasks_of):
    """The dependency that was taken away leaves the file; the one that was left out comes in with the next import."""
    nexus.tasks.import_file(CYCLE, REPO)
    first, second = tasks_of()["master:1"], tasks_of()["master:2"]
    kept, left_out = (first, second) if first.dependencies else (second, first)
    nexus.tasks.undepend(kept.id, left_out.id)
    exported = nexus.tasks.export_file(REPO)
    report = nexus.tasks.import_file(exported, REPO)

    assert {"master:1": [2] * (kept is second), "master:2": [1] * (kept is first)} == {
        f"master:{task['id']}": task["dependencies"] for task in json.loads(exported)["tasks"]
    }
    assert ((), 1) == (report.cycles, report.changed)
    assert (kept.id,) == nexus.tasks.get(left_out.id).dependencies


def through_another_repository(nexus, tasks_of):
    """A file that closes a cycle only together with what people tied."""
    nexus.tasks.import_file(file(one(1), one(2)), REPO)
    ids = {key: task.id for key, task in tasks_of().items()}
    nexus.repositories.add("acme/web")
    other = nexus.tasks.create("Elsewhere", repository="acme/web", dependencies=[ids["master:2"]])
    nexus.tasks.depend(ids["master:1"], other.id)
    return ids, other, file(one(1), one(2, dependencies=[1]))


def test_a_cycle_through_another_repository_is_found(nexus, tasks_of):
    """It is named with its whole path, stays out, and stays in the file."""
    _, other, content = through_another_repository(nexus, tasks_of)
    report = nexus.tasks.import_file(content, REPO)

    assert [{"master:1", "master:2", f"NX-{other.id} (acme/web)"}] == [set(cycle) for cycle in report.cycles]
    assert () == tasks_of()["master:2"].dependencies
    assert content == nexus.tasks.export_file(REPO)


def test_a_cycle_names_no_repository_that_the_importer_may_not_see(nexus, tasks_of):
    """The number of the task is enough for who may ask."""
    ids, _, content = through_another_repository(nexus, tasks_of)
    home = nexus.tasks.get(ids["master:1"]).repository_id
    narrow = Actor(kind=ActorKind.KEY, name="ci", repositories=frozenset({home}))
    report = nexus.tasks.import_file(content, REPO, actor=narrow)

    assert "acme/web" not in str(report)
    assert 1 == len(report.cycles)


def test_a_task_that_left_the_file_stays_in_nexus_alone(nexus, tasks_of):
    """Nothing is deleted because a file was shortened, nor does an export bring back what a person took out."""
    nexus.tasks.import_file(file(one(1), one(2, dependencies=[1], subtasks=[one(1)])), REPO)
    shorter = file(one(1))
    report = nexus.tasks.import_file(shorter, REPO)
    below = nexus.tasks.create("Below", parent_id=tasks_of()["master:2"].id)
    tasks = tasks_of()

    assert ["gone", "gone"] == codes(report)
    assert {"master:1", "master:2", "master:2.1", None} == tasks.keys()
    assert (tasks["master:1"].id,) == tasks["master:2"].dependencies
    assert below.id not in {task.id for task in nexus.tasks.ready(REPO)}
    assert shorter == nexus.tasks.export_file(REPO)


def test_a_task_that_comes_back_to_the_file_is_the_same(nexus, tasks_of):
    """And is written again from then on."""
    whole = file(one(1), one(2))
    nexus.tasks.import_file(whole, REPO)
    before = tasks_of()["master:2"].id
    nexus.tasks.import_file(file(one(1)), REPO)
    nexus.tasks.import_file(file(one(1)), REPO)
    report = nexus.tasks.import_file(whole, REPO)
    nexus.tasks.move(before, "done")

    assert (0, before) == (report.created, tasks_of()["master:2"].id)
    assert ["pending", "done"] == [task["status"] for task in json.loads(nexus.tasks.export_file(REPO))["tasks"]]


def test_a_task_that_comes_back_waits_for_what_it_says_then(nexus, tasks_of):
    """What it waited for before it left the file was the file's word, and is taken back by it."""
    nexus.tasks.import_file(file(one(1), one(2), one(3, dependencies=[1])), REPO)
    nexus.tasks.import_file(file(one(1), one(2)), REPO)
    nexus.tasks.import_file(file(one(1)), REPO)
    back = file(one(1), one(2), one(3, dependencies=[2]))
    nexus.tasks.import_file(back, REPO)
    tasks = tasks_of()

    assert (tasks["master:2"].id,) == tasks["master:3"].dependencies
    assert back == nexus.tasks.export_file(REPO)


def test_a_task_of_nexus_joins_the_file_and_stays_in_it(nexus):
    """An import of a file from before that export does not take it for one that a person took out."""
    content = file(one(1))
    nexus.tasks.import_file(content, REPO)
    nexus.tasks.create("New", repository=REPO)
    exported = nexus.tasks.export_file(REPO)
    report = nexus.tasks.import_file(content, REPO)

    assert [] == codes(report)
    assert exported == nexus.tasks.export_file(REPO)


def test_the_import_of_an_export_changes_nothing(nexus, tasks_of):
    """Whatever was changed before; only what the file says of a task is refreshed."""
    nexus.tasks.import_file(file(one(1, subtasks=None), one(2, dependencies=[1]), one(3)), REPO)
    ids = {key: task.id for key, task in tasks_of().items()}
    nexus.tasks.move(ids["master:1"], "done")
    nexus.tasks.edit(ids["master:2"], {"title": "New", "labels": ["a"], "priority": "low"})
    nexus.tasks.create("Part", parent_id=ids["master:1"])
    nexus.tasks.depend(ids["master:3"], ids["master:2"])
    exported = nexus.tasks.export_file(REPO)
    report = nexus.tasks.import_file(exported, REPO)

    assert (0, 0, 4) == (report.created, report.changed, report.unchanged)
    assert "done" == tasks_of()["master:1"].raw_data["status"]
    assert exported == nexus.tasks.export_file(REPO)


def test_what_only_the_file_knows_counts_as_a_change(nexus, tasks_of):
    """A field that Nexus has none for."""
    nexus.tasks.import_file(file(one(1, effort=1)), REPO)
    report = nexus.tasks.import_file(file(one(1, effort=2)), REPO)

    assert (1, 2) == (report.changed, tasks_of()["master:1"].raw_data["effort"])


def test_subtasks_without_a_priority_follow_their_parent(nexus, tasks_of):
    """As in Taskmaster: its parts are what can be worked on. Those with one of their own stay, and the file says so."""
    own, other = one(2, priority="low"), {"id": 1, "title": "S", "subtasks": [{"id": 1, "title": "Deep"}]}
    content = file(one(1, subtasks=[other, own]))
    nexus.tasks.import_file(content, REPO)
    nexus.tasks.edit(tasks_of()["master:1"].id, {"priority": "critical"})
    exported = nexus.tasks.export_file(REPO)
    report = nexus.tasks.import_file(exported, REPO)

    assert {"master:1": "critical", "master:1.1": "critical", "master:1.1.1": "critical", "master:1.2": "low"} == {
        key: task.priority for key, task in tasks_of().items()
    }
    assert content.replace(b"medium", b"critical") == exported
    assert 0 == report.changed
