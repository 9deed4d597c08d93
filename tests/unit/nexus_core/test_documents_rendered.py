"""The README of a repository's tasks and its Mermaid graph: what a title holds never breaks out of its place."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_core.domain.tasks import Priority, Status
from nexus_core.formats.mermaid import to_mermaid
from nexus_core.formats.readme import render_readme

parts = st.sampled_from([*'ab |\\`"<>&[](){}#*_!;%\n\r\t/=-–é√', "```", "<script>", "end", "\\|"])
titles = st.lists(parts, min_size=1).map("".join).filter(str.strip)


def in_repository(make_task, task_id, **fields):
    return make_task(task_id, repository_id=1, repository="acme/api", **fields)


def cells(line):
    """The cells of a table's row, as GitHub splits it: at each bar that no backslash stands before."""
    return re.findall(r"(?:\\.|[^|\\])+", line.strip().strip("|"))


def test_the_document_as_a_whole(make_task):
    """Progress, the graph, then the tasks by status in the order of work."""
    tasks = [
        in_repository(make_task, 1, title="Model", status=Status.DONE),
        in_repository(make_task, 2, title="Login", dependencies=(1,), priority=Priority.HIGH),
        in_repository(make_task, 3, title="Page", dependencies=(2,), open_dependencies=1),
        in_repository(make_task, 4, title="Tidy", status=Status.IN_PROGRESS, agent="ada", assignment_id=1),
    ]
    text = render_readme("acme/api", tasks)

    assert "**25 %**: 1 of 4 tasks done" in text
    assert ["## Graph", "## In progress (1)", "## To do (2)", "## Done (1)"] == re.findall(r"^## .*", text, re.M)
    assert "| NX-2 | Login **(ready)** | high | – |" in text
    assert "| NX-3 | Page | medium | NX-2 |" in text
    assert "| NX-4 | Tidy by ada | medium | – |" in text


def test_the_same_tasks_make_the_same_document(make_task):
    """It names no time, so that nothing is committed without need."""
    tasks = [in_repository(make_task, n, dependencies=(n - 1,) if n > 1 else ()) for n in range(1, 9)]

    assert render_readme("acme/api", tasks) == render_readme("acme/api", list(tasks))


def test_tasks_of_other_repositories_are_drawn_but_not_listed(make_task):
    """The graph crosses repositories; the list is the repository's own."""
    other = make_task(1, title="Elsewhere", repository_id=2, repository="acme/web")
    text = render_readme("acme/api", [other, in_repository(make_task, 2, dependencies=(1,), open_dependencies=1)])

    assert '  subgraph r1["acme/web"]\n    t1["○ NX-1<br/>Elsewhere"]:::pending\n  end\n  t2[' in text
    assert "0 of 1 tasks done" in text
    assert "\n| NX-1 |" not in text


def test_a_repository_without_tasks_has_a_document_too(make_task):
    """No graph, no sections, no division by nothing."""
    text = render_readme("acme/api", [])

    assert "0 of 0 tasks done" in text
    assert "mermaid" not in text


def test_a_large_graph_is_drawn_without_what_is_finished(make_task):
    """Above 80 tasks a picture is no longer readable."""
    tasks = [in_repository(make_task, n, status=Status.DONE) for n in range(1, 80)]
    tasks += [in_repository(make_task, n) for n in range(100, 140)]
    text = render_readme("acme/api", tasks)

    assert 40 == len(re.findall(r"^  t\d+\[", text, re.M))


@given(titles)
def test_a_title_stays_in_its_cell(make_task, title):
    """Four cells a row, whatever the title says, and no line more."""
    text = render_readme("acme/api", [in_repository(make_task, 1, title=title)])
    rows = [line for line in text.splitlines() if line.startswith("| NX-1 ")]

    assert [4] == [len(cells(row)) for row in rows]
    assert "<script>" not in text.replace("<br/>", "")


