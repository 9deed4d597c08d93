"""Documents, events and repositories: rendered when they read differently, told in order, named properly."""

import pytest

from nexus_core.domain.access import Actor, ActorKind, Scope
from nexus_core.errors import Conflict, Duplicate, Invalid, NotFound
from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.records import Document, DocumentRenderer
from nexus_core.testing import nexus_for_test


def changed(nexus):
    return nexus.events.list(type="documents.changed")


# Documents ------------------------------------------------------------------------------------------------------------


def test_documents_follow_the_tasks(nexus):
    """Once for many changes, and only when they would read differently."""
    nexus.repositories.add("acme/api")
    for title in ("One", "Two"):
        nexus.tasks.create(title, repository="acme/api")
    nexus.jobs.drain()
    first = len(changed(nexus))
    nexus.tasks.edit(1, {"details": "which the document does not show"})
    nexus.jobs.drain()

    assert (1, 1) == (first, len(changed(nexus)))
    assert ["docs/nexus/README.md"] == changed(nexus)[0].payload["paths"]


def test_a_task_without_a_repository_changes_no_document(nexus):
    """There is nowhere to keep it."""
    nexus.tasks.create("Alone")
    nexus.jobs.drain()

    assert [] == changed(nexus)


def test_a_sync_renders_whether_or_not_anything_changed(nexus):
    """A person asked for it, such as after somebody deleted the file."""
    nexus.repositories.add("acme/api")
    nexus.tasks.create("One", repository="acme/api")
    nexus.jobs.drain()
    nexus.repositories.sync("acme/api")
    nexus.jobs.drain()

    assert 2 == len(changed(nexus))


def test_plugins_render_documents_of_their_own(clock):
    """Beside the core's."""

    class Burndown:
        """One more document."""

        NEXUS_NAME = "burndown"

        @hookimpl
        def nexus_document_renderers(self):
            """The number of tasks."""
            yield DocumentRenderer(
                name="burndown.md",
                render=lambda repository, tasks, ctx: [Document(path="docs/burndown.md", content=f"{len(tasks)}\n")],
            )

    with nexus_for_test(Burndown(), clock=clock) as nexus:
        nexus.repositories.add("acme/api")
        nexus.tasks.create("One", repository="acme/api")
        rendered = {document.path: document.content for document in nexus.documents.render("acme/api")}

        assert {"docs/nexus/README.md", "docs/burndown.md"} == set(rendered)
        assert "1\n" == rendered["docs/burndown.md"]


def test_a_publication_is_recorded_once(nexus):
    """However often a job that was killed tells of it."""
    nexus.repositories.add("acme/api")
    for _ in range(2):
        nexus.documents.mark_published("acme/api", ["docs/nexus/README.md"], branch="nexus/docs", commit="c0ffee")

    assert 1 == len(nexus.events.list(type="documents.published"))


# Events ---------------------------------------------------------------------------------------------------------------


def test_following_the_feed_misses_nothing(nexus):
    """Page by page, each event once, in order."""
    for number in range(5):
        nexus.tasks.create(f"T{number}")
    whole = [event.id for event in nexus.events.list(limit=200)]
    followed, after = [], 0
    while page := nexus.events.list(after, limit=3):
        followed += [event.id for event in page]
        after = page[-1].id

    assert whole == followed


def test_the_newest_are_the_last_of_the_whole(nexus):
    """Oldest of them first, as a story is read."""
    for number in range(5):
        nexus.tasks.create(f"T{number}")

    assert nexus.events.list(limit=200)[-3:] == nexus.events.list(newest=True, limit=3)


def test_events_are_filtered_by_type_and_task(nexus):
    """A star stands for the rest; other signs of patterns are letters."""
    one, two = nexus.tasks.create("One"), nexus.tasks.create("Two")
    nexus.tasks.move(two.id, "blocked")

    assert {"task.created", "task.ready"} == {event.type for event in nexus.events.list(task=one.id)}
    assert 1 == len(nexus.events.list(type="task.moved"))
    assert 5 == len(nexus.events.list(type="task.*"))
    assert [] == nexus.events.list(type="task_moved") == nexus.events.list(type="%")


def test_a_narrowed_key_sees_the_events_of_its_repositories(nexus):
    """And of nothing else."""
    nexus.repositories.add("acme/api")
    nexus.repositories.add("acme/web")
    mine = nexus.repositories.get("acme/web").id
    nexus.tasks.create("Mine", repository="acme/web")
    nexus.tasks.create("Theirs", repository="acme/api")
    actor = Actor(kind=ActorKind.KEY, name="k", scopes=frozenset(Scope), repositories=frozenset({mine}))

    assert {mine} == {event.repository_id for event in nexus.events.list(actor=actor)}


def test_a_plugin_records_its_own_events_once(nexus):
    """With a text that marks it as told already."""
    for _ in range(2):
        nexus.events.record("chat.sent", payload={"key": "nexus-job-1"}, once="nexus-job-1")

    assert 1 == len(nexus.events.list(type="chat.sent"))


# Repositories ---------------------------------------------------------------------------------------------------------


def test_a_repository_is_githubs_unless_said_otherwise(nexus):
    """By name alone."""
    plain = nexus.repositories.add("acme/api")
    named = nexus.repositories.add("acme/web", "ssh://git.example/acme/web")

    assert ("https://github.com/acme/api.git", "ssh://git.example/acme/web") == (plain.url, named.url)
    assert plain == nexus.repositories.get("ACME/API") == nexus.repositories.get(plain.id)


def test_a_name_is_taken_once_whatever_its_case(nexus):
    """As code hosts have it."""
    nexus.repositories.add("acme/api")

    with pytest.raises((Duplicate, Conflict)):
        nexus.repositories.add("Acme/API")


@pytest.mark.parametrize("changes", [{"id": 3}, {"name": ""}, {"url": 3}, {"name": "no slash"}])
def test_an_edit_that_makes_no_sense_is_refused(nexus, changes):
    """And nothing changes."""
    before = nexus.repositories.add("acme/api")

    with pytest.raises(Invalid):
        nexus.repositories.edit("acme/api", changes)
    assert [before] == nexus.repositories.list()


def test_an_edit_is_told(nexus):
    """Once; saying the same again is silent."""
    nexus.repositories.add("acme/api")
    for _ in range(2):
        nexus.repositories.edit("acme/api", {"default_branch": "trunk"})

    assert [{"changes": {"default_branch": {"from": "main", "to": "trunk"}}}] == [
        event.payload for event in nexus.events.list(type="repository.edited")
    ]


def test_an_unknown_repository_is_not_found(nexus):
    """By name and by id."""
    for unknown in ("acme/none", 99, "99"):
        with pytest.raises(NotFound):
            nexus.repositories.get(unknown)
