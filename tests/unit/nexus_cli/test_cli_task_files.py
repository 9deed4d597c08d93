"""Task files by command: formats, standard input, and what both sides changed."""

import io
import json
import sys

import pytest

LINES = '{"external_key":"a","title":"A"}\n{"external_key":"b","title":"B","dependencies":["a"]}\n'


@pytest.fixture
def file(tmp_path):
    """A file of JSON Lines; its path."""
    path = tmp_path / "work" / "tasks.jsonl"
    path.write_bytes(LINES.encode())
    return path


@pytest.fixture
def type_in(monkeypatch):
    """What comes on standard input."""

    def put(text):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    return put


def test_lines_come_in_by_their_name_and_go_out_to_the_byte(nexus, file):
    """Without an option."""
    report = nexus("task", "import", "tasks.jsonl", "--repo", "acme/api", "--json").document

    assert ("jsonl", 2) == (report["format"], report["created"])
    assert LINES == nexus("task", "export", "--repo", "acme/api").out


def test_a_script_pipes_its_lines_in(nexus, type_in):
    """`-` is standard input; the content tells the format."""
    type_in('{"title": "Made by a script", "labels": ["nightly"]}\n')
    ran = nexus("task", "import", "-", "--repo", "acme/api")

    assert "acme/api: imported 1 tasks (1 new, 0 changed, 0 as before), 0 dependencies" in ran.out
    assert ["nightly"] == nexus("task", "show", "1", "--json").document["labels"]


def test_what_the_list_prints_can_be_imported(nexus, file, type_in):
    """The API's own tasks, one a line, into another repository."""
    nexus("task", "import", "tasks.jsonl", "--repo", "acme/api")
    items = nexus("task", "list", "--json", "--all").document["items"]
    type_in("".join(json.dumps(task) + "\n" for task in items))
    report = nexus("task", "import", "-", "--repo", "acme/copy", "--json").document

    assert (2, 1, []) == (report["created"], report["dependencies"], report["warnings"])


def test_the_format_can_be_named(nexus, file, tmp_path):
    """When neither name nor content would tell it; and on the way out."""
    empty = tmp_path / "nothing.txt"
    empty.write_text("")
    named = nexus("task", "import", str(empty), "--repo", "acme/none", "--format", "jsonl", "--json").document
    nexus("task", "import", "tasks.jsonl", "--repo", "acme/api")
    taskmaster = json.loads(nexus("task", "export", "--repo", "acme/api", "--format", "taskmaster").out)

    assert ("jsonl", 0) == (named["format"], named["tasks"])
    assert ["A", "B"] == [task["title"] for task in taskmaster["master"]["tasks"]]


def test_a_broken_line_is_one_line_with_its_place_and_2(nexus, file):
    """File, line, column, reason."""
    file.write_text('{"title": "A"}\n{"title": "B", "status": "opne"}\n')
    ran = nexus("task", "import", "tasks.jsonl", "--repo", "acme/api")

    assert 2 == ran.code
    assert "tasks.jsonl: line 2, column 26: there is no status “opne”; there are pending" in ran.err


def test_a_conflict_is_told_with_both_values(nexus, file):
    """Which was taken, which was not, and where they stand in full."""
    nexus("task", "import", "tasks.jsonl", "--repo", "acme/api")
    nexus("task", "edit", "1", "--title", "Mine")
    file.write_text(LINES.replace('"A"', '"Theirs"'))
    out = nexus("task", "import", "tasks.jsonl", "--repo", "acme/api").out
    told = nexus("events", "--type", "task.conflicted", "--json").document["items"][0]["payload"]["conflicts"]

    assert (
        "NX-1 title: changed in the file and in Nexus; the file's was taken\n    taken Theirs\n    not taken Mine\n"
        in out
    )
    assert [("A", "Theirs", "Mine")] == [(one["base"], one["file"], one["nexus"]) for one in told]


def test_a_dry_run_tells_conflicts_too(nexus, file):
    """And changes nothing."""
    nexus("task", "import", "tasks.jsonl", "--repo", "acme/api")
    nexus("task", "edit", "1", "--title", "Mine")
    file.write_text(LINES.replace('"A"', '"Theirs"'))
    report = nexus("task", "import", "tasks.jsonl", "--repo", "acme/api", "--dry-run", "--json").document

    assert (True, "Mine") == (report["dry_run"], report["conflicts"][0]["nexus"])
    assert "Mine" == nexus("task", "show", "1", "--json").document["title"]
