"""Imports that depend on what the store remembers: events, kept files, keys that change hands. On both engines."""

from __future__ import annotations

import json

from nexus_core.nexus import Nexus
from nexus_core.services.import_report import ImportReport
from task_files import REPO, by_key, codes, load, out

LOGIN = {"description": "People sign in with a password", "details": "Form, session, cookie"}
PAYMENT = {"description": "Customers are charged by card", "details": "Gateway, receipt, refund"}


def send(hub: Nexus, *tasks: dict[str, object]) -> ImportReport:
    return hub.tasks.import_file(json.dumps({"tasks": tasks}).encode(), REPO)


def test_two_tasks_change_places(hub: Nexus) -> None:
    """The index that makes keys unique never sees one twice."""
    send(hub, {"id": 1, "title": "Log in", **LOGIN}, {"id": 2, "title": "Take payments", **PAYMENT})
    report = send(hub, {"id": 1, "title": "Take payments", **PAYMENT}, {"id": 2, "title": "Log in", **LOGIN})

    assert (0, ["moved"] * 2) == (report.created, codes(report))
    assert {"master:1": 2, "master:2": 1} == {key: task.id for key, task in by_key(hub).items()}


def test_an_id_names_another_task(hub: Nexus) -> None:
    """The old one lets go of its key before the new one takes it."""
    send(hub, {"id": 1, "title": "Log in", **LOGIN})
    report = send(hub, {"id": 1, "title": "Take payments", **PAYMENT})

    assert (1, ["reused_id"], 2) == (report.created, codes(report), by_key(hub)["master:1"].id)


def test_what_both_changed_is_kept_with_the_task(hub: Nexus) -> None:
    """And what Nexus itself said before is no change of the file's."""
    send(hub, {"id": 1, "title": "Log in", "details": "first"})
    hub.tasks.edit(1, {"details": "second"})
    hub.tasks.edit(1, {"details": "third"})
    late = send(hub, {"id": 1, "title": "Log in", "details": "second", "effort": 1})
    kept = hub.tasks.get(1).details
    both = send(hub, {"id": 1, "title": "Log in", "details": "theirs", "effort": 1})
    [event] = hub.events.list(type="task.conflicted")

    assert ((), "third") == (late.conflicts, kept)
    assert [("second", "theirs", "third")] == [(one.base, one.file, one.nexus) for one in both.conflicts]
    assert "third" == event.payload["conflicts"][0]["nexus"]


def test_a_dependency_waits_for_its_repository(hub: Nexus) -> None:
    """It comes with the other import, and stays away once somebody dropped it."""
    line = {"id": "a", "title": "A", "dependencies": ["acme/web#cart"]}
    load(hub, line)
    load(hub, {"id": "cart", "title": "Cart"}, repo="acme/web")
    there = hub.tasks.get(1).dependencies
    hub.tasks.undepend(1, 2)
    load(hub, line | {"status": "review"})

    assert ((2,), ()) == (there, hub.tasks.get(1).dependencies)
    assert '"dependencies": []' in out(hub)
