"""What an import sets free."""

import json

from nexus_core.testing import nexus_for_test


def task_file(status):
    first = {"id": 1, "title": "First", "status": status, "dependencies": []}
    second = {"id": 2, "title": "Second", "status": "pending", "dependencies": [1]}
    return json.dumps({"tasks": [first, second]}).encode()


def test_tasks_that_a_file_sets_free_are_told_of():
    """A task that the file says is done frees those that waited for it, here and elsewhere: each is told of once."""
    with nexus_for_test() as nexus:
        nexus.tasks.import_file(task_file("pending"), "acme/api")
        elsewhere = nexus.tasks.create("Elsewhere", dependencies=[1])
        nexus.tasks.import_file(task_file("done"), "acme/api")
        ready = [event.task_id for event in nexus.events.list(type="task.ready")]

    assert [2, elsewhere.id] == ready
