"""The graph as a picture."""

from datetime import UTC, datetime
from xml.etree import ElementTree

from nexus_core.domain.graph import Graph
from nexus_core.domain.tasks import Priority, Status, Task
from nexus_http.drawing import layout, mermaid, shorten, svg

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def _task(number, title, status=Status.PENDING):
    return Task(
        id=number,
        title=title,
        status=status,
        priority=Priority.HIGH,
        version=1,
        created_at=NOW,
        updated_at=NOW,
    )


GRAPH = Graph(
    tasks=(_task(1, "Begin", Status.DONE), _task(2, "Go on"), _task(3, 'End "]-->x; <script>')),
    edges=((2, 1), (3, 2), (3, 1)),
    critical_path=(2, 3),
)


def test_mermaid_arrows_lead_to_those_that_wait():
    """From a task to those that depend on it, the critical path thicker."""
    text = mermaid(GRAPH)

    assert ["  t1 --> t2", "  t2 --> t3", "  t1 --> t3"] == [line for line in text.splitlines() if "-->" in line]
    assert "linkStyle 1 " in text


def test_mermaid_shows_titles_as_text():
    """Nothing of a title can end its label."""
    label = next(line for line in mermaid(GRAPH).splitlines() if line.startswith("  t3["))

    assert 2 == label.count('"')
    assert "<script>" not in label


def test_columns_follow_dependencies():
    """A task stands right of all that it waits for."""
    assert {1: (0, 0), 2: (1, 0), 3: (2, 0)} == layout(GRAPH)


def test_svg_is_well_formed_whatever_the_title():
    """Markup and control characters in a title do no harm."""
    graph = Graph(tasks=(_task(1, "a\x01<b>&\"'"),), edges=(), critical_path=(1,))
    root = ElementTree.fromstring(svg(graph))

    assert "{http://www.w3.org/2000/svg}svg" == root.tag
    assert 1 == len(root.findall(".//{http://www.w3.org/2000/svg}rect"))


def test_a_graph_with_a_cycle_is_still_drawn():
    """Old data may hold one; the picture must not fail."""
    graph = Graph(tasks=(_task(1, "a"), _task(2, "b")), edges=((1, 2), (2, 1)), critical_path=())

    assert {1, 2} == set(layout(graph))


def test_an_empty_graph_is_an_empty_picture():
    """No tasks, no error."""
    empty = Graph(tasks=(), edges=(), critical_path=())

    assert ElementTree.fromstring(svg(empty)) is not None
    assert mermaid(empty).startswith("flowchart")


def test_long_titles_are_cut():
    """To the length that is asked for."""
    assert "abc…" == shorten("abcdefgh", 4)
