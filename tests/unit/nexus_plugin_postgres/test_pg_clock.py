"""The database's clock: right to a few milliseconds, asked seldom, and heeded by hosts whose own clock is wrong."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from nexus_core.clock import SystemClock
from nexus_core.errors import Unavailable
from nexus_core.testing import FrozenClock, nexus_for_test
from nexus_plugin_postgres import clock as clock_module
from nexus_plugin_postgres import hooks
from nexus_plugin_postgres.clock import DatabaseClock
from nexus_plugin_postgres.engine import PostgresEngine

HOUR = timedelta(hours=1)


class Database:
    """Tells the time, however often it is asked; may be down."""

    def __init__(self, ahead: timedelta = HOUR) -> None:
        self.ahead, self.asked, self.down = ahead, 0, False

    def __call__(self) -> datetime:
        self.asked += 1
        if self.down:
            raise Unavailable("the database is down")
        return datetime.now(UTC) + self.ahead


def off(clock: DatabaseClock) -> float:
    """Seconds by which a clock is ahead of this host's."""
    return (clock.now() - datetime.now(UTC)).total_seconds()


def test_it_tells_the_databases_time_and_asks_seldom(monkeypatch):
    """Once for the first answer, and again when what it knows is old."""
    database = Database()
    clock = DatabaseClock(database)
    answers = [off(clock) for _ in range(100)]
    database.ahead = -HOUR
    monkeypatch.setattr(clock_module, "GOOD_FOR", 0.0)

    assert all(abs(seconds - 3600) < 0.1 for seconds in answers) and 1 == database.asked
    assert abs(off(clock) + 3600) < 0.1


def test_it_goes_on_while_the_database_is_down(monkeypatch):
    """By what it knew; but it must have known something."""
    database = Database()
    clock = DatabaseClock(database)
    clock.now()
    database.down = True
    monkeypatch.setattr(clock_module, "GOOD_FOR", 0.0)

    assert abs(off(clock) - 3600) < 0.1
    with pytest.raises(Unavailable):
        DatabaseClock(database).now()


def test_threads_that_ask_first_ask_once():
    """All wait for the one answer."""
    database, gate, found = Database(), threading.Barrier(8), []
    clock = DatabaseClock(database)
    threads = [threading.Thread(target=lambda: (gate.wait(5), found.append(off(clock)))) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join(5) for thread in threads]

    assert (1, 8) == (database.asked, len([seconds for seconds in found if abs(seconds - 3600) < 1]))


@pytest.mark.services
def test_it_is_the_clock_of_the_server(postgres_url):
    """And within a transaction it takes no second connection, of which there may be none."""
    engine = PostgresEngine(f"{postgres_url}&pool_max_size=1")
    with psycopg.connect(postgres_url, autocommit=True) as connection, engine.writing():
        before = connection.execute("SELECT clock_timestamp()").fetchone()[0]
        between = engine.clock.now()
        after = connection.execute("SELECT clock_timestamp()").fetchone()[0]
    engine.close()

    assert before - timedelta(milliseconds=20) <= between <= after + timedelta(milliseconds=20)


@pytest.mark.services
@pytest.mark.parametrize("wrong", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_a_host_with_a_wrong_clock_neither_takes_nor_keeps(postgres_url, monkeypatch, wrong):
    """What others hold stays theirs, and what it gives out lasts as long as it says."""
    with nexus_for_test(hooks, database_url=postgres_url) as right:
        right.tasks.create("One")
        held = right.assignments.claim(agent="ada")
        right.tasks.create("Two")
        monkeypatch.setattr(SystemClock, "now", lambda self: datetime.now(UTC) + wrong)
        with nexus_for_test(hooks, database_url=postgres_url) as astray:
            taken = astray.assignments.reclaim_lost()
            given = astray.assignments.claim(agent="bob")
        lost = right.assignments.reclaim_lost()
        right.assignments.heartbeat(held.id, held.fence)

    assert ([], []) == (taken, lost)
    assert abs((given.lease_until - given.assigned_at) - (held.lease_until - held.assigned_at)) < timedelta(seconds=1)
    assert abs(given.assigned_at - held.assigned_at) < timedelta(minutes=1)


@pytest.mark.services
def test_a_clock_that_is_given_counts(postgres_url):
    """Tests hold the time still on PostgreSQL too."""
    clock = FrozenClock()
    with nexus_for_test(hooks, database_url=postgres_url, clock=clock) as nexus:
        assert clock.now() == nexus.tasks.create("One").created_at
