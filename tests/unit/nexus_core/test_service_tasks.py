"""Tasks: created, edited, tied together; what is ready and why."""

from datetime import timedelta

import pytest

from nexus_core.domain.access import Actor, ActorKind, Scope
from nexus_core.errors import Conflict, Cycle, Invalid, NotFound, StaleWrite, TransitionRefused
from nexus_core.ports.queries import TaskQuery


@pytest.fixture
def chain(nexus):
    """Three tasks, each waiting for the one before, across two repositories."""
    nexus.repositories.add("acme/api")
    nexus.repositories.add("acme/web")
    one = nexus.tasks.create("Model", repository="acme/api")
    two = nexus.tasks.create("Endpoint", repository="acme/api", dependencies=[one.id])
    three = nexus.tasks.create("Page", repository="acme/web", dependencies=[two.id])
    return one.id, two.id, three.id


def narrowed(*repositories):
    return Actor(kind=ActorKind.KEY, name="ci", scopes=frozenset(Scope), repositories=frozenset(repositories))


# Create and edit ------------------------------------------------------------------------------------------------------


def test_a_new_task_is_pending_at_version_one(nexus, clock):
    """With what was said of it, and an estimate."""
    task = nexus.tasks.create("  Ship it ", description="Now", labels=["a", "b", "a"], priority="high")

    assert ("Ship it", "Now", ("a", "b"), "high", "pending", 1) == (
        task.title, task.description, task.labels, task.priority, task.status, task.version,
    )  # fmt: skip
    assert clock.now() == task.created_at == task.updated_at
    assert 5 == task.complexity_auto


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"title": " "}, "/title"), ({"title": "x" * 2001}, "/title"), ({"title": 3}, "/title"),
        ({"title": "T", "priority": "urgent"}, "/priority"),
        ({"title": "T", "complexity_manual": 11}, "/complexity_manual"),
        ({"title": "T", "complexity_manual": True}, "/complexity_manual"),
    ],
)  # fmt: skip
def test_bad_input_names_its_field(nexus, fields, pointer):
    """And nothing is created."""
    with pytest.raises(Invalid) as caught:
        nexus.tasks.create(**fields)

    assert [pointer] == [fault.pointer for fault in caught.value.faults]
    assert () == nexus.tasks.list().items


@pytest.mark.parametrize("fields", [{"repository": "acme/none"}, {"parent_id": 99}, {"dependencies": [99]}])
def test_what_is_named_must_be_there(nexus, fields):
    """A task is created whole or not at all."""
    with pytest.raises(NotFound):
        nexus.tasks.create("T", **fields)

    assert () == nexus.tasks.list().items


def test_a_subtask_lives_where_its_parent_does(nexus):
    """In the same repository, and its parent waits for it."""
    nexus.repositories.add("acme/api")
    parent = nexus.tasks.create("Whole", repository="acme/api")
    child = nexus.tasks.create("Part", parent_id=parent.id)

    assert "acme/api" == child.repository
    assert [child.id] == [task.id for task in nexus.tasks.ready()]


def test_an_edit_says_what_changed(nexus, types_of):
    """Field by field, and the version goes up once."""
    task = nexus.tasks.create("Old")
    edited = nexus.tasks.edit(task.id, {"title": "New", "labels": ["x"], "priority": "medium"})

    assert ("New", ("x",), 2) == (edited.title, edited.labels, edited.version)
    assert {"title": {"from": "Old", "to": "New"}, "labels": {"from": [], "to": ["x"]}} == (
        nexus.events.list(type="task.edited")[0].payload["changes"]
    )


def test_an_edit_without_a_difference_does_nothing(nexus, types_of):
    """No new version, no event."""
    task = nexus.tasks.create("Same")

    assert 1 == nexus.tasks.edit(task.id, {"title": "Same"}).version
    assert "task.edited" not in types_of()


def test_every_fault_of_an_edit_is_reported(nexus):
    """With JSON pointers."""
    task = nexus.tasks.create("T")

    with pytest.raises(Invalid) as caught:
        nexus.tasks.edit(task.id, {"title": "", "labels": "x", "status": "done", "not_before": "soon"})
    assert ["/title", "/labels", "/status", "/not_before"] == [fault.pointer for fault in caught.value.faults]


