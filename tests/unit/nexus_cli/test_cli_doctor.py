"""`nexus task doctor`, on a real store in this process."""

import json
import subprocess
from pathlib import Path

import pytest

TASKS = [
    {"id": 1, "title": "First", "status": "done", "subtasks": [{"id": 1, "title": "Part", "parentId": "undefined"}]},
    {"id": 2, "title": "Second", "dependencies": [2, 99]},
]


def write(path, *tasks):
    """A task file with every field that Taskmaster writes."""
    plain = {"description": "", "details": "", "status": "pending", "dependencies": []}
    whole = {"testStrategy": "", "priority": "medium", "subtasks": []}
    done = [
        {**plain, **whole, **task, "subtasks": [{**plain, **one} for one in task.get("subtasks", ())]} for task in tasks
    ]
    path.write_text(json.dumps({"tasks": done}, indent=2))
    return str(path)


@pytest.fixture
def imported(nexus, tmp_path):
    """The tasks of acme/api, in which things are wrong. The path of their file."""
    path = write(tmp_path / "tasks.json", *TASKS)
    assert 0 == nexus("task", "import", path, "--repo", "acme/api", "--path", "tasks/tasks.json").code
    return path


def line_of(path, text):
    """The line of a file in which a text stands."""
    return next(number for number, line in enumerate(Path(path).read_text().splitlines(), 1) if text in line)


def test_what_is_wrong_is_told_with_its_place_and_its_mend(nexus, imported):
    """The gravest first; the command is the one to type; a note is a line, with its mend."""
    ran = nexus("task", "doctor", "--repo", "acme/api")
    lines = [line.strip() for line in ran.out.splitlines()]

    assert (0, "") == (ran.code, ran.err)
    assert "acme/api: 3 warnings, 1 note in tasks/tasks.json" == lines[0]
    assert "warning  dangling_dependency: a dependency names a task that does not exist" in lines
    assert f"at NX-3 (master:2), line {line_of(imported, '99')}: there is no task 99" in lines
    doctor = "mend: nexus task doctor --repo acme/api --fix --only"
    assert f"{doctor} done_with_open_subtasks:complete  completes the open subtasks that nobody holds" in lines
    assert f"{doctor} undefined_parent  writes the parent's id into the file" == lines[-1]


def test_only_one_check_is_told_in_full(nexus, imported):
    """Its cases too when it is a note, and the commands for each case."""
    note = nexus("task", "doctor", "--repo", "acme/api", "--only", "undefined_parent").out
    both = nexus("task", "doctor", "--repo", "acme/api", "--only", "done_with_open_subtasks:complete").out

    assert "at NX-2 (master:1.1), line " in note and "dangling" not in note
    assert "nexus task status NX-2 done" in both


def test_nothing_wrong_is_said_in_a_line(nexus, tmp_path):
    """And an empty hub has nothing wrong."""
    empty = nexus("task", "doctor")
    nexus("task", "import", write(tmp_path / "t.json", {"id": 1, "title": "A"}), "--repo", "acme/api")

    assert (0, "Nothing is wrong.\n") == (empty.code, empty.out)
    assert (0, "Nothing is wrong.\n") == nexus("task", "doctor", "--repo", "acme/api", "--strict")[:2]


def test_the_mend_that_is_offered_mends(nexus, imported, tmp_path):
    """Typed as it is shown; then an export has it, and the doctor is silent about it."""
    found = nexus("task", "doctor", "--repo", "acme/api", "--json").document["items"]
    for finding in found:
        command = finding["mends"][0]["command"].split()
        assert 0 == nexus(*command[1:]).code
    nexus("task", "export", "--repo", "acme/api", "--output", str(tmp_path / "out.json"))

    first = {**TASKS[0], "subtasks": [{**TASKS[0]["subtasks"][0], "parentId": "1", "status": "done"}]}
    expected = write(tmp_path / "expected.json", first, {**TASKS[1], "dependencies": []})
    assert "Nothing is wrong.\n" == nexus("task", "doctor", "--repo", "acme/api").out
    assert (tmp_path / "expected.json").read_text() == (tmp_path / "out.json").read_text(), expected


def test_a_fix_without_names_leaves_decisions_to_people(nexus, imported):
    """It says what it did, how it gets into the repository, and what remains."""
    out = nexus("task", "doctor", "--repo", "acme/api", "--fix").out

    assert "mended self_dependency: 1× takes them out of the file\n    master:2 dependencies: 2 → taken out" in out
    assert "nexus task export --repo acme/api --output tasks/tasks.json" in out
    assert "acme/api: 2 warnings" in out


