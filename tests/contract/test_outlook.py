"""What lies ahead of a task and of the whole graph, on both engines."""

from itertools import pairwise

import attrs
import pytest

from graphs import bring, chain, thirds
from nexus_core.domain.access import LOCAL
from nexus_core.domain.tasks import Priority
from nexus_core.errors import TooMany, TransitionRefused
from nexus_core.ports.queries import TaskQuery
from nexus_core.services import outlook


def test_a_graph_that_is_too_large_is_refused(hub, monkeypatch):
    """With what to do instead; the outline of it is to be had all the same."""
    monkeypatch.setattr(outlook, "MOST_SHOWN", 20)
    bring(hub, "acme/large", chain(60))
    bring(hub, "acme/small", chain(20))

    with pytest.raises(TooMany, match="name a repository, or list the tasks page by page"):
        hub.tasks.graph()
    with pytest.raises(TooMany, match="these are more; list the tasks page by page"):
        hub.tasks.graph("acme/large")
    assert 20 == len(hub.tasks.graph("acme/small").critical_path)
    assert 60 == len(hub.tasks.outline().critical_path) == len(hub.tasks.outline("acme/large").critical_path)


@pytest.mark.parametrize("repository", [None, "acme/web"])
def test_the_outline_is_the_graph(hub, repository):
    """The same dependencies, an order that holds, a longest chain of the same length."""
    api = bring(hub, "acme/api", thirds(60))
    web = bring(hub, "acme/web", chain(9))
    hub.tasks.depend(web[3], api[-1])
    hub.tasks.move(web[0], "done")
    whole, outline = hub.tasks.graph(repository), hub.tasks.outline(repository)
    place = {task: index for index, task in enumerate(outline.order)}

    assert (sorted(api + web) if repository is None else web) == sorted(outline.order)
    assert {edge for edge in whole.edges if place.keys() >= set(edge)} == set(outline.edges)
    assert all(place[on] < place[task] for task, on in outline.edges)
    assert all((after, before) in outline.edges for before, after in pairwise(outline.critical_path))
    assert (8, whole.critical_path[-1]) == (len(outline.critical_path), outline.critical_path[-1])


def test_nothing_has_an_outline(hub):
    """No tasks, no order, no chain."""
    assert ((), (), ()) == attrs.astuple(hub.tasks.outline())


def test_what_becomes_ready_is_what_was_said(hub):
    """For each open task: those that `impact` names are those that are ready afterwards and were not before."""
    one, two, three = (hub.tasks.create(title).id for title in ("One", "Two", "Three"))
    above = hub.tasks.create("Above", dependencies=[one]).id
    hub.tasks.create("Below", parent_id=above)
    parked = hub.tasks.create("Parked", dependencies=[one]).id
    hub.tasks.edit(parked, {"not_before": "2099-01-01T00:00:00Z"})
    hub.tasks.create("Both", dependencies=[one, two])
    closed = hub.tasks.create("Closed", dependencies=[two]).id
    hub.tasks.create("Below the closed one", parent_id=closed)
    hub.tasks.move(closed, "done")
    hub.tasks.create("Part of three", parent_id=three)
    outer = hub.tasks.create("Outer", dependencies=[two]).id
    inner = hub.tasks.create("Inner", parent_id=outer, dependencies=[one]).id
    hub.tasks.create("Innermost", parent_id=inner)
    for task in hub.tasks.list(TaskQuery(status=("pending",))).items:
        before = {ready.id for ready in hub.tasks.ready()}
        said = hub.tasks.readiness(task.id).impact.unblocks
        hub.tasks.move(task.id, "done")
        after = {ready.id for ready in hub.tasks.ready()} - before
        hub.tasks.move(task.id, "pending")

        assert sorted(after) == list(said), task.title


def test_nothing_waits_for_what_is_done(hub):
    """It has brought what it could bring; reopened, all that is counted again."""
    first, second, _ = bring(hub, "acme/api", chain(3))
    for status, expected in (("done", ((), 0, 0, False)), ("pending", ((second,), 2, 2, False))):
        hub.tasks.move(first, status)

        assert expected == attrs.astuple(hub.tasks.readiness(first).impact)


def test_where_counting_ends_is_said(hub, monkeypatch):
    """So many or more."""
    for module in ("behind", "outlook", "weaving"):
        monkeypatch.setattr(f"nexus_core.services.{module}.MOST_COUNTED", 5)
    first, *_ = bring(hub, "acme/api", chain(9))
    last = bring(hub, "acme/web", chain(5))[0]

    assert (5, 8, True) == attrs.astuple(hub.tasks.readiness(first).impact)[1:]
    assert (4, 4, False) == attrs.astuple(hub.tasks.readiness(last).impact)[1:]


@pytest.mark.parametrize("sort", ["id", "order"])
def test_pages_of_ready_tasks_are_whole(hub, sort):
    """Of all, of one repository, and for those who see two of three: what the list of everything says of them."""
    for name in ("acme/api", "acme/web", "acme/app"):
        place = hub.repositories.add(name).id
        for index in range(7):
            hub.tasks.create(f"{name} {index}", repository=place, priority=list(Priority)[index % 4])
    whole = hub.tasks.list(TaskQuery(ready=True, sort=sort, limit=100)).items
    seen = frozenset(task.repository_id for task in whole if task.repository != "acme/web")

    def walk(repositories=None, **query):
        actor, found, cursor = attrs.evolve(LOCAL, repositories=repositories), [], ""
        while cursor is not None:
            wanted = TaskQuery(ready=True, sort=sort, limit=3, cursor=cursor or None, **query)
            page = hub.tasks.list(wanted, actor=actor)
            found, cursor = found + [task.id for task in page.items], page.next_cursor
        return found

    assert 21 == len(whole)
    assert [task.id for task in whole] == walk()
    assert [task.id for task in whole if task.repository == "acme/web"] == walk(repository="acme/web")
    assert [task.id for task in whole if task.repository_id in seen] == walk(seen)


def test_a_closed_task_is_not_moved_backwards_by_a_count(hub):
    """Closing and closing again costs and changes nothing."""
    first, second = bring(hub, "acme/api", chain(2))
    hub.tasks.move(first, "done")
    hub.tasks.move(first, "done")
    with pytest.raises(TransitionRefused):
        hub.tasks.move(first, "blocked")

    assert [second] == [task.id for task in hub.tasks.ready()]