def test_a_stale_edit_is_refused(nexus):
    """Who read version 1 does not overwrite version 2."""
    task = nexus.tasks.create("T")
    nexus.tasks.edit(task.id, {"title": "U"}, expected_version=1)

    with pytest.raises(StaleWrite, match="at version 2, not 1"):
        nexus.tasks.edit(task.id, {"title": "V"}, expected_version=1)
    assert "U" == nexus.tasks.get(task.id).title


def test_a_task_cannot_be_its_own_ancestor(nexus):
    """Not directly and not by way of its subtasks."""
    top = nexus.tasks.create("Top")
    middle = nexus.tasks.create("Middle", parent_id=top.id)

    for parent in (top.id, middle.id):
        with pytest.raises(Conflict, match="the parent must be another task"):
            nexus.tasks.edit(top.id, {"parent_id": parent})


# Status ---------------------------------------------------------------------------------------------------------------


def test_a_move_tells_the_story(nexus, chain):
    """Moved with its reason, completed, and what waited becomes ready, because of it."""
    one, two, _ = chain
    nexus.tasks.move(one, "done", reason="acme/api#7 merged", delivery="github:d1")
    moved, completed, ready = nexus.events.list(limit=200)[-3:]

    assert ["task.moved", "task.completed", "task.ready"] == [moved.type, completed.type, ready.type]
    assert ("pending", "done", "acme/api#7 merged") == tuple(moved.payload[key] for key in ("from", "to", "reason"))
    assert (two, one) == (ready.task_id, ready.payload["because"])
    assert {"github:d1"} == {event.delivery for event in (moved, completed, ready)}


def test_moving_to_the_same_status_does_nothing(nexus, types_of):
    """No event, no version: a repeated webhook is silent."""
    task = nexus.tasks.create("T")
    before = types_of()

    assert task == nexus.tasks.move(task.id, "pending")
    assert before == types_of()


def test_an_unknown_status_names_the_known_ones(nexus):
    """A person can mend it."""
    task = nexus.tasks.create("T")

    with pytest.raises(Invalid, match="“finished” is no status") as caught:
        nexus.tasks.move(task.id, "finished")
    assert "in-progress" in caught.value.faults[0].message


def test_a_refused_move_changes_nothing(nexus):
    """The table of moves holds for everybody."""
    task = nexus.tasks.create("T")
    nexus.tasks.move(task.id, "cancelled")

    with pytest.raises(TransitionRefused):
        nexus.tasks.move(task.id, "review")
    assert "cancelled" == nexus.tasks.get(task.id).status


def test_reopening_makes_what_depends_on_it_wait_again(nexus, chain):
    """Done is not for ever."""
    one, two, _ = chain
    nexus.tasks.move(one, "done")
    nexus.tasks.move(one, "pending")

    assert not nexus.tasks.readiness(two).ready
    assert [one] == [task.id for task in nexus.tasks.ready()]


def test_closing_the_last_subtask_makes_the_parent_ready(nexus):
    """And says so."""
    parent = nexus.tasks.create("Whole")
    parts = [nexus.tasks.create("Part", parent_id=parent.id) for _ in range(2)]
    nexus.tasks.move(parts[0].id, "done")
    still = nexus.tasks.readiness(parent.id).ready
    nexus.tasks.move(parts[1].id, "cancelled")

    assert (False, True) == (still, nexus.tasks.readiness(parent.id).ready)
    assert [parent.id] == [event.task_id for event in nexus.events.list(type="task.ready")][-1:]


def test_subtasks_wait_for_what_their_parent_waits_for(nexus):
    """An ancestor that is unready for its own dependencies holds back everything below."""
    first = nexus.tasks.create("First")
    parent = nexus.tasks.create("Whole", dependencies=[first.id])
    child = nexus.tasks.create("Part", parent_id=parent.id)
    before = [condition.code for condition in nexus.tasks.readiness(child.id).why]
    nexus.tasks.move(first.id, "done")

    assert ["ancestors"] == before
    assert [child.id] == [task.id for task in nexus.tasks.ready()]