def test_a_dry_run_changes_nothing(nexus, imported):
    """It says what would be done."""
    before = nexus("task", "doctor", "--repo", "acme/api").out
    dry = nexus("task", "doctor", "--repo", "acme/api", "--fix", "--dry-run").out

    assert "would mend self_dependency" in dry and "task export" not in dry
    assert before == nexus("task", "doctor", "--repo", "acme/api").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--only", "nonsense"), "there is no check “nonsense”"),
        (("--fix", "--only", "done_with_open_subtasks"), "choose done_with_open_subtasks:complete"),
        (("--fix", "--only", "done_before_dependency"), "mended by a person"),
        (("--dry-run",), "--dry-run goes with --fix"),
    ],
)
def test_what_is_not_clear_is_bad_usage(nexus, imported, arguments, said):
    """2, with what could be meant."""
    ran = nexus("task", "doctor", "--repo", "acme/api", *arguments)

    assert 2 == ran.code and said in ran.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 0),
        (("--strict",), 1),
        (("--strict", "--only", "undefined_parent"), 0),
        (("--strict", "--fix"), 1),
        (("--strict", "--json"), 1),
        (("--strict", "--fix", "--only", "done_with_open_subtasks:complete", "--only", "dangling_dependency",
          "--only", "self_dependency"), 0),
    ],
)  # fmt: skip
def test_the_exit_code_is_0_whatever_is_found_unless_it_is_asked_for(nexus, imported, arguments, code):
    """With --strict 1 while errors or warnings remain; notes never count."""
    assert code == nexus("task", "doctor", "--repo", "acme/api", *arguments).code


def test_an_unknown_repository_is_not_found(nexus, imported):
    """3, to look and to mend."""
    assert 3 == nexus("task", "doctor", "--repo", "acme/web").code
    assert 3 == nexus("task", "doctor", "--repo", "acme/web", "--fix").code


def test_without_a_repository_all_are_looked_at_and_mended(nexus, imported, tmp_path):
    """Also the tasks that are in none; one document with --json."""
    nexus("task", "import", imported, "--repo", "acme/web")
    nexus("task", "add", "Alone")
    nexus("task", "status", "NX-7", "in-progress")
    found = nexus("task", "doctor", "--json").document
    shown = nexus("task", "doctor").out
    report = nexus("task", "doctor", "--fix", "--json").document
    again = nexus("task", "doctor", "--fix").out

    assert {"acme/api", "acme/web", None} == {(one["repository"] or {}).get("name") for one in found["items"]}
    assert found["next_cursor"] is None
    assert all(name in shown for name in ("acme/api: ", "acme/web: ", "tasks of no repository: 1 note"))
    assert [("acme/api", 2), ("acme/web", 2)] == [(one["repository"], len(one["mended"])) for one in report["items"]]
    assert "Nothing to mend.\n" == again


def test_a_checkout_of_github_says_which_repository(nexus, imported, tmp_path, monkeypatch):
    """As for the other commands; `all` and `none` are said on purpose."""
    nexus("task", "import", imported, "--repo", "acme/web")
    subprocess.run(["git", "init", "-q", "checkout"], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path / "checkout")
    subprocess.run(["git", "remote", "add", "origin", "git@github.com:acme/web.git"], check=True)

    def repositories(*arguments):
        found = nexus("task", "doctor", "--json", *arguments).document["items"]
        return {(one["repository"] or {}).get("name") for one in found}

    assert [{"acme/web"}, {"acme/api", "acme/web"}, set()] == [
        repositories(), repositories("--repo", "all"), repositories("--repo", "none"),
    ]  # fmt: skip
    assert "acme/web" == nexus("task", "doctor", "--fix", "--json").document["repository"]


def test_text_from_a_file_cannot_steer_the_terminal(nexus, tmp_path):
    """Statuses and ids come from anybody."""
    path = write(tmp_path / "t.json", {"id": 1, "title": "A", "status": "\x1b[31mred", "dependencies": ["\x1b[2J"]})
    nexus("task", "import", path, "--repo", "acme/api")
    out = nexus("task", "doctor", "--repo", "acme/api").out + nexus("task", "doctor", "--fix", "--only",
        "unknown_status", "--only", "dangling_dependency", "--repo", "acme/api").out  # fmt: skip

    assert "\x1b" not in out and "unknown_status" in out
