"""The commands for tasks, on a real store in this process."""

import json

import pytest

FILE = {
    "tasks": [
        {"id": 1, "title": "First", "description": "d", "status": "done", "priority": "high", "dependencies": []},
        {"id": 2, "title": "Second", "description": "d", "status": "pending", "priority": "high", "dependencies": [1]},
        {
            "id": 3,
            "title": "Third",
            "description": "d",
            "status": "pending",
            "priority": "low",
            "dependencies": [2, 99],
        },
    ]
}


@pytest.fixture
def imported(nexus, tmp_path):
    """Three tasks of acme/api: done, ready, waiting. The path of their file."""
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps(FILE, indent=2))
    assert 0 == nexus("task", "import", str(file), "--repo", "acme/api").code
    return file


def test_next_names_the_task_and_its_reasons(nexus, imported):
    """What is done cannot be next, nor what waits."""
    found = nexus("task", "next", "--json").document

    assert "Second" == found["task"]["title"]
    assert "high priority" in found["reasons"]


def test_next_with_nothing_ready_is_no_failure(nexus):
    """An agent that asks too early is told so in the document."""
    ran = nexus("task", "next", "--json")

    assert (0, None) == (ran.code, ran.document["task"])


def test_an_import_reports_each_kind_of_warning_with_its_places(nexus, tmp_path):
    """The dangling dependency is named where it stands."""
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps(FILE, indent=2))
    ran = nexus("task", "import", str(file), "--repo", "acme/api", "--dry-run")

    assert "acme/api: would import 3 tasks (3 new, 0 changed, 0 as before), 2 dependencies" in ran.out
    assert "there is no task 99\n    at master / task 3 / dependencies[1]" in ran.out
    assert "task doctor" not in ran.out


def test_an_import_with_warnings_says_who_mends_them(nexus, tmp_path):
    """The doctor knows how; it is not named where there is nothing to mend."""
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps(FILE))
    ran = nexus("task", "import", str(file), "--repo", "acme/api")
    file.write_text(json.dumps({"tasks": FILE["tasks"][:2]}))
    sound = nexus("task", "import", str(file), "--repo", "acme/web")

    assert ran.out.endswith("How to mend them: nexus task doctor --repo acme/api\n")
    assert "task doctor" not in sound.out


def test_an_import_tells_each_cycle_and_a_handful_of_the_rest(nexus, tmp_path):
    """With the place of each message; what is one kind and says the same is told once."""
    tasks = [{"id": n, "title": "T", "dependencies": [(n - 1 ^ 1) + 1, n + 90, "x"]} for n in range(1, 13)]
    file = tmp_path / "tasks.json"
    file.write_text(json.dumps({"tasks": tasks}))
    out = nexus("task", "import", str(file), "--repo", "acme/api").out

    assert 6 == out.count("a cycle: ") and "a cycle: master:12 → master:11 → master:12\n    at master:11\n" in out
    assert "12× there is no task x\n    at master / task 1 / dependencies[2], line 1; " in out
    assert "there is no task 93\n    at master / task 3 / dependencies[1], line 1\n" in out
    assert "9× more of the kind dangling_dependency (--json shows them)\n" in out


def test_an_export_is_the_file_to_the_byte(nexus, imported):
    """Nothing changed, so nothing differs, not even the end of the file."""
    nexus_out = nexus("task", "export", "--repo", "acme/api").out

    assert imported.read_text() == nexus_out


def test_an_export_into_a_file_leaves_nothing_beside_it(nexus, imported, tmp_path):
    """It is written whole, and standard output stays empty."""
    (tmp_path / "out").mkdir()
    ran = nexus("task", "export", "--repo", "acme/api", "--output", str(tmp_path / "out" / "tasks.json"))

    assert ["tasks.json"] == [file.name for file in (tmp_path / "out").iterdir()]
    assert (imported.read_text(), "") == ((tmp_path / "out" / "tasks.json").read_text(), ran.out)


@pytest.mark.parametrize("name", ["gone.json", "."])
def test_a_file_that_cannot_be_read_is_one_line_and_2(nexus, name):
    """The line names the file."""
    ran = nexus("task", "import", name, "--repo", "acme/api")

    assert 2 == ran.code
    assert ran.err.startswith(f"nexus: {name}: cannot be read: ") and ran.err.count("\n") == 1


def test_a_file_that_is_no_task_file_is_2(nexus, tmp_path):
    """Its place in the file is named, and nothing was made."""
    file = tmp_path / "tasks.json"
    file.write_text('{"tasks": [')

    assert 2 == nexus("task", "import", str(file), "--repo", "acme/api").code
    assert [] == nexus("task", "list", "--json").document["items"]