@pytest.mark.parametrize("title", ["![x](http://evil.example/p.png)", "[click](http://evil.example)"])
def test_a_title_makes_no_link_and_no_picture(make_task, title):
    """Titles may come from strangers; the document is the repository's own."""
    text = render_readme("acme/api", [in_repository(make_task, 1, title=title)])

    assert "](" not in text.split("```")[2]


@given(titles)
def test_a_title_stays_in_its_label(make_task, title):
    """A Mermaid label is one quoted text on one line, with nothing in it that ends it or that makes HTML."""
    drawn = to_mermaid([make_task(1, title=title)])
    [line] = [line for line in drawn.splitlines() if line.startswith("  t1")]
    label = re.fullmatch(r'  t1\["○ NX-1<br/>(.*)"\]:::pending', line)

    assert label
    assert not set('"<>`&%') & set(label[1])
    assert not re.search(r"#(?!\d+;)", label[1])


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ('"]; x["', "#34;]; x[#34;"),
        ("%%{init: {}}%%", "#37;#37;{init: {}}#37;#37;"),
        ("$$x$$", "$#8203;$#8203;x$#8203;$#8203;"),
        ("a\\nb", "a\\#8203;nb"),
        ("fab:fa-car", "fab:#8203;fa-car"),
        ("style a fill:#f00", "#115;tyle a fill:#35;f00"),
        ("#quot;", "#35;quot;"),
        ("a\x00\u202eb", "a b"),
    ],
)
def test_what_mermaid_would_take_for_something_else_is_kept_apart(make_task, title, shown):
    """Each of these was drawn with Mermaid 11 and read back letter by letter."""
    assert f'<br/>{shown}"]' in to_mermaid([make_task(1, title=title)])


def test_a_graph_shows_direction_state_and_the_critical_path(make_task):
    """Prerequisites on the left, ready ones marked, the longest chain thick, what is satisfied dotted."""
    tasks = [
        make_task(1), make_task(2, dependencies=(1,)), make_task(3, dependencies=(1, 99)),
        make_task(4, status=Status.REVIEW), make_task(5, status=Status.DONE), make_task(6, dependencies=(5,)),
    ]  # fmt: skip
    lines = to_mermaid(tasks, ready={1}, path=(1, 2)).splitlines()

    assert "flowchart LR" == lines[0]
    assert ["  t1 ==> t2", "  t1 --> t3", "  t5 -.-> t6"] == [line for line in lines if ">" in line and "[" not in line]
    assert ["▶ NX-1<br/>Task 1", "◉ NX-4<br/>Task 4"] == [lines[number].split('"')[1] for number in (1, 4)]
    assert [":::ready", ":::review"] == [lines[1][-8:], lines[4][-9:]]


def test_a_diagram_has_no_more_lines_than_mermaid_draws(make_task):
    """Above 500 it would draw nothing; those that still count stay."""
    tasks = [make_task(n, status=Status.DONE if n <= 20 else Status.PENDING) for n in range(1, 61)]
    edges = [(n, on) for n in range(21, 61) for on in range(1, 21)]
    drawn = to_mermaid(tasks, edges=[*edges, (60, 59), (59, 58)], path=(58, 59, 60)).splitlines()
    arrows = [line for line in drawn if re.match(r"  t\d+ \S+ t\d+$", line)]

    assert (450, ["  t58 ==> t59", "  t59 ==> t60"]) == (len(arrows), sorted(line for line in arrows if "==>" in line))


def test_what_is_left_out_is_said_in_the_picture(make_task):
    """A comment would be read by nobody."""
    assert '  note["not drawn: 3 open tasks"]:::note' in to_mermaid([make_task(1)], note="not drawn: 3 open tasks")


def test_a_long_title_is_shortened(make_task):
    """A picture is not a text."""
    drawn = to_mermaid([make_task(1, title="x" * 200)])

    assert "x" * 47 + "…" in drawn
    assert "x" * 48 not in drawn
