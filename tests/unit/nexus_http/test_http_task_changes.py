"""A task that is read shows the changes that name it, each with why."""

from __future__ import annotations

from nexus_core.domain.changes import ChangeMerged, ChangeOpened, ChangeRef


def change(repository, number, **fields):
    plain = {"title": "Log in", "branch": "login", "url": f"https://git.example/{number}", "author": "mona"}
    return ChangeRef(source="github", repository=repository, number=number, **{**plain, **fields})


def test_each_linked_change_is_shown_with_why(api, nexus):
    """In the order in which they came; a task that no change names shows none."""
    nexus.repositories.add("acme/api")
    for title in ("One", "Two"):
        api.post("/tasks", {"title": title, "repository": "acme/api"})
    nexus.changes.apply(ChangeOpened(change=change("acme/api", 7, body="Closes NX-1")))
    nexus.changes.apply(ChangeMerged(change=change("acme/api", 8, body="Refs NX-1")))
    shown = api.get("/tasks/1").json["changes"]

    assert [] == api.get("/tasks/2").json["changes"]
    assert [
        (7, "open", True, "the body says “closes NX-1”"), (8, "merged", False, "the body says “refs NX-1”"),
    ] == [(one["number"], one["state"], one["closes"], one["reason"]) for one in shown]  # fmt: skip
    assert {"source", "number", "state", "title", "branch", "url", "author", "closes", "reason"} == set(shown[0])


def test_a_change_that_went_on_is_told_to_who_knows_the_version(api, nexus):
    """A mention is merged without a new version of the task: 304 would hide it."""
    nexus.repositories.add("acme/api")
    api.post("/tasks", {"title": "One", "repository": "acme/api"})
    nexus.changes.apply(ChangeOpened(change=change("acme/api", 7, body="Refs NX-1")))
    answer = api.get("/tasks/1", headers={"If-None-Match": '"1"'})

    assert (200, "open") == (answer.status_code, answer.json["changes"][0]["state"])


def test_who_changes_a_task_is_shown_them_too(api, nexus):
    """Each answer that is one task has the same members."""
    nexus.repositories.add("acme/api")
    made = api.post("/tasks", {"title": "One", "repository": "acme/api"})
    nexus.changes.apply(ChangeOpened(change=change("acme/api", 7, body="Refs NX-1")))
    moved = api.patch("/tasks/1/status", {"status": "done"})

    assert ([], 7) == (made.json["changes"], moved.json["changes"][0]["number"])
    assert moved.json == api.get("/tasks/1").json


def test_changes_of_hidden_repositories_are_not_shown(api, nexus):
    """Their titles speak of what a narrowed key may not see."""
    here = nexus.repositories.add("acme/api")
    nexus.repositories.add("acme/secret")
    api.post("/tasks", {"title": "One", "repository": "acme/api"})
    for repository in ("acme/api", "acme/secret"):
        nexus.changes.apply(ChangeOpened(change=change(repository, 7, body="Refs NX-1", title=f"In {repository}")))
    key = nexus.keys.create("narrow", scopes=["tasks:read"], repositories=[here.id]).secret
    shown = api.get("/tasks/1", headers={"Authorization": f"Bearer {key}"}).json["changes"]

    assert ["In acme/api"] == [one["title"] for one in shown]
