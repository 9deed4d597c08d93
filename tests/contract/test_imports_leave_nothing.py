"""A dry run, a refused file and an import that is killed change nothing: the whole database is compared."""

import json
import subprocess
import sys
import time
from pathlib import Path

import attrs
import pytest

from engines import open_hub, rows
from nexus_core.errors import UnreadableFile

REPO = "acme/api"
TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema()",
}


def everything(url):
    """Every row of every table; what an index or a view holds follows from them."""
    tables = [row["name"] for row in rows(url, TABLES[url.partition(":")[0]])]
    return {table: sorted(map(str, rows(url, f'SELECT * FROM "{table}"'))) for table in sorted(tables)}


def file(*tasks):
    return json.dumps({"tasks": list(tasks)}, indent=2).encode()


def one(task_id, **fields):
    return {"id": task_id, "title": "T", "status": "pending", "dependencies": [], **fields}


FIRST = file(one(1), one(2, dependencies=[1]), one(3, dependencies=[2, 4]), one(4, dependencies=[3]))
SECOND = file(one(1, status="done"), one(3, title="New"), one(5, dependencies=[3]), one(6, dependencies=[6, 9]))


def test_a_dry_run_changes_nothing(hub, database_url):
    """Of a new repository, and of one that is known; and it says what the import then does."""
    for content, repository in ((FIRST, REPO), (FIRST, REPO), (SECOND, REPO), (SECOND, "acme/web")):
        before = everything(database_url)
        report = hub.tasks.import_file(content, repository, dry_run=True)

        assert before == everything(database_url)

        done = hub.tasks.import_file(content, repository)

        assert attrs.evolve(done, dry_run=True) == report
        assert before != everything(database_url)


def test_a_dry_run_uses_no_number_up(hub):
    """The first task after it is the next one, also where a database does not give numbers back."""
    first = hub.tasks.create("One")
    hub.tasks.import_file(FIRST, REPO, dry_run=True)

    assert first.id + 1 == hub.tasks.create("Two").id


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"tasks": 1}', b'{"tasks": [{"name": "x"}]}', b"\xff", b"<<<<<<< a\n"]
)
def test_a_refused_file_changes_nothing(hub, database_url, content):
    """Nor is there a repository for it."""
    hub.tasks.import_file(FIRST, REPO)
    before = everything(database_url)
    for repository in (REPO, "acme/new"):
        with pytest.raises(UnreadableFile, match=r"^tasks\.json: line 1, column "):
            hub.tasks.import_file(content, repository)

    assert before == everything(database_url)


def test_a_killed_import_leaves_nothing(database_url, tmp_path):
    """At whatever moment: all of it is there, or nothing, and the next one brings in the rest."""
    content = file(
        *(one(number, subtasks=[one(1)], dependencies=[number - 1][: number - 1]) for number in range(1, 101))
    )
    (tmp_path / "tasks.json").write_bytes(content)
    with open_hub(database_url) as nexus:
        nexus.tasks.import_file(FIRST, "acme/other")
        before = everything(database_url)
        whole = timed(nexus, content)
    outcomes = [
        killed(database_url, tmp_path / "tasks.json", f"acme/r{number}", whole * number / 4) for number in range(4)
    ]
    with open_hub(database_url) as nexus:
        reports = [nexus.tasks.import_file(content, f"acme/r{number}") for number in range(4)]

    assert "nothing" in outcomes
    assert [200 if outcome == "nothing" else 0 for outcome in outcomes] == [report.created for report in reports]
    assert before["tasks"] == [row for row in everything(database_url)["tasks"] if row in before["tasks"]]


def timed(nexus, content):
    """How long an import takes here."""
    start = time.monotonic()
    nexus.tasks.import_file(content, "acme/timed")
    return time.monotonic() - start


def killed(url, path, repository, after):
    """Begin an import, and kill its process after a time: what is there then, all or nothing."""
    before = everything(url)
    command = [sys.executable, str(Path(__file__).parents[1] / "import_process.py"), url, str(path), repository]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert "begins\n" == process.stdout.readline()
        time.sleep(after)
        process.kill()
    with open_hub(url) as nexus:
        # Whoever comes next waits until the database has ended the transaction of the dead.
        nexus.tasks.create("Next", repository="acme/other")
    known = rows(url, f"SELECT id FROM repositories WHERE name = '{repository}'")
    tasks = rows(url, f"SELECT id FROM tasks WHERE repository_id = {known[0]['id']}") if known else []
    if not known:
        now = everything(url)
        for table in ("repositories", "task_dependencies", "task_files", "meta"):
            assert before[table] == now[table]
        assert len(before["tasks"]) + 1 == len(now["tasks"])
        return "nothing"
    assert 200 == len(tasks)
    return "all"
