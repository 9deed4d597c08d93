"""JSON Lines in and out of a hub: byte for byte where nothing changed, and what a line does not name stays."""

import json

import pytest

from nexus_core.errors import Invalid, UnreadableFile
from task_files import REPO, by_key, codes, lines, load, out

# Out again, byte for byte ---------------------------------------------------------------------------------------------

FORMS = {
    "plain": '{"external_key": "a", "title": "A"}\n{"external_key": "b", "title": "B", "dependencies": ["a"]}\n',
    "compact": '{"title":"A","id":1}\n{"title":"B","id":2,"dependencies":[1],"status":"pending"}\n',
    "no end": '{"title":"A"}\n{"title":"B"}',
    "CRLF": '{"title": "A"}\r\n\r\n{"title": "B"}\r\n',
    "odd": '\ufeff  { "x" : [ 1 ,2 ] , "title":"A","status" : "completed" }\t\n\n\n{"title":"\\u0042","id":"q"}\n\n',
    "repeats": '{"id":"a","title":"A"}\n{"id":"a","title":"A"}\n{"id":"a","title":"Other"}\n',
    "dangling": '{"title":"A","dependencies":["nowhere","acme/web#x","NX-99"],"parent":"none"}\n',
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_what_comes_out_unchanged_is_what_came_in(nexus, text):
    """Key order, spacing, line ends, the last line, oddities: to the byte, again and again."""
    nexus.tasks.import_file(text.encode(), REPO)

    assert text == out(nexus)
    assert 0 == nexus.tasks.import_file(text.encode(), REPO).changed
    assert text == out(nexus)


@pytest.mark.parametrize(
    ("edit", "added"),
    [
        ({"title": "É"}, '"title":"É",'),
        ({"labels": ["p", "q"], "complexity_manual": 3}, '"title":"B","labels":["p","q"],"complexity_manual":3,'),
        ({"not_before": "2026-03-01T00:00:00Z"}, '"title":"B","not_before":"2026-03-01T00:00:00.000000Z",'),
        ({"parent_id": 1}, '"title":"B","parent":"a",'),
    ],
)
def test_a_change_changes_its_line_alone(nexus, edit, added):
    """In the line's own style, where Nexus would write the field."""
    first, last = '{"external_key" : "a",  "title":"A"}\r\n', '{"title":"C"}'
    nexus.tasks.import_file((first + '{"external_key":"b","title":"B","x":1}\r\n' + last).encode(), REPO)
    nexus.tasks.edit(by_key(nexus)["b"].id, edit)

    assert first + '{"external_key":"b",' + added + '"x":1}\r\n' + last == out(nexus)
    assert 0 == nexus.tasks.import_file(out(nexus).encode(), REPO).changed


def test_a_move_changes_a_word(nexus):
    """Where there is one; else it is put in."""
    nexus.tasks.import_file(b'{"title": "A", "status": "review"}\n{"title": "B"}\n', REPO)
    nexus.tasks.move(1, "done")
    nexus.tasks.move(2, "done")

    assert '{"title": "A", "status": "done"}\n{"title": "B", "status": "done"}\n' == out(nexus)


def test_a_line_that_was_known_by_its_title_keeps_its_key(nexus):
    """When the title changes, the key is written down; the next import finds the task."""
    load(nexus, '{"title": "Old name"}')
    nexus.tasks.edit(1, {"title": "New name"})
    text = out(nexus)

    assert '{"external_key": "old-name", "title": "New name"}\n' in (text, _sorted(text))
    assert (0, 0) == (load(nexus, text.strip()).created, nexus.tasks.import_file(text.encode(), REPO).changed)


def _sorted(text):
    return json.dumps(dict(sorted(json.loads(text).items()))) + "\n"


def test_dependencies_go_and_come_in_the_list_as_it_is_written(nexus):
    """Elements that stay are as they were, such as numbers and what names nothing."""
    load(
        nexus,
        '{"id": 1, "title": "A"}',
        '{"id": 2, "title": "B"}',
        '{"id": 3, "title": "C", "dependencies": [ 1,"zz" ]}',
    )
    nexus.tasks.undepend(3, 1)
    nexus.tasks.depend(3, 2)

    assert '{"id": 3, "title": "C", "dependencies": ["zz", 2]}' == out(nexus).splitlines()[2]


def test_new_tasks_come_behind_the_last_line(nexus):
    """Under keys made of their titles; how the file ends stays as it is."""
    nexus.tasks.import_file(b'{"title":"A"}\r\n{"title":"B"}', REPO)
    made = nexus.tasks.create("B", repository=REPO, parent_id=1, dependencies=[2], labels=["x"], details="…")
    text = out(nexus)
    new = json.loads(text.split("\r\n")[2])

    assert text.startswith('{"title":"A"}\r\n{"title":"B"}\r\n{')
    assert ("b-2", "a", ["b"], "…") == (new["external_key"], new["parent"], new["dependencies"], new["details"])
    assert "b-2" == nexus.tasks.get(made.id).external_key
    assert (0, 0) == (
        nexus.tasks.import_file(text.encode(), REPO).created,
        len(text.encode()) - len(out(nexus).encode()),
    )


def test_a_cycle_is_reported_and_stays_in_the_file(nexus):
    """The rest comes in; an export does not take for a person's word what the import left out."""
    text = lines(
        {"id": "a", "title": "A", "dependencies": ["b"]},
        {"id": "b", "title": "B", "dependencies": ["a"]},
        {"id": "c", "title": "C", "dependencies": ["a"]},
    )
    first, again = (nexus.tasks.import_file(text, REPO) for _ in range(2))

    assert [{"a", "b"}] == [set(cycle) for cycle in first.cycles] == [set(cycle) for cycle in again.cycles]
    assert (3, text.decode()) == (first.created, out(nexus))


def test_a_broken_line_changes_nothing(nexus):
    """It is named with file, line and column."""
    load(nexus, {"id": "a", "title": "A"})
    with pytest.raises(UnreadableFile, match=r"^work/tasks\.jsonl: line 2, column 11: title must be") as caught:
        nexus.tasks.import_file(b'{"id": "a", "title": "B"}\n{"title": 1}\n', REPO, path="work/tasks.jsonl")

    assert (2, 11) == (caught.value.details["line"], caught.value.details["column"])
    assert ["A"] == [task.title for task in nexus.tasks.list().items]


# What a line does not speak of ----------------------------------------------------------------------------------------


def test_what_a_line_does_not_name_stays_as_it_is(nexus):
    """A script that sets a status need not know the description."""
    load(
        nexus,
        {"id": "a", "title": "A", "description": "d", "labels": ["x"], "dependencies": ["b"]},
        {"id": "b", "title": "B"},
    )
    nexus.tasks.edit(by_key(nexus)["a"].id, {"details": "mine", "complexity_manual": 4})
    load(nexus, {"id": "a", "title": "A", "status": "review"}, {"id": "b", "title": "B"})
    task = by_key(nexus)["a"]

    assert ("review", "d", "mine", ("x",), 4, 1) == (
        task.status, task.description, task.details, task.labels, task.complexity_manual, len(task.dependencies),
    )  # fmt: skip


def test_a_few_lines_beside_the_repositorys_own_file(nexus):
    """They are added or changed; the file is kept as it was, and nothing counts as gone."""
    own = json.dumps({"tasks": [{"id": 1, "title": "A"}, {"id": 2, "title": "B"}]}, indent=1).encode()
    nexus.tasks.import_file(own, REPO, path="tasks.json")
    report = load(
        nexus, {"external_key": "master:1", "title": "A", "status": "done"}, {"title": "New", "parent": "master:2"}
    )
    tasks = by_key(nexus)

    assert (1, 1, ["missing_key"]) == (report.created, report.changed, codes(report))
    assert ("done", tasks["master:2"].id) == (tasks["master:1"].status, tasks["new"].parent_id)
    exported = json.loads(out(nexus))["tasks"]
    assert (["done", "New"], {"nexus": {"external_key": "new"}}) == (
        [exported[0]["status"], exported[1]["subtasks"][0]["title"]], exported[1]["subtasks"][0]["metadata"],
    )  # fmt: skip
    assert 0 == nexus.tasks.import_file(out(nexus).encode(), REPO, path="tasks.json").created


def test_a_shorter_file_of_the_same_name_lost_tasks(nexus):
    """The repository's own file is whole, so what it lacks is gone; standard input beside it is not."""
    load(nexus, {"id": "a", "title": "A"}, {"id": "b", "title": "B"})
    beside = nexus.tasks.import_file(lines({"id": "c", "title": "C"}), REPO)
    shorter = load(nexus, {"id": "a", "title": "A"})

    assert ([], ["gone"]) == (codes(beside), codes(shorter))


# Tasks elsewhere ------------------------------------------------------------------------------------------------------


def test_dependencies_across_repositories_by_every_name(nexus):
    """By `owner/name#key`, whatever its case, by number, and by a key that the file does not have."""
    load(nexus, {"external_key": "cart", "title": "Cart"}, repo="acme/web")
    own = nexus.tasks.create("Own", repository=nexus.repositories.add(REPO).id)
    out(nexus, format="jsonl")  # gives the task its key
    text = lines(
        {"id": "a", "title": "A", "dependencies": ["Acme/Web#cart", f"nx-{own.id}"]},
        {"id": "b", "title": "B", "dependencies": ["own"]},
    )
    nexus.tasks.import_file(text, REPO)
    tasks = by_key(nexus)

    assert ((1, own.id), (own.id,)) == (tasks["a"].dependencies, tasks["b"].dependencies)
    assert text.decode() == "".join(out(nexus).splitlines(keepends=True)[:2])
    nexus.tasks.undepend(tasks["a"].id, 1)
    assert ["nx-2"] == json.loads(out(nexus).splitlines()[0])["dependencies"]


def test_what_is_not_there_yet_is_waited_for(nexus):
    """The dependency comes into being when the other repository is imported, and the task stops being ready."""
    first = load(nexus, {"id": "a", "title": "A", "dependencies": ["acme/web#cart"]})
    before = nexus.tasks.get(1)
    load(nexus, {"external_key": "cart", "title": "Cart"}, repo="acme/web")
    [event] = nexus.events.list(type="task.depended")

    assert (["dangling_dependency"], 0) == (codes(first), before.open_dependencies)
    assert ((2,), 1) == (nexus.tasks.get(1).dependencies, nexus.tasks.get(1).open_dependencies)
    assert (1, 2) == (event.task_id, event.payload["on"])


def test_what_the_file_no_longer_names_is_not_waited_for(nexus):
    """Another import took the name away before the other repository came."""
    load(nexus, {"id": "a", "title": "A", "dependencies": ["acme/web#cart"]})
    load(nexus, {"id": "a", "title": "A", "dependencies": []})
    load(nexus, {"external_key": "cart", "title": "Cart"}, repo="acme/web")

    assert () == nexus.tasks.get(1).dependencies


def test_a_cycle_across_repositories_names_both(nexus):
    """By the keys of the file, and by number and repository elsewhere."""
    load(nexus, {"id": "a", "title": "A", "dependencies": ["acme/web#cart"]})
    report = load(nexus, {"id": "cart", "title": "Cart", "dependencies": ["acme/api#a"]}, repo="acme/web")

    assert 1 == len(report.cycles)
    assert {"cart", "NX-1 (acme/api)"} == set(report.cycles[0])


def test_a_task_does_not_wait_for_itself_or_its_family_by_another_name(nexus):
    """Numbers can name them too."""
    load(nexus, {"id": "a", "title": "A"}, {"id": "b", "title": "B", "parent": "a"})
    report = load(
        nexus, {"id": "a", "title": "A"}, {"id": "b", "title": "B", "parent": "a", "dependencies": ["NX-1", "NX-2"]}
    )

    assert (["self_dependency"] * 2, ()) == (codes(report), nexus.tasks.get(2).dependencies)


# Which format it is ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "how", "wanted"),
    [
        (b'{"title": "A"}\n', {}, "jsonl"),
        (b'{"title": "A"}\n', {"path": "tasks.json"}, "jsonl"),
        (b'{"title": "A"}\n', {"path": "x/Tasks.NDJSON"}, "jsonl"),
        (b"", {"path": "tasks.jsonl"}, "jsonl"),
        (b"", {"media_type": "application/jsonl"}, "jsonl"),
        (b'{"tasks": [{"id": 1, "title": "A"}]}', {"path": "tasks.json"}, "taskmaster"),
        (b'{"tasks": [{"id": 1, "title": "A"}]}', {"media_type": "application/octet-stream"}, "taskmaster"),
        (b'[{"id": 1, "title": "A"}]', {"format": "taskmaster", "path": "tasks.jsonl"}, "taskmaster"),
    ],
)
def test_the_format_is_told_by_media_type_name_or_content(nexus, content, how, wanted):
    """Whichever speaks first; what is asked for counts before all."""
    assert wanted == nexus.tasks.import_file(content, REPO, **how).format


def test_an_unknown_format_names_those_there_are(nexus):
    """In and out."""
    nexus.repositories.add(REPO)
    with pytest.raises(Invalid, match="there are taskmaster, jsonl"):
        nexus.tasks.export_file(REPO, format="xml")


def test_the_file_of_a_push_is_read_by_what_it_is(nexus):
    """A repository that moved to JSON Lines still takes its tasks.json when that is pushed."""
    own = json.dumps({"tasks": [{"id": 1, "title": "A"}]}, indent=2).encode()
    nexus.tasks.import_file(own, REPO, path=".taskmaster/tasks/tasks.json")
    nexus.tasks.import_file(nexus.tasks.export_file(REPO, format="jsonl"), REPO, path="tasks.jsonl")
    again = nexus.tasks.import_file(own.replace(b'"A"', b'"B"'), REPO, path=".taskmaster/tasks/tasks.json")

    assert ("taskmaster", 1, "B") == (again.format, again.changed, nexus.tasks.get(1).title)