def test_a_task_that_is_given_away_frees_its_former_parent(nexus):
    """When its last open subtask leaves, the parent becomes ready, and says so."""
    parent = nexus.tasks.create("Whole")
    child = nexus.tasks.create("Part", parent_id=parent.id)
    after = nexus.events.list(newest=True, limit=1)[0].id
    nexus.tasks.edit(child.id, {"parent_id": None})

    assert nexus.tasks.readiness(parent.id).ready
    assert [parent.id] == [event.task_id for event in nexus.events.list(after, type="task.ready")]


# Dependencies ---------------------------------------------------------------------------------------------------------


def test_a_cycle_is_refused_with_its_path_across_repositories(nexus, chain):
    """Named so that a person sees where it goes."""
    one, two, three = chain

    with pytest.raises(Cycle) as caught:
        nexus.tasks.depend(one, three)
    assert [one, three, two, one] == caught.value.details["path"]
    assert ["NX-1 (acme/api)", "NX-3 (acme/web)", "NX-2 (acme/api)", "NX-1 (acme/api)"] == (
        caught.value.details["names"]
    )


def test_a_task_cannot_depend_on_itself(nexus):
    """The shortest cycle."""
    task = nexus.tasks.create("T")

    with pytest.raises(Cycle):
        nexus.tasks.depend(task.id, task.id)


def test_tying_twice_is_one_dependency(nexus, types_of):
    """And one event."""
    one, two = nexus.tasks.create("One"), nexus.tasks.create("Two")
    nexus.tasks.depend(two.id, one.id)
    again = nexus.tasks.depend(two.id, one.id)

    assert ((one.id,), 1) == (again.dependencies, again.open_dependencies)
    assert 1 == types_of().count("task.depended")


def test_untying_makes_ready(nexus, chain):
    """The last reason to wait is gone, and the event says because of what."""
    one, two, _ = chain
    nexus.tasks.undepend(two, one)

    assert (two, one) == [(e.task_id, e.payload["because"]) for e in nexus.events.list(type="task.ready")][-1]


# Answers --------------------------------------------------------------------------------------------------------------


def test_why_names_causes_and_impact(nexus, chain):
    """Each failing condition with its tasks; what finishing it would bring."""
    one, two, _three = chain
    waiting, first = nexus.tasks.readiness(two), nexus.tasks.readiness(one)

    assert [("dependencies", (one,))] == [(why.code, why.tasks) for why in waiting.why]
    assert ((two,), 2, 2) == (first.impact.unblocks, first.impact.waiting, first.impact.longest_chain)


def test_next_is_the_best_ready_task_with_its_reasons(nexus, chain):
    """The same order as everywhere."""
    nexus.tasks.create("Aside", priority="low")
    found = nexus.tasks.next()

    assert chain[0] == found.task.id
    assert ("medium priority", "2 open tasks wait for it", "complexity 5") == found.reasons


def test_next_keeps_to_what_an_agent_can_do(nexus):
    """A limit of complexity, and skills for tasks with labels."""
    nexus.tasks.create("Hard", priority="critical", complexity_manual=9)
    nexus.tasks.create("Go", priority="high", labels=["go"], complexity_manual=2)
    nexus.tasks.create("Python", labels=["python"], complexity_manual=2)
    nexus.tasks.create("Any", priority="low", complexity_manual=2)

    assert "Hard" == nexus.tasks.next().task.title
    assert "Go" == nexus.tasks.next(max_complexity=5).task.title
    assert "Python" == nexus.tasks.next(max_complexity=5, skills=["python"]).task.title
    assert "Any" == nexus.tasks.next(max_complexity=5, skills=["rust"]).task.title
    assert nexus.tasks.next(max_complexity=1) is None


def test_a_parked_task_comes_back_by_itself(nexus, clock):
    """At its time, and not before."""
    task = nexus.tasks.create("Later")
    nexus.tasks.edit(task.id, {"not_before": "2026-01-31T13:00:00Z"})
    before = nexus.tasks.next()
    clock.advance(hours=1)

    assert before is None
    assert task.id == nexus.tasks.next().task.id


