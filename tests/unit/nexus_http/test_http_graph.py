"""The graph over HTTP: as data, as Mermaid, as SVG, and never more than can be taken in."""

import re
from xml.etree import ElementTree

import pytest

MERMAID, SVG = "text/vnd.mermaid", "image/svg+xml"


@pytest.fixture
def tasks(api, nexus):
    """A chain of three in acme/api, of which the first is done, one elsewhere that waits for it, and one alone."""
    repository = nexus.repositories.add("acme/api").id
    first = api.task("First", repository="acme/api")
    second = api.task("Second", repository="acme/api", dependencies=[first["id"]])
    third = api.task("Third", repository="acme/api", dependencies=[second["id"]])
    nexus.repositories.add("acme/web")
    api.task("Elsewhere", repository="acme/web", dependencies=[third["id"]])
    api.task("Alone")
    nexus.tasks.move(first["id"], "done")
    return repository


def draw(api, media, **params):
    return api.get("/tasks/graph", headers={"Accept": media}, params=params)


def test_the_graph_as_data(api, tasks):
    """Nodes, edges, the critical path; nothing left out."""
    found = draw(api, "application/json", repository="acme/api").json

    assert [1, 2, 3, 4] == [node["id"] for node in found["nodes"]]
    assert [(2, 1), (3, 2), (4, 3)] == [(edge["task"], edge["depends_on"]) for edge in found["edges"]]
    assert ([2, 3, 4], {"open": 0, "closed": 0}) == (found["critical_path"], found["left_out"])


@pytest.mark.parametrize(
    ("limit", "ids", "left_out"),
    [(5, {1, 2, 3, 4, 5}, (0, 0)), (4, {2, 3, 4, 5}, (0, 1)), (2, {2, 3}, (2, 1))],
)
def test_a_limit_keeps_what_matters_and_counts_the_rest(api, tasks, limit, ids, left_out):
    """The critical path before all, open tasks before closed ones."""
    found = draw(api, "application/json", limit=limit).json

    assert (ids, left_out) == ({node["id"] for node in found["nodes"]}, tuple(found["left_out"].values()))


@pytest.mark.parametrize("media", [MERMAID, SVG])
def test_a_picture_says_what_it_leaves_out(api, tasks, media):
    """In words that people see."""
    assert "not drawn: 2 open tasks and 1 closed task" in draw(api, media, limit=2).text
    assert "not drawn" not in draw(api, media).text


@pytest.mark.parametrize("limit", ["0", "-1", "x", "20001"])
def test_a_limit_is_a_number_that_makes_sense(api, tasks, limit):
    """Else it is bad input."""
    assert 400 == draw(api, SVG, limit=limit).status_code


def test_mermaid_frames_what_is_elsewhere(api, tasks):
    """The repository that was asked for is not framed; what is ready is marked."""
    answer = draw(api, MERMAID, repository="acme/api")

    assert "text/vnd.mermaid; charset=utf-8" == answer.headers["Content-Type"]
    assert '  subgraph r4["acme/web"]\n    t4["○ NX-4<br/>Elsewhere"]:::pending\n  end\n' in answer.text
    assert '  t2["▶ NX-2<br/>Second"]:::ready\n' in answer.text
    assert ["-.->", "==>", "==>"] == re.findall(r"^  t\d+ (\S+) t\d+$", answer.text, re.MULTILINE)


def test_svg_may_bring_its_style_and_nothing_else(api, tasks):
    """A browser that opens the address itself shows the picture as it is meant."""
    answer = draw(api, SVG, repository=str(tasks))
    root = ElementTree.fromstring(answer.text)

    assert "image/svg+xml" == answer.headers["Content-Type"]
    assert (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
        == answer.headers["Content-Security-Policy"]
    )
    assert "Tasks of acme/api" == root.find("{http://www.w3.org/2000/svg}title").text


def test_pictures_of_many_tasks_are_bounded(api, nexus):
    """Without a limit too: Mermaid refuses what is too much, and people do."""
    nexus.tasks.import_file("".join(f'{{"title": "Task {number}"}}\n' for number in range(500)).encode(), "acme/many")

    assert (150, 400) == (draw(api, MERMAID).text.count("<br/>"), draw(api, SVG).text.count('class="card'))
    assert 500 == len(draw(api, "application/json").json["nodes"])


def test_other_media_are_not_acceptable(api, tasks):
    """There are three."""
    assert 406 == draw(api, "image/png").status_code