def test_a_task_is_named_by_number_or_key(nexus, imported):
    """3, NX-3 and nx-3 are one task."""
    titles = {nexus("task", "show", name, "--json").document["title"] for name in ("3", "NX-3", "nx-3")}

    assert {"Third"} == titles


@pytest.mark.parametrize("name", ["x", "NX-", "1/2", "../3", "3?x=1", ""])
def test_what_names_no_task_is_bad_usage(nexus, name):
    """It never becomes part of an address."""
    assert 2 == nexus("task", "show", name).code


def test_a_task_that_is_not_there_is_3(nexus):
    """One line."""
    ran = nexus("task", "show", "NX-7")

    assert (3, "nexus: there is no task 7\n") == (ran.code, ran.err.replace("NX-", ""))


def test_a_cycle_is_4_and_named(nexus, imported):
    """The path of the cycle stands in the line and in the document."""
    ran = nexus("task", "depend", "2", "3", "--json")

    assert (4, "cycle") == (ran.code, ran.document["code"])
    assert "NX-2" in ran.err and "NX-3" in ran.err


def test_a_dependency_comes_and_goes(nexus, imported):
    """Removing the last open one makes the task ready."""
    nexus("task", "add", "Fourth", "--repo", "acme/api", "--depends-on", "NX-2")

    assert not nexus("task", "show", "4", "--json").document["ready"]
    assert nexus("task", "depend", "4", "2", "--remove", "--json").document["ready"]


def test_a_move_keeps_its_reason(nexus, imported):
    """The story tells it."""
    nexus("task", "status", "NX-2", "done", "--reason", "Shown to work")

    assert "moved NX-2 from pending to done\t(Shown to work)" in nexus("events").out


def test_an_edit_of_an_old_version_is_4(nexus, imported):
    """The version that was read must still be the task's."""
    nexus("task", "edit", "2", "--title", "Second, better")
    ran = nexus("task", "edit", "2", "--title", "Second, worse", "--version", "1")

    assert 4 == ran.code
    assert "Second, better" == nexus("task", "show", "2", "--json").document["title"]


def test_an_edit_of_nothing_is_bad_usage(nexus, imported):
    """It says what to give."""
    assert 2 == nexus("task", "edit", "2").code


def test_why_goes_down_to_what_can_be_done_now(nexus, imported):
    """The blocker stands below the condition, and is itself ready."""
    lines = nexus("task", "why", "NX-3").out.splitlines()

    assert ["NX-3  pending  Third", "└─ it waits for 1 task", "   └─ NX-2  ready  Second"] == lines


def test_all_pages_are_one_document(nexus, imported):
    """--all follows the cursors."""
    first = nexus("task", "list", "--limit", "2", "--json").document
    every = nexus("task", "list", "--limit", "2", "--all", "--json").document

    assert (2, True) == (len(first["items"]), first["next_cursor"] is not None)
    assert ([1, 2, 3], None) == ([task["id"] for task in every["items"]], every["next_cursor"])


def test_filters_reach_the_api(nexus, imported):
    """Several of a status, words, ready or not."""
    done = nexus("task", "list", "--status", "done", "--status", "review", "--json").document["items"]
    waiting = nexus("task", "list", "--status", "pending", "--not-ready", "--search", "Third", "--json").document[
        "items"
    ]

    assert ([1], [3]) == ([task["id"] for task in done], [task["id"] for task in waiting])


def test_ready_is_in_the_order_of_work(nexus, imported):
    """The first line is what `next` names."""
    nexus("task", "add", "Urgent", "--repo", "acme/api", "--priority", "critical")

    assert ["NX-4", "NX-2"] == [line.split("\t")[0] for line in nexus("task", "ready").out.splitlines()]


def test_the_graph_is_told_and_drawn(nexus, imported, tmp_path):
    """As words, as Mermaid on standard output, as SVG in a file."""
    told = nexus("task", "graph").out
    drawn = nexus("task", "graph", "--mermaid").out
    nexus("task", "graph", "--svg", str(tmp_path / "graph.svg"))

    assert told.startswith("Longest chain of open tasks: NX-2 → NX-3")
    assert drawn.startswith("flowchart") and "<svg" in (tmp_path / "graph.svg").read_text()


def test_a_claim_is_for_one_alone(nexus, imported):
    """The second agent finds nothing; a claim of what waits is refused with 4."""
    first = nexus("task", "claim", "--agent", "a", "--json").document
    second = nexus("task", "claim", "--agent", "b", "--json")

    assert ("Second", "a") == (first["task"]["title"], first["agent"])
    assert (0, None) == (second.code, second.document)
    assert 4 == nexus("task", "claim", "NX-3", "--agent", "b").code
