"""Imports of files that change, beside what people do meanwhile: the counts are those of the tables after each."""

import json
import random
from contextlib import suppress

import pytest

from model import check
from nexus_core.errors import Cycle, TransitionRefused

STATUSES = ["pending", "pending", "in-progress", "done", "cancelled", "blocked"]


def task_of(chance, number, most):
    """A task of a file: it mostly waits for earlier ones, sometimes for a later one, so that there are cycles."""
    return {
        "id": number,
        "title": f"Task {number}",
        "status": chance.choice(STATUSES),
        "dependencies": sorted(set(chance.choices(range(1, most + 1), k=chance.randrange(4))) - {number}),
        "subtasks": [
            {"id": part, "title": f"Part {part}", "status": chance.choice(STATUSES), "dependencies": []}
            for part in range(1, chance.randrange(3) + 1)
        ],
    }


def changed(chance, tasks):
    """The next version of a file: some tasks are others now, some are new."""
    most = len(tasks) + chance.randrange(3)
    kept = [task_of(chance, task["id"], most) if chance.random() < 0.3 else task for task in tasks]
    return kept + [task_of(chance, number, most) for number in range(len(tasks) + 1, most + 1)]


@pytest.mark.parametrize("seed", range(5))
def test_counts_are_right_after_every_import(hub, database_url, seed):
    """Two repositories whose tasks wait for each other, and files that come again with other words."""
    chance = random.Random(seed)
    files = {"acme/api": [], "acme/web": []}
    for _ in range(8):
        name = chance.choice(sorted(files))
        files[name] = changed(chance, files[name])
        hub.tasks.import_file(json.dumps({"master": {"tasks": files[name]}}).encode(), name)
        tasks = sorted(check(hub, database_url, explain=False).tasks)
        for _ in range(4):
            with suppress(Cycle, TransitionRefused):
                if len(tasks) > 1 and chance.random() < 0.6:
                    hub.tasks.depend(*chance.sample(tasks, 2))
                elif tasks:
                    hub.tasks.move(chance.choice(tasks), chance.choice(["done", "pending"]))
        truth = check(hub, database_url)

    levels = {task.id: task.level for task in hub.tasks.many(truth.tasks)}
    assert all(levels[on] < levels[task] for task, on in truth.edges)
    assert len(truth.tasks) > 10


def test_an_import_does_not_touch_what_it_does_not_change(hub, database_url):
    """The same file again writes nothing to the tasks and their dependencies."""
    content = json.dumps({"master": {"tasks": [task_of(random.Random(9), number, 12) for number in range(1, 13)]}})
    hub.tasks.import_file(content.encode(), "acme/api")
    before = check(hub, database_url)
    report = hub.tasks.import_file(content.encode(), "acme/api")

    assert (0, 0) == (report.created, report.changed)
    assert before == check(hub, database_url)


def versions(hub, url, *files):
    """Import one version after the other, and hold the counts against the tables each time."""
    for waits in files:
        tasks = [
            {"id": number, "title": f"Task {number}", "status": status, "dependencies": on}
            for number, (on, status) in waits.items()
        ]
        hub.tasks.import_file(json.dumps({"master": {"tasks": tasks}}).encode(), "acme/api")
        check(hub, url)


def test_a_file_that_only_closes_a_task_frees_what_it_waited_for(hub, database_url):
    """What it waited for has less behind it, all the way up; and more again when it is reopened."""
    first = {1: ([], "pending"), 2: ([1], "pending"), 3: ([2], "pending"), 4: ([3], "pending")}
    versions(hub, database_url, first, {**first, 3: ([2], "done")}, first)


def test_a_number_that_stays_the_same_proves_nothing(hub, database_url):
    """One task less and another one more behind the second: behind the first, where both were, it is one less."""
    first = {1: ([], "pending"), 2: ([1], "pending"), 3: ([2], "pending"), 4: ([1], "pending")}
    versions(hub, database_url, first, {**first, 3: ([], "pending"), 4: ([1, 2], "pending")})


def test_a_task_goes_below_a_new_one(hub, database_url):
    """A task that was there becomes a subtask of one that the same file brings."""
    moving = {"title": "Write the migration of sessions", "details": "It must run while the former release runs."}
    former = [{"id": 1, **moving, "status": "pending", "dependencies": []}]
    later = [{"id": 2, "title": "Sessions", "status": "pending", "dependencies": [], "subtasks": [{"id": 1, **moving}]}]
    for tasks in (former, later):
        report = hub.tasks.import_file(json.dumps({"master": {"tasks": tasks}}).encode(), "acme/api")
        check(hub, database_url)

    names = {task.title: task for task in hub.tasks.many(check(hub, database_url).tasks)}
    assert 1 == report.created
    assert names[moving["title"]].parent_id == names["Sessions"].id
