"""Glances: single statements that read without a transaction around them."""

import os

import psycopg
import pytest

from nexus_core.errors import NexusError, Unavailable
from nexus_plugin_postgres import glance as glance_module
from nexus_plugin_postgres.connection import PatientConnection
from nexus_plugin_postgres.engine import PostgresEngine

pytestmark = pytest.mark.services


@pytest.fixture
def engine(postgres_url):
    engine = PostgresEngine(f"{postgres_url}&pool_max_size=1")
    engine.migrate()
    with engine.writing() as session:
        session.run("set_meta", name="n", value="1")
    yield engine
    engine.close()


def _value(engine):
    return engine.glance().one("get_meta", name="n")["value"]


def test_a_glance_is_one_statement(engine):
    """No transaction is left behind, and none is begun: what others commit shows at the next glance."""
    glance = engine.glance()
    before = glance.tuples("get_meta", name="n")
    with engine.writing() as session:
        session.run("set_meta", name="n", value="2")

    assert ([("1",)], [{"value": "2"}], None) == (
        before, glance.all("get_meta", name="n"), glance.one("get_meta", name="other"),
    )  # fmt: skip


def test_a_glance_within_a_transaction_is_a_part_of_it(engine):
    """It sees what the transaction of its thread wrote, and takes no second connection."""
    with engine.writing() as session:
        session.run("set_meta", name="n", value="2")

        assert "2" == _value(engine)


def test_glances_keep_one_plan_and_transactions_weigh(engine):
    """A session plans a glance's statement once; within a transaction the database decides by the values."""
    for _ in range(9):
        _value(engine)
    with engine.reading() as session:
        session.settle()
        cursor = session.connection.cursor()
        within = cursor.execute("SHOW plan_cache_mode").fetchone()
        plans = cursor.execute(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%FROM meta WHERE%'"
        ).fetchone()

    assert {"plan_cache_mode": "auto"} == within
    assert plans["generic_plans"] > 5 and 0 == plans["custom_plans"]


def test_a_glance_changes_nothing(engine):
    """Whoever wants to write is told to begin a transaction."""
    glance = engine.glance()
    with pytest.raises(NexusError, match="transaction"):
        glance.run("set_meta", name="n", value="3")
    with pytest.raises(NexusError, match="transaction"):
        glance.many("set_meta", [])
    with pytest.raises(NexusError, match="transaction"):
        glance.insert("set_meta", [])


@pytest.mark.parametrize("fresh", [0.0, 60.0], ids=["asked before", "found out by the statement"])
def test_lost_connections_are_replaced(engine, postgres_url, monkeypatch, fresh):
    """A restart of the server, seen from here: the connection is dead, and nobody notices."""
    monkeypatch.setattr(glance_module, "FRESH", fresh)
    _value(engine)
    backend = _backend(engine)
    with psycopg.connect(postgres_url, autocommit=True) as other:
        assert other.execute("SELECT pg_terminate_backend(%s)", [backend]).fetchone() == (True,)

    assert "1" == _value(engine)
    assert backend != _backend(engine)


def _backend(engine):
    with engine._opened().connection() as connection:
        return connection.info.backend_pid


def test_an_error_is_ours(engine, monkeypatch):
    """What the driver raises does not leave the engine as it is, and the connection goes back."""
    monkeypatch.setattr(glance_module, "SECONDS", 0.2)
    with engine.writing():
        child = os.fork()  # another thread would do; a fork shows that the child has its own connections too
        if child == 0:
            os._exit(0 if _value(engine) == "1" else 1)
    assert 0 == os.waitpid(child, 0)[1]
    with engine._opened().connection(), pytest.raises(Unavailable):
        _value(engine)

    assert "1" == _value(engine)


def test_silence_ends(engine, monkeypatch):
    """A server that answers nothing costs a glance some seconds, and the connection."""
    monkeypatch.setattr(PatientConnection, "patience", 0.3)
    _value(engine)
    with pytest.raises(NexusError):
        glance_module.Glance(engine._opened, {"sleep": "SELECT pg_sleep(3)"}, "here").all("sleep")
