"""Several processes that start at the same instant on one database, and those that are killed while they set it up."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import ExitStack

import pytest
from hubs import ADMIN_KEY, environment, nexus, running, wait_for_hub

from engines import another_database, open_hub, rows
from nexus_core.storage.statements import migrations
from nexus_plugin_postgres.migrate import history

NUMBER = 8
KILLED = """
import os, signal, sys
from nexus_core.storage import migrate as core
from nexus_plugin_postgres import migrate as plugin
from nexus_cli.main import main
last = sys.argv.pop()
original = core.checksum

def checksum(sql):
    if sql == plugin.history()[last]:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(sql)

core.checksum = plugin.checksum = checksum
main()
"""
"""`nexus migrate`, killed where a migration was applied, has not been noted, and is not committed."""


def commands(number: int, environ: dict[str, str], *arguments: str) -> list[tuple[int, str, str]]:
    """Run a command of the CLI so many times at once; how each ended, and what it printed."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "nexus_cli", *arguments], env=environ, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(number)
    ]  # fmt: skip
    printed = [process.communicate(timeout=100) for process in started]
    return [(process.returncode, *texts) for process, texts in zip(started, printed, strict=True)]


def schema(url: str) -> set[tuple[object, ...]]:
    """Every table with its columns, and every index, as the database tells them."""
    if url.startswith("sqlite"):
        return {tuple(row.values()) for row in rows(url, "SELECT type, name, tbl_name, sql FROM sqlite_master")}
    columns = (
        "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
        " WHERE table_schema = current_schema()"
    )
    indexes = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
    found = [*rows(url, columns), *rows(url, indexes)]
    # The name of the schema stands in what belongs to it, and is each test's own.
    [own] = rows(url, "SELECT current_schema() AS name")
    return {tuple(str(value).replace(own["name"], "") for value in row.values()) for row in found}


@pytest.fixture
def environ(database_url, tmp_path):
    """What commands need to find the database; they migrate when they start, on either engine."""
    return environment(tmp_path, NEXUS_DATABASE_URL=database_url, NEXUS_AUTO_MIGRATE="1")


def test_commands_that_migrate_at_once(database_url, environ):
    """All succeed, and each step is applied once among them."""
    answers = commands(NUMBER, environ, "migrate", "--json")
    applied = [name for _, printed, _ in answers for name in json.loads(printed)["migrations"]]

    assert [0] * NUMBER == [code for code, _, _ in answers], answers
    assert sorted(applied) == sorted(row["name"] for row in rows(database_url, "SELECT name FROM schema_migrations"))
    assert len(applied) == len(set(applied)) >= 1


def test_hubs_and_workers_that_start_at_once(database_url, tmp_path):
    """On an empty database: all come up, the admin key of the configuration is accepted once, a worker works."""
    shared = {"NEXUS_DATABASE_URL": database_url, "NEXUS_AUTO_MIGRATE": "1"}
    with ExitStack() as stack:
        started = []
        for name in ("serve", "serve", "up", "worker"):
            place = tmp_path / f"{len(started)}-{name}"
            place.mkdir()
            started.append((name, place, stack.enter_context(running(environment(place, **shared), place, name))))
        hubs = [
            wait_for_hub(process, place / "data", place / f"{name}.log")
            for name, place, process in started
            if name != "worker"
        ]
        known = [
            nexus({**environment(tmp_path), "NEXUS_URL": hub.url, "NEXUS_TOKEN": ADMIN_KEY}, "whoami") for hub in hubs
        ]
        ended = [process.poll() for _, _, process in started]
    keys = rows(database_url, "SELECT id FROM api_keys WHERE name = 'bootstrap'")

    assert ([0] * 3, [None] * 4) == ([one.returncode for one in known], ended), [
        (place / f"{name}.log").read_text() for name, place, _ in started
    ]
    assert 1 == len(keys)


@pytest.mark.parametrize("place", ["first", "last"])
def test_killed_within_a_migration(database_url, environ, place):
    """What was not committed is not there; the next start finishes the schema, which is as if nothing had been."""
    names = [*(migrations() if database_url.startswith("sqlite") else history())]
    name = names[0 if place == "first" else -1]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, "migrate", name], env=environ, capture_output=True, timeout=60
    )
    left = schema(database_url)
    finished = nexus(environ, "migrate")
    with another_database(database_url) as fresh, open_hub(fresh), open_hub(database_url) as hub:
        hub.tasks.create("It works")
        wanted = schema(fresh)

    assert -signal.SIGKILL == killed.returncode, killed
    assert 0 == finished.returncode, finished.stderr
    assert left != wanted == schema(database_url)
