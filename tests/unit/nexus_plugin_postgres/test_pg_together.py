"""Statements that are sent together: what nobody waits for goes with what follows, nothing lost, nothing done twice."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from nexus_core.errors import Duplicate, Invalid, NexusError, StaleWrite, Unavailable
from nexus_plugin_postgres import engine as engine_module
from nexus_plugin_postgres.engine import PostgresEngine
from nexus_plugin_postgres.statement import Statements

pytestmark = pytest.mark.services

NOW = "2026-01-31T12:00:00.000000Z"


@pytest.fixture
def engine(postgres_url):
    engine = PostgresEngine(f"{postgres_url}&pool_max_size=1")
    engine.migrate()
    with engine.writing() as session:
        session.run("set_meta", name="n", value="1")
    yield engine
    engine.close()


@pytest.fixture
def trips(monkeypatch):
    """How many statements each round trip had, of those that were sent together."""
    found = []
    exchanged = Statements._exchanged

    def noted(self, sent):
        found.append(len(sent))
        return exchanged(self, sent)

    monkeypatch.setattr(Statements, "_exchanged", noted)
    return found


def _meta(engine, name="n"):
    with engine.reading() as session:
        row = session.one("get_meta", name=name)
    return row and row["value"]


def _repository(name):
    return {
        "name": name, "url": "", "default_branch": "main", "external_id": None, "now": NOW,
    }  # fmt: skip


def _event(number):
    return {
        "type": f"n.{number}", "payload": "{}", "now": NOW, "actor_kind": "system", "actor_name": "x",
        "actor_id": None, "task_id": None, "repository_id": None, "assignment_id": None, "delivery": None,
        "key_id": None, "address": None, "request_id": None,
    }  # fmt: skip


def test_a_transaction_that_only_writes_is_one_trip(engine, trips):
    """BEGIN and its setting, two writes, COMMIT."""
    with engine.writing() as session:
        session.later("set_meta", name="a", value="2")
        session.later("set_meta", name="b", value="3")

    assert [5] == trips
    assert ("2", "3") == (_meta(engine, "a"), _meta(engine, "b"))


def test_what_is_read_sees_what_was_written_before(engine, trips):
    """The writes go with the read, in their order; what follows it goes with the COMMIT."""
    with engine.writing() as session:
        session.later("set_meta", name="n", value="2")
        assert {"value": "2"} == session.one("get_meta", name="n")
        session.later("set_meta", name="n", value="3")

    assert [4, 2] == trips
    assert "3" == _meta(engine)


def test_nothing_is_sent_for_nothing(engine, trips):
    """A transaction in which nothing was done never begins."""
    with engine.writing():
        pass

    assert [] == trips


def test_what_was_not_sent_is_forgotten(engine, trips):
    """An exception before anything was sent leaves nothing to take back."""
    with pytest.raises(ZeroDivisionError), engine.writing() as session:
        session.later("set_meta", name="n", value="2")
        raise ZeroDivisionError

    assert [] == trips
    assert "1" == _meta(engine)


@pytest.mark.parametrize("after", ["nothing", "a read", "a write"])
def test_a_failure_shows_before_the_commit(engine, after):
    """As the same error, and with nothing of the transaction left."""
    with pytest.raises((Invalid, NexusError)) as caught, engine.writing() as session:
        session.later("set_meta", name="n", value="2")
        session.later("touch_key", id=1, now="no time at all")
        if after == "a read":
            session.one("get_meta", name="n")
        elif after == "a write":
            session.later("set_meta", name="n", value="3")

    assert caught.type is Invalid
    assert "1" == _meta(engine)


def test_who_goes_on_after_a_failure_cannot_commit(engine):
    """Also where the failure was one of those that were sent together."""
    with pytest.raises(NexusError, match="cannot be committed"), engine.writing() as session:
        session.later("touch_key", id=1, now="no time at all")
        with pytest.raises(psycopg.DataError):
            session.one("get_meta", name="n")

    assert "1" == _meta(engine)


def test_a_write_that_must_change_something_is_refused_when_it_does_not(engine):
    """It keeps the COMMIT from being sent with it."""
    with pytest.raises(StaleWrite, match="gone"), engine.writing() as session:
        session.later("set_meta", name="n", value="2")
        session.later("touch_key", StaleWrite("gone"), id=4711, now=NOW)

    assert "1" == _meta(engine)


def test_ids_are_known_when_somebody_looks(engine, trips):
    """Within the transaction, and after it; in the order of the rows, over several statements."""
    with engine.writing() as session:
        seen = session.insert("insert_event", [_event(number) for number in range(60)])
        assert (60, []) == (len(seen), trips)
        first = seen[0]
        assert [4] == trips  # BEGIN, its setting, fifty rows, ten rows
        later = session.insert("insert_event", [_event(number) for number in range(2)])

    assert [*range(first, first + 62)] == [*seen, *later]
    assert seen[:2] == [first, first + 1]


def test_a_duplicate_is_told_of_at_the_commit(engine):
    """The same error as that of a statement that was waited for."""
    with engine.writing() as session:
        session.run("insert_repository", **_repository("acme/a"))
    with pytest.raises(Duplicate), engine.writing() as session:
        session.later("insert_repository", **_repository("acme/a"))

    with engine.writing() as session:
        session.later("insert_repository", **_repository("acme/b"))


def test_statements_are_prepared_once_and_again_when_they_were_skipped(engine):
    """One that comes after a failure was never prepared, whatever was sent."""
    for _ in range(3):
        with pytest.raises(Invalid), engine.writing() as session:
            session.later("touch_key", id=1, now="no time at all")
            session.later("set_meta", name="n", value="9")
    for value in "2345":
        with engine.writing() as session:
            session.later("set_meta", name="n", value=value)
        assert value == _meta(engine)


def test_a_transaction_that_fails_as_one_goes_back_without_one(engine, caplog):
    """What the pool itself would take back, it says; and the driver then drops all that is prepared, ours too."""
    with caplog.at_level("WARNING", "psycopg.pool"):
        for _ in range(2):
            with pytest.raises(Duplicate), engine.writing() as session:
                session.later("insert_repository", **_repository("acme/a"))
                session.later("insert_repository", **_repository("acme/a"))

    assert [] == caplog.messages


def _killed(engine, postgres_url):
    with engine._opened().connection() as connection:
        backend = connection.info.backend_pid
    with psycopg.connect(postgres_url, autocommit=True) as other:
        assert other.execute("SELECT pg_terminate_backend(%s)", [backend]).fetchone() == (True,)


def test_a_connection_that_was_lost_before_anything_was_done_is_replaced(engine, postgres_url, monkeypatch):
    """Nobody notices, and what waited to be sent is done once."""
    monkeypatch.setattr(engine_module, "FRESH", 60.0)
    _meta(engine)
    _killed(engine, postgres_url)
    with engine.writing() as session:
        session.later("set_meta", name="a", value="2")
        assert {"value": "1"} == session.one("get_meta", name="n")

    assert "2" == _meta(engine, "a")


def test_a_connection_that_is_lost_in_between_is_an_error(engine, postgres_url, monkeypatch):
    """What was done before is gone with it, so the transaction cannot go on; the next one can."""
    monkeypatch.setattr(engine_module, "FRESH", 60.0)
    with pytest.raises(Unavailable), engine.writing() as session:
        session.run("set_meta", name="a", value="2")
        backend = session.connection.info.backend_pid
        with psycopg.connect(postgres_url, autocommit=True) as other:
            assert other.execute("SELECT pg_terminate_backend(%s)", [backend]).fetchone() == (True,)
        session.later("set_meta", name="a", value="3")

    assert _meta(engine, "a") is None


def test_one_that_is_lost_with_its_commit_is_not_tried_again(engine, postgres_url, monkeypatch):
    """Whether it was committed nobody knows: who asked is told, and looks."""
    monkeypatch.setattr(engine_module, "FRESH", 60.0)
    _meta(engine)
    _killed(engine, postgres_url)
    with pytest.raises(Unavailable), engine.writing() as session:
        session.later("set_meta", name="a", value="2")

    assert _meta(engine, "a") is None


def test_who_waits_for_ids_keeps_nobody_from_theirs(postgres_url, engine):
    """One transaction waits for what another holds; that one asks for its ids meanwhile, and both go on."""
    other = PostgresEngine(postgres_url)
    begun = threading.Event()

    def second():
        with other.writing() as session:
            session.one("get_meta", name="n")
            session.later("set_meta", name="n", value="3")
            seen = session.insert("insert_event", [_event(2)])
            begun.set()
            return seen[0]

    try:
        with ThreadPoolExecutor(1) as pool:
            with engine.writing() as session:
                session.run("set_meta", name="n", value="2")
                found = pool.submit(second)
                begun.wait(5)
                time.sleep(0.3)  # by now it waits for the row
                began = time.monotonic()
                first = session.insert("insert_event", [_event(1)])[0]
                took = time.monotonic() - began
            second_id = found.result(15)
    finally:
        other.close()

    assert first < second_id
    assert took < 2
