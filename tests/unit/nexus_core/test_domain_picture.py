"""What of a large graph is drawn: what matters now, and a word about the rest."""

from nexus_core.domain.graph import Graph
from nexus_core.domain.picture import excerpt
from nexus_core.domain.tasks import Status


def test_a_small_graph_is_drawn_whole(make_task):
    """As it is."""
    graph = Graph(tasks=(make_task(1), make_task(2)), edges=((2, 1),), critical_path=(1, 2))

    assert (graph, "") == (excerpt(graph, 2).graph, excerpt(graph, 2).note)


def test_what_matters_comes_first(make_task):
    """The critical path, open tasks before subtasks and by what waits for them, then closed ones, the latest first."""
    tasks = (
        make_task(1, status=Status.DONE), make_task(2, status=Status.DONE), make_task(3), make_task(4, impact=2),
        make_task(5, parent_id=4), make_task(6), make_task(7), make_task(8, status=Status.CANCELLED),
    )  # fmt: skip
    graph = Graph(tasks=tasks, edges=((3, 1), (7, 6)), critical_path=(6, 7))
    order = [next(iter(kept(graph, number) - kept(graph, number - 1))) for number in range(3, 9)]

    assert {6, 7} == kept(graph, 2)
    assert [4, 3, 5, 1, 8, 2] == order


def kept(graph, limit):
    return {task.id for task in excerpt(graph, limit).graph.tasks}


def test_the_rest_is_counted_and_its_edges_go(make_task):
    """Open and closed apart."""
    tasks = (make_task(1, status=Status.DONE), make_task(2), make_task(3), make_task(4))
    graph = Graph(tasks=tasks, edges=((2, 1), (3, 2), (4, 3)), critical_path=(2, 3, 4))
    part = excerpt(graph, 2)

    assert (((3, 2),), (2, 3)) == (part.graph.edges, part.graph.critical_path)
    assert "not drawn: 1 open task and 1 closed task" == part.note
