"""JSON Lines from hub to hub, and from and to Taskmaster: everything arrives."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexus_core.errors import UnreadableFile
from nexus_core.testing import nexus_for_test
from task_files import REPO, by_key, codes, lines, load, out, whole

DATA = Path(os.environ.get("NEXUS_DATA") or Path(__file__).parents[4] / "shared" / "data") / "tasksjson"

# Everything, elsewhere ------------------------------------------------------------------------------------------------


def test_all_that_nexus_knows_arrives_in_a_fresh_hub(nexus, clock):
    """Two repositories with edges between them, in whichever order they come."""
    web = nexus.repositories.add("acme/web").id
    cart = nexus.tasks.create("Cart", repository=web, priority="critical")
    load(
        nexus,
        {"id": 1, "title": "Part", "parent": "whole", "status": "review", "custom": {"a": [1, None]}},
        {"external_key": "whole", "title": "Whole", "description": "d", "details": "D\n", "test_strategy": "t"},
        {"external_key": "other", "title": "Other", "priority": "low", "labels": ["x", "é"], "dependencies": [1],
         "complexity": 2},
    )  # fmt: skip
    ids = {key: task.id for key, task in by_key(nexus).items()}
    nexus.tasks.depend(ids["other"], cart.id)
    nexus.tasks.edit(ids["other"], {"complexity_manual": 9, "not_before": "2027-01-01T00:00:00Z"})
    nexus.tasks.create("Made here", repository=REPO, dependencies=[ids["whole"]], raw_data={"title": "x", "id": None})
    files = {repo: nexus.tasks.export_file(repo, format="jsonl") for repo in (REPO, "acme/web")}

    for order in (list(files), list(files)[::-1]):
        with nexus_for_test(clock=clock) as fresh:
            for repo in order:
                fresh.tasks.import_file(files[repo], repo)

            assert [whole(nexus, repo) for repo in files] == [whole(fresh, repo) for repo in files]
            assert files == {repo: fresh.tasks.export_file(repo) for repo in files}


@pytest.mark.parametrize("raw", [{}, {"metadata": {"owner": "ada"}}])
def test_a_taskmaster_file_that_comes_back_as_it_went_out_changes_nothing(nexus, raw):
    """Whatever the export had to say of tasks made here, in its own corner of them."""
    content = b'{"a": {"tasks": [{"id": 1, "title": "One"}]}, "b": {"tasks": [{"id": 1, "title": "Two"}]}}'
    nexus.tasks.import_file(content, REPO)
    one, two = (task.id for task in nexus.tasks.list().items)
    more = {"complexity_manual": 9, "not_before": "2027-01-01T00:00:00Z", "raw_data": raw}
    nexus.tasks.create("Part", repository=REPO, parent_id=one, dependencies=[two], **more)
    first = nexus.tasks.export_file(REPO)
    report = nexus.tasks.import_file(first, REPO)

    assert b'"nexus"' in first
    assert (0, 0, []) == (report.created, report.changed, codes(report))
    assert first == nexus.tasks.export_file(REPO)


def test_the_apis_own_documents_are_lines_too(nexus, clock):
    """One task a line from `nexus task list --json` makes the same tasks in another hub."""
    from nexus_core.wire import task_to_wire

    first = nexus.tasks.create("First", labels=["x"], priority="high", complexity_manual=3)
    second = nexus.tasks.create("Second", dependencies=[first.id])
    nexus.tasks.create("Part", parent_id=second.id, details="d")
    content = lines(*(task_to_wire(task) for task in nexus.tasks.list().items))

    with nexus_for_test(clock=clock) as fresh:
        report = fresh.tasks.import_file(content, REPO)
        made = fresh.tasks.list().items
        assert (3, []) == (report.created, codes(report))
        assert [("First", ()), ("Second", (1,)), ("Part", ())] == [(task.title, task.dependencies) for task in made]
        assert ((3, "high", ("x",)), 2) == (
            (made[0].complexity_manual, made[0].priority, made[0].labels),
            made[2].parent_id,
        )


_LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001 - hypothesis adds the zone
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
TITLES = WORDS.filter(str.strip)
SCORES = st.none() | st.integers(1, 10)


@st.composite
def task_lines(draw):
    """A file of lines in any order, with parents and dependencies among them, and things of its own."""
    keys = draw(st.lists(TITLES.map(str.strip), min_size=1, max_size=6, unique=True))
    made = []
    for number, key in enumerate(keys):
        value = {
            "external_key": key,
            "title": draw(TITLES),
            "description": draw(WORDS),
            "status": draw(st.sampled_from(["pending", "in-progress", "done", "blocked"])),
            "priority": draw(st.sampled_from(["critical", "high", "medium", "low"])),
            "labels": draw(st.lists(TITLES.map(str.strip), max_size=3, unique=True)),
            "complexity_auto": draw(st.integers(1, 10)),
            "complexity_manual": draw(SCORES),
            "dependencies": [on for on in keys[:number] if draw(st.booleans())],
            "not_before": draw(st.none() | st.datetimes(timezones=st.just(UTC), min_value=_LONG_AGO).map(str)),
        }
        names = [name for name in value if name in ("external_key", "title", "complexity_auto") or draw(st.booleans())]
        made.append({name: value[name] for name in draw(st.permutations(names))} | {"x": draw(WORDS)})
    return draw(st.permutations(made))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=task_lines(), data=st.data())
def test_whatever_the_lines_say_comes_back(clock, values, data):
    """To the byte; in another hub the same tasks; and after changes the next import has nothing to change."""
    content = lines(*values)
    with nexus_for_test(clock=clock) as one, nexus_for_test(clock=clock) as two:
        one.tasks.import_file(content, REPO)
        assert content == one.tasks.export_file(REPO)
        task = data.draw(st.sampled_from(one.tasks.list().items))
        one.tasks.edit(task.id, {"title": data.draw(TITLES), "details": data.draw(WORDS), "labels": []})
        changed = one.tasks.export_file(REPO)
        two.tasks.import_file(changed, REPO)

        assert whole(one) == whole(two)
        assert 0 == one.tasks.import_file(changed, REPO).changed
        assert len(content.splitlines()) == len(changed.splitlines())


# From Taskmaster and back ---------------------------------------------------------------------------------------------


def test_from_taskmaster_to_lines_and_back(nexus, clock):
    """Ids, tags, subtasks, unknown keys and spellings survive the way through a fresh hub."""
    content = json.dumps({
        "master": {"tasks": [
            {"id": 1, "title": "Model", "status": "completed", "testStrategy": "t", "effort": 3},
            {"id": "2", "title": "Login", "dependencies": ["1", 99], "priority": "high", "tags": ["auth"],
             "subtasks": [{"id": 1, "title": "Form", "status": "done"}, {"id": 2, "title": "C", "dependencies": [1]}]},
        ]},
        "next": {"tasks": [{"id": 1, "title": "Later", "complexity": 9, "metadata": {"owner": "ada"}}]},
    }).encode()  # fmt: skip
    nexus.tasks.import_file(content, REPO)
    as_lines = nexus.tasks.export_file(REPO, format="jsonl")

    with nexus_for_test(clock=clock) as fresh:
        fresh.tasks.import_file(as_lines, REPO)
        assert whole(nexus) == whole(fresh)
        back = json.loads(fresh.tasks.export_file(REPO, format="taskmaster"))
        assert json.loads(content) == {
            tag: {"tasks": [_without_estimates(task) for task in value["tasks"]]} for tag, value in back.items()
        }


def _without_estimates(task):
    """The task without what a new file says of its complexity, and without empty lists."""
    raw = {name: value for name, value in task.items() if (name != "complexity" or value == 9) and value != []}
    return raw | ({"subtasks": [_without_estimates(sub) for sub in raw["subtasks"]]} if "subtasks" in raw else {})


def test_from_lines_to_taskmaster_and_back(nexus, clock):
    """What Taskmaster has no words for stands where it leaves room: keys, parking, edges to other places."""
    load(nexus, {"external_key": "cart", "title": "Cart"}, repo="acme/web")
    load(
        nexus,
        {"external_key": "top", "title": "Top", "complexity_manual": 8, "not_before": "2027-01-01T00:00:00Z"},
        {"external_key": "mid", "title": "Mid", "parent": "top", "x": 1, "labels": ["l"]},
        {"external_key": "low", "title": "Low", "parent": "mid", "status": "review"},
        {"external_key": "master:7", "title": "Seven", "dependencies": ["low", "acme/web#cart"], "priority": "low"},
    )
    content = nexus.tasks.export_file(REPO, format="taskmaster")
    with nexus_for_test(clock=clock) as fresh:
        load(fresh, {"external_key": "cart", "title": "Cart"}, repo="acme/web")
        report = fresh.tasks.import_file(content, REPO)
        ours, theirs = whole(nexus), whole(fresh)
        for one in (*ours.values(), *theirs.values()):
            del one["raw_data"]

        assert (ours, content) == (theirs, fresh.tasks.export_file(REPO))
        assert ["nested_subtasks"] == codes(report)
    assert (0, 4) == (nexus.tasks.import_file(content, REPO).created, len(by_key(nexus)))


@pytest.mark.skipif(not DATA.is_dir(), reason="the collection of real files is not here; NEXUS_DATA names its folder")
def test_real_files_go_through_lines_and_back(clock):
    """All that a hub knows of them arrives in a fresh one, and goes on to a third by a Taskmaster file."""
    different = []
    for path in sorted(DATA.glob("*.json"))[::7]:
        with (
            nexus_for_test(clock=clock) as one,
            nexus_for_test(clock=clock) as two,
            nexus_for_test(clock=clock) as three,
        ):
            try:
                one.tasks.import_file(path.read_bytes(), REPO)
            except UnreadableFile:
                continue
            as_lines = one.tasks.export_file(REPO, format="jsonl")
            two.tasks.import_file(as_lines, REPO)
            three.tasks.import_file(two.tasks.export_file(REPO, format="taskmaster"), REPO)
            first, second, third = whole(one), whole(two), whole(three)
            if first != second or as_lines != two.tasks.export_file(REPO):
                different.append((path.name, "lines"))
            third = {key: {**task, "raw_data": first[key]["raw_data"]} for key, task in third.items() if key in first}
            if first != third:
                different.append((path.name, "taskmaster"))

    assert [] == different


def test_converting_where_it_stands_makes_nothing_twice(nexus):
    """The keys are the same in both formats, so a repository can change its format."""
    nexus.tasks.import_file(json.dumps({"tasks": [{"id": 1, "title": "A"}]}).encode(), REPO)
    nexus.tasks.create("Made here", repository=REPO)
    as_lines = nexus.tasks.export_file(REPO, format="jsonl")
    report = nexus.tasks.import_file(as_lines, REPO)

    assert (0, 0, 2) == (report.created, report.changed, report.unchanged)
    assert as_lines.decode() == out(nexus)
    assert ["master:1", "master:2"] == [json.loads(line)["external_key"] for line in as_lines.splitlines()]