@pytest.mark.parametrize("sort", ["id", "-id", "-updated_at", "order"])
def test_pages_follow_each_other_without_gaps(nexus, clock, sort):
    """Every task once, whatever the order."""
    for number in range(7):
        nexus.tasks.create(f"T{number}", priority=("low", "high")[number % 2], complexity_manual=1 + number % 3)
        clock.advance(seconds=number % 2)
    whole = [task.id for task in nexus.tasks.list(TaskQuery(sort=sort)).items]
    pages, cursor = [], None
    while True:
        page = nexus.tasks.list(TaskQuery(sort=sort, limit=2, cursor=cursor))
        pages += [task.id for task in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert whole == pages
    assert 7 == len(set(pages))


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        (TaskQuery(status=("done", "review")), ["Model", "Page"]),
        (TaskQuery(repository="acme/api"), ["Model", "Endpoint"]),
        (TaskQuery(ready=True), ["Endpoint"]),
        (TaskQuery(ready=False), ["Model", "Page"]),
        (TaskQuery(q="PAG"), ["Page"]),
        (TaskQuery(label="ui"), ["Page"]),
        (TaskQuery(label="u"), []),
        (TaskQuery(q="%"), []),
    ],
)
def test_lists_are_filtered(nexus, chain, query, titles):
    """Each filter by itself; signs of SQL are letters like any other."""
    one, _, three = chain
    nexus.tasks.move(one, "done")
    nexus.tasks.edit(three, {"labels": ["ui"]})
    nexus.tasks.move(three, "review")

    assert titles == [task.title for task in nexus.tasks.list(query).items]


@pytest.mark.parametrize("query", [TaskQuery(sort="colour"), TaskQuery(cursor="%%%"), TaskQuery(status=("odd",))])
def test_a_list_that_makes_no_sense_is_refused(nexus, query):
    """Instead of being answered with something."""
    with pytest.raises(Invalid):
        nexus.tasks.list(query)


def test_the_graph_has_nodes_edges_and_the_critical_path(nexus, chain):
    """Of a repository: its tasks and those of others that they touch."""
    one, two, three = chain
    whole, web = nexus.tasks.graph(), nexus.tasks.graph("acme/web")

    assert ((two, one), (three, two)) == whole.edges
    assert (one, two, three) == whole.critical_path
    assert {two, three} == {task.id for task in web.tasks}


# Who sees what --------------------------------------------------------------------------------------------------------


def test_tasks_of_other_repositories_do_not_exist_for_a_narrowed_key(nexus, chain):
    """Not by id, not in lists, not as the next one, and not to be tied to."""
    one, _, three = chain
    web = nexus.repositories.get("acme/web").id
    actor = narrowed(web)

    for call in (
        lambda: nexus.tasks.get(one, actor=actor),
        lambda: nexus.tasks.readiness(one, actor=actor),
        lambda: nexus.tasks.move(one, "done", actor=actor),
        lambda: nexus.tasks.edit(one, {"title": "x"}, actor=actor),
        lambda: nexus.tasks.depend(three, one, actor=actor),
        lambda: nexus.tasks.list(TaskQuery(repository="acme/api"), actor=actor),
        lambda: nexus.tasks.export_file("acme/api", actor=actor),
    ):
        with pytest.raises(NotFound):
            call()
    assert [three] == [task.id for task in nexus.tasks.list(actor=actor).items]
    assert nexus.tasks.next(actor=actor) is None


def test_a_narrowed_key_creates_in_its_repositories_only(nexus, chain):
    """Not elsewhere, and not in no repository at all."""
    web = nexus.repositories.get("acme/web").id

    with pytest.raises(NotFound):
        nexus.tasks.create("T", actor=narrowed(web))
    with pytest.raises(NotFound):
        nexus.tasks.create("T", repository="acme/api", actor=narrowed(web))
    assert "acme/web" == nexus.tasks.create("T", repository="acme/web", actor=narrowed(web)).repository


def test_an_id_beyond_all_numbers_is_not_found(nexus):
    """Instead of an error of the database."""
    with pytest.raises(NotFound):
        nexus.tasks.get(2**70)


def test_time_is_the_clocks(nexus, clock):
    """Every change is stamped by the hub's clock."""
    task = nexus.tasks.create("T")
    clock.advance(minutes=3)

    assert task.created_at + timedelta(minutes=3) == nexus.tasks.move(task.id, "blocked").updated_at
