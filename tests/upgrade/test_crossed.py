"""This revision and the previous one on one database: old code on the new schema, new code on old data, and both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from crowd import judge, perform
from hubs import environment, nexus

from engines import execute, open_hub, rows
from model import check
from nexus_core.storage.migrate import checksum, expands
from nexus_core.storage.statements import for_postgres, migrations
from nexus_core.testing import nexus_for_test
from nexus_plugin_postgres.migrate import history

HERE = Path(__file__).parent
NAMES = (
    "import json; from nexus_core import __version__; from nexus_plugin_postgres.migrate import history;"
    " print(json.dumps([__version__, *history()]))"
)


def run(python: str, *arguments: object, **environ: str) -> str:
    """What a program of the previous revision prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NEXUS_", "XDG_", "PYTHON"))}
    done = subprocess.run(
        [python, *map(str, arguments)], env={**kept, **environ}, cwd=HERE, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def crossed(previous):
    """The previous Python, when its code is to work on our schema; a contraction lies between two release lines."""
    version, *known = json.loads(run(previous, "-c", NAMES))
    contractions = [name for name in history() if name not in known and not expands(name)]
    if contractions:
        from nexus_core import __version__

        lines = [".".join(one.split(".")[:2]) for one in (version, __version__)]
        assert lines[0] != lines[1], f"{contractions} came into the release line {lines[1]}"
        pytest.skip(f"{contractions} ended the release line {lines[0]}")
    return previous


@pytest.fixture
def schema(tmp_path):
    """Our migrations as each engine takes them."""
    plain = [(name, sql, checksum(sql)) for name, sql in migrations().items()]
    postgres = [(name, for_postgres(sql), checksum(sql)) for name, sql in history().items()]
    file = tmp_path / "schema.json"
    file.write_text(json.dumps({"sqlite": plain, "postgresql": postgres}))
    return file


@pytest.mark.services
@pytest.mark.timeout(400)
def test_the_previous_contract_holds_on_this_schema(crossed, schema, postgres_server, tmp_path):
    """Every case that the previous revision had, with its code, on both engines."""
    pytest_of_old = ("-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", f"--rootdir={tmp_path}")
    printed = run(
        crossed, *pytest_of_old, "-c", "/dev/null", f"--basetemp={tmp_path / 'old'}", HERE / "old_contract.py",
        NEXUS_TEST_SCHEMA=str(schema), NEXUS_TEST_POSTGRES_URL=postgres_server,
    )  # fmt: skip
    [passed] = [int(line.split()[0]) for line in printed.splitlines() if " passed" in line]

    assert passed > 200, printed


def test_what_the_previous_revision_wrote_is_all_there(previous, database_url, tmp_path):
    """Tasks, work, keys, events, jobs and files are as they were, and go on from there."""
    before = json.loads(run(previous, HERE / "old_work.py", database_url, tmp_path / "data"))
    migrated = nexus(environment(tmp_path, NEXUS_DATABASE_URL=database_url), "migrate")
    assert 0 == migrated.returncode, migrated.stderr
    with nexus_for_test(database_url=database_url, load_plugins=True) as hub:
        tasks = hub.tasks.list().items
        after = {
            "tasks": {str(task.id): [task.title, task.status, list(task.dependencies), task.version] for task in tasks},
            "ready": [task.id for task in hub.tasks.ready()],
            "events": [event.id for event in hub.events.list(limit=200)],
            "export": hub.tasks.export_file("acme/api").decode(),
            "jobs": [[job.kind, job.state] for job in hub.jobs.list(limit=200)],
            "users": [user.username for user in hub.users.list()],
        }
        assert {name: before[name] for name in after} == after
        go_on(hub, before)
        check(hub, database_url)
    assert [1] == [row["number"] for row in rows(database_url, "SELECT count(*) AS number FROM deliveries")]


def go_on(hub, before):
    """The holder of before goes on, and what waited for it follows."""
    assignment, task, fence = before["held"]
    actor = hub.keys.authenticate(before["secret"])
    hub.inbox.answer(before["question"], "that", actor=actor)
    hub.assignments.heartbeat(assignment, fence, actor=actor)
    hub.assignments.complete(assignment, fence, summary="finished by the next revision", actor=actor)
    hub.tasks.move(task, "done", actor=actor)
    hub.jobs.drain()
    new = [event.type for event in hub.events.list(after=before["events"][-1], limit=200)]

    assert Counter({"inbox.answered": 1, "assignment.completed": 1, "task.completed": 1}) <= Counter(new)


@pytest.mark.timeout(200)
def test_both_revisions_serve_one_database_at_once(crossed, database_url, tmp_path):
    """A hundred agents ask one and the other in turn, while processes of both are killed and start again."""
    story = perform(database_url, tmp_path, 300, seed=300, pythons=[sys.executable, crossed])

    judge(story, database_url)


def test_the_previous_revision_refuses_a_contraction(previous, database_url, tmp_path):
    """It leaves alone what it cannot work with, and says so."""
    environ = environment(tmp_path, NEXUS_DATABASE_URL=database_url, NEXUS_AUTO_MIGRATE="1")
    with open_hub(database_url):
        pass  # it is set up
    execute(database_url, "INSERT INTO schema_migrations (name, checksum) VALUES ('9999_contract_all.sql', 'x')")
    refused = subprocess.run([previous, "-m", "nexus_cli", "task", "list"], env=environ, capture_output=True, text=True)

    assert refused.returncode != 0
    assert "9999_contract_all.sql" in refused.stderr
