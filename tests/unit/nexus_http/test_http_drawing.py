"""The graph as SVG: everything has its place, keeps to it, and can be told apart without colours."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus_core.domain.graph import Graph, longest_chain
from nexus_core.domain.tasks import Priority, Status, Task
from nexus_http.drawing.cards import WIDTH, make_cards
from nexus_http.drawing.heights import spread
from nexus_http.drawing.layers import arrange, crossings
from nexus_http.drawing.lettering import clean, fit, letters, width_of, wrap
from nexus_http.drawing.looks import STATES, sign
from nexus_http.drawing.svg import svg

NOW = datetime(2026, 1, 31, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def task(number, title="A task", status=Status.PENDING, **fields):
    plain = {"priority": Priority.MEDIUM, "version": 1, "created_at": NOW, "updated_at": NOW}
    return Task(id=number, title=title, status=status, **{**plain, **fields})


def graph(*tasks, edges=()):
    open_ids = [one.id for one in tasks if not one.status.is_closed]
    waits = {one: [on for who, on in edges if who == one and on in open_ids] for one in open_ids}
    return Graph(tasks=tuple(tasks), edges=tuple(edges), critical_path=longest_chain(open_ids, waits))


def drawn(the_graph, **more):
    return ElementTree.fromstring(svg(the_graph, now=NOW, **more))


def texts(root):
    return [node.text for node in root.iter(f"{SVG}text")]


def boxes(root):
    """Left, top, right and bottom of every card."""
    found = []
    for group in root.iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        if rect is not None and "card" in rect.get("class", "").split():
            x, y = map(float, re.findall(r"[-\d.]+", group.get("transform")))
            found.append((x, y, x + float(rect.get("width")), y + float(rect.get("height"))))
    return found


def lines(root, look=""):
    return [
        path
        for path in root.iter(f"{SVG}path")
        if f"edge {look}" in path.get("class", "") and "marker-end" in path.attrib
    ]


@st.composite
def graphs(draw):
    """Tasks of some repositories, some part of others, waiting for any, in circles too."""
    number = draw(st.integers(1, 14))
    made = [
        task(
            one,
            draw(st.text(max_size=60)),
            draw(st.sampled_from(list(Status))),
            repository=draw(st.sampled_from(["acme/api", "acme/web", None])),
            parent_id=draw(st.none() | st.integers(1, max(1, one - 1))) if one > 1 else None,
            priority=draw(st.sampled_from(list(Priority))),
            agent=draw(st.none() | st.text(max_size=20)),
        )
        for one in range(1, number + 1)
    ]
    pairs = st.tuples(st.integers(1, number), st.integers(1, number)).filter(lambda pair: pair[0] != pair[1])
    return graph(*made, edges=draw(st.lists(pairs, max_size=24, unique=True)))


# Whatever the graph ---------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_cards_stay_within_the_picture_and_off_each_other(the_graph):
    """However many, however tied."""
    root = drawn(the_graph)
    found = boxes(root)
    apart = [
        one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        for number, one in enumerate(found)
        for other in found[:number]
    ]

    assert found and all(apart)
    assert all(0 <= box[0] and box[2] <= float(root.get("width")) for box in found)
    assert all(0 <= box[1] and box[3] + 64 <= float(root.get("height")) for box in found)


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_text_stays_on_its_card(the_graph):
    """By a measure that is wider than the fonts that browsers use."""
    for group in drawn(the_graph).iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        for text in group.iter(f"{SVG}text") if rect is not None and "card" in rect.get("class", "").split() else ():
            wide = width_of(text.text or "", float(text.get("font-size")))
            x, is_turned = float(text.get("x")), text.get("text-anchor") == "end" or text.get("direction") == "rtl"
            left, right = (x - wide, x) if is_turned else (x, x + wide)

            assert left >= 0 and right <= WIDTH, text.text


@settings(max_examples=100, deadline=None)
@given(graphs())
def test_every_task_is_there_with_all_that_it_is(the_graph):
    """Its key as text; the whole title, the state and what it waits for as a tooltip."""
    root = drawn(the_graph)
    tooltips = [node.text for node in root.iter(f"{SVG}title")]

    for one in the_graph.tasks:
        assert f"NX-{one.id}" in texts(root)
        assert any(text.startswith(f"NX-{one.id} ") for text in tooltips)


@given(st.text())
def test_a_title_is_text_whatever_it_holds(title):
    """Markup, control characters, halves of letters: the picture stays well-formed, and stays itself."""
    root = drawn(graph(task(1, title)))

    assert 1 == len(boxes(root))
    assert {f"{SVG}script", f"{SVG}a", f"{SVG}image", f"{SVG}foreignObject"}.isdisjoint(
        node.tag for node in root.iter()
    )


@pytest.mark.parametrize("title", ["<script>alert(1)</script>", "a\x01<b>&\"'", "]]><svg onload=x>", "\u202egnp.exe"])
def test_hostile_titles_are_shown_as_they_read(title):
    """Without what would turn the text around."""
    shown = re.sub("[\x01\u202e]", " ", title)

    assert " ".join(shown.split()) in " ".join(filter(None, texts(drawn(graph(task(1, title))))))


# What it tells --------------------------------------------------------------------------------------------------------


def test_lines_lead_to_the_right():
    """From a task to those that wait for it, over as many columns as the longest way has steps."""
    root = drawn(graph(task(1), task(2), task(3), edges=[(2, 1), (3, 2), (3, 1)]))
    xs = [box[0] for box in boxes(root)]

    assert sorted(xs) == xs and 3 == len(set(xs))
    for path in lines(root):
        numbers = [float(x) for x in re.findall(r"[MC ]([\d.]+),", path.get("d"))]
        assert numbers[0] < numbers[-1]


def test_the_critical_path_stands_out():
    """Its lines are thick and drawn last, its cards are framed, its keys are marked."""
    root = drawn(graph(task(1), task(2), task(3), task(4), edges=[(2, 1), (3, 2), (4, 1)]))
    marked = [node.text for node in root.iter(f"{SVG}text") if "on" in node.get("class").split()]

    assert (2, ["NX-1", "NX-2", "NX-3"]) == (len(lines(root, "critical")), marked)
    assert ["edge plain", "edge critical", "edge critical"] == [path.get("class") for path in lines(root)]
    assert "longest chain of open tasks: 3" in texts(root)[1]


def test_a_task_alone_is_no_path():
    """There is nothing to stand out from."""
    assert "on-path" not in svg(graph(task(1)), now=NOW).partition("</style>")[2]


def test_what_is_satisfied_looks_so():
    """The line from a task that is done is another one than from a task that is open."""
    root = drawn(graph(task(1, status=Status.DONE), task(2), task(3), edges=[(2, 1), (3, 2), (3, 1)]))

    assert (2, 1) == (len(lines(root, "met")), len(lines(root, "critical")))
    assert {"waited for, now met", "longest chain"} <= set(texts(root))


def test_every_state_has_a_sign_of_its_own():
    """Nobody has to tell colours apart."""
    signs = {re.sub(r'class="[^"]*"', "", sign(state, 0, 0)) for state in STATES}

    assert len(STATES) == len(signs)
    assert {str(status) for status in Status} | {"ready", "parked"} == set(STATES)


def test_the_legend_names_what_occurs_and_nothing_else():
    """States and lines."""
    parked = task(3, not_before=NOW + timedelta(days=1))
    root = drawn(graph(task(1, status=Status.REVIEW), task(2, open_dependencies=1), parked, task(4), edges=[(2, 1)]))
    legend = texts(root)[-5:]

    assert ["ready", "waiting", "parked", "in review", "longest chain"] == legend


def test_subtasks_are_rows_of_their_tasks():
    """With a bar for how far they are, and bows between those that wait for each other."""
    made = [task(1, "Whole"), task(2, "Part", Status.DONE, parent_id=1), task(3, "Other", parent_id=1)]
    root = drawn(graph(*made, task(4, "Deeper", parent_id=3), edges=[(3, 2)]))
    bar = [rect for rect in root.iter(f"{SVG}rect") if rect.get("height") == "3"]

    assert 1 == len(boxes(root)) and {"NX-2", "Part", "NX-3", "Other", "NX-4", "Deeper"} <= set(texts(root))
    assert ["track", "done stripe"] == [rect.get("class") for rect in bar]
    assert 1 / 3 == pytest.approx(float(bar[1].get("width")) / float(bar[0].get("width")), abs=0.01)
    assert 1 == svg(graph(*made, edges=[(3, 2)]), now=NOW).count('class="edge thin')


def test_of_very_many_subtasks_the_open_ones_have_rows():
    """The others are counted."""
    parts = [
        task(number, status=Status.DONE if number < 30 else Status.PENDING, parent_id=1) for number in range(2, 52)
    ]
    [card] = make_cards([task(1), *parts])

    assert (30, 20) == (len(card.rows), card.folded)
    assert {part.id for part in parts if not part.status.is_closed} <= set(card.members)


def test_repositories_have_bands_with_their_names():
    """The one that was asked for first, tasks of none last; a single one needs none."""
    made = [task(1), task(2, repository="acme/web"), task(3, repository="acme/api"), task(4, repository="acme/infra")]
    root = drawn(graph(*made, edges=[(2, 3)]), home="acme/web")
    bands = [node.get("y") for node in root.iter(f"{SVG}rect") if node.get("class") == "band"]

    assert ["acme/web", "acme/api", "acme/infra", "no repository"] == [
        text for text in texts(root) if text in ("acme/web", "acme/api", "acme/infra", "no repository")
    ]
    assert (4, sorted(bands, key=float)) == (len(bands), bands)
    assert "band" not in svg(graph(task(1, repository="acme/api")), now=NOW).partition("</style>")[2]


def test_a_line_between_bands_ends_at_the_right_card():
    """Each band is laid out on its own."""
    root = drawn(graph(task(1, repository="a/a"), task(2, repository="b/b"), edges=[(2, 1)]))
    (one, other), [path] = boxes(root), lines(root)
    end = [float(number) for number in path.get("d").rpartition(" ")[2].split(",")]

    assert other[1] < end[1] < other[3] and other[0] - 8 < end[0] < other[0]
    assert one[3] < other[1]


def test_people_who_do_not_see_it_are_told():
    """It is one image with a name and a description."""
    root = drawn(graph(task(1), task(2, status=Status.DONE)), home="acme/api", note="not drawn: 3 closed tasks")
    named = {node.get("id"): node.text for node in root if node.get("id")}

    assert "img" == root.get("role")
    assert ["Tasks of acme/api", "2 tasks · 1 ready · 1 open · 1 done · not drawn: 3 closed tasks"] == [
        named[name] for name in root.get("aria-labelledby").split()
    ]


def test_it_fits_a_dark_page():
    """Every colour has another one for those who like it dark."""
    style = drawn(graph(task(1))).find(f"{SVG}style").text
    light, _, dark = style.partition("@media (prefers-color-scheme:dark)")

    assert ".ground{fill:#ffffff}" in light and ".ground{fill:#0d1117}" in dark
    assert all(f".{state}.word" in light and f".{state}.word" in dark for state in STATES)


def test_scripts_that_run_to_the_left_begin_at_the_right():
    """And end with the ellipsis at their own end."""
    [title] = [node for node in drawn(graph(task(1, "مهمة"))).iter(f"{SVG}text") if node.get("class") == "title"]

    assert ("rtl", "مهمة") == (title.get("direction"), title.text)
    assert float(title.get("x")) > WIDTH / 2


def test_a_usual_title_is_there_whole():
    """On as many lines as it needs."""
    title = "Implement the endpoints that list, create and move tasks across repositories"
    shown = [node.text for node in drawn(graph(task(1, title))).iter(f"{SVG}text") if node.get("class") == "title"]

    assert (title, 3) == (" ".join(shown), len(shown))


def test_circles_and_nothing_at_all_are_drawn_too():
    """Old data may hold a circle; the picture must not fail."""
    circle = drawn(graph(task(1), task(2), task(3), edges=[(1, 2), (2, 1), (3, 1)]))

    assert (3, 3) == (len(boxes(circle)), len(lines(circle)))
    assert 2 == len({box[0] for box in boxes(circle)})
    assert [] == boxes(drawn(graph()))


# Its parts ------------------------------------------------------------------------------------------------------------


def test_few_lines_cross():
    """A ladder that was given upside down is put in order."""
    rungs = range(10)
    pairs = [(rung, 19 - rung) for rung in rungs] + [(19 - rung, 20 + rung) for rung in rungs]
    layers = arrange(range(30), pairs, dict.fromkeys(range(30), 0))

    assert 0 == crossings(layers.columns, layers.neighbours()[1])


@settings(deadline=None)
@given(graphs())
def test_the_order_never_has_more_crossings_than_the_first_one(the_graph):
    """Sweeping may only help."""
    ids = [one.id for one in the_graph.tasks]
    layers = arrange(ids, [(on, who) for who, on in the_graph.edges], dict.fromkeys(ids, 0))
    first = [sorted(column, key=lambda node: (isinstance(node, tuple), node)) for column in layers.columns]
    right = layers.neighbours()[1]

    assert crossings(layers.columns, right) <= crossings(first, right)


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(1, 50)), min_size=1, max_size=12))
def test_neighbours_keep_their_distance(wanted):
    """In their order; one alone gets what it wants."""
    places = [place for place, _ in wanted]
    distances = [distance for _, distance in wanted[1:]]
    found = spread(places, distances)

    assert all(
        other - one >= distance - 1e-6 for (one, other), distance in zip(pairwise(found), distances, strict=True)
    )
    assert spread(places[:1], []) == places[:1]


@given(st.text(), st.integers(20, 300), st.integers(1, 4))
def test_lines_of_text_are_no_wider_than_asked_for(text, width, most):
    """And no more than asked for; whole when they fit."""
    found = wrap(text, width, 10, most)

    assert len(found) <= most
    assert all(width_of(line, 10) <= width or len(letters(line)) <= 2 for line in found)
    assert clean(text).startswith(" ".join(found).removesuffix("…")) or len(found) > 1
    assert clean(text) == "".join(found) or len(found) > 1 or found[0].endswith("…")


def test_letters_are_not_torn_apart():
    """Neither accents nor joined emoji nor skin tones."""
    family = "👩‍👩‍👧"

    assert ["e\u0301", family, "👍🏽", "x"] == letters(f"e\u0301{family}👍🏽x")
    assert {"…", f"{family}…", family * 3} >= {fit(family * 3, width, 10) for width in (11, 40, 500)}


@pytest.mark.parametrize(("number", "most_bytes"), [(1, 8_000), (200, 400_000), (2_000, 4_000_000)])
def test_a_picture_of_any_size_is_sane(number, most_bytes):
    """In bytes and in pixels, and made in little time."""
    tasks = [task(one, f"Task {one}", repository=f"acme/r{one % 3}") for one in range(1, number + 1)]
    edges = [(one, one // 3) for one in range(3, number + 1)] + [(one, one - 7) for one in range(9, number, 5)]
    text = svg(graph(*tasks, edges=edges), now=NOW)
    root = ElementTree.fromstring(text)

    assert len(text) < most_bytes
    assert number == len(boxes(root))
    assert float(root.get("width")) < 400 * (number + 2)
