"""Statements on a connection: what goes in comes out, what is used again is prepared, and errors stay errors."""

import sys

import psycopg
import pytest
from psycopg.rows import dict_row

from engines import at_once
from nexus_plugin_postgres import statement as statement_module
from nexus_plugin_postgres.connection import PatientConnection, configure

pytestmark = pytest.mark.services


@pytest.fixture
def connection(postgres_url):
    with PatientConnection.connect(postgres_url, autocommit=True, row_factory=dict_row) as connection:
        configure(connection)
        connection.execute("CREATE TABLE pg_temp.kinds (id bigint, t text, n integer, b boolean, raw bytea, f float8)")
        yield connection


def _prepared(connection):
    found = connection.execute("SELECT name FROM pg_prepared_statements WHERE name LIKE 'nexus%'").fetchall()
    return {row["name"] for row in found}


INSERT = "INSERT INTO kinds VALUES (:id, :t, :n, :b, :raw, :f) RETURNING *"


@pytest.mark.parametrize(
    "row",
    [
        {"id": 1, "t": "naïve 😀 'quoted' $1 :t %s", "n": -5, "b": True, "raw": b"\x00\xff", "f": 0.1},
        {"id": 2**63 - 1, "t": "", "n": 2**31 - 1, "b": False, "raw": b"", "f": -1e300},
        {"id": -(2**63), "t": None, "n": None, "b": None, "raw": None, "f": None},
    ],
)
def test_values_come_back_as_they_went(connection, row):
    """Text, numbers, truth, bytes and nothing, before and after the statement is prepared."""
    for _ in range(3):
        assert row == connection.statements.run(INSERT, row).first()


def test_a_parameter_may_stand_twice_and_words_may_look_like_one(connection):
    """`:a` twice is one parameter; a colon within a time or a cast is none."""
    answer = connection.statements.run("SELECT CAST(:a AS text) || '12:30' || CAST(:a AS text) AS found", {"a": "x"})

    assert {"found": "x12:30x"} == answer.first()
    assert ("found",) == answer.columns


def test_answers(connection):
    """Rows with names and without, the first of many, none, and how many were changed."""
    run = connection.statements.run
    for number in range(3):
        assert 1 == run("INSERT INTO kinds (id) VALUES (:id)", {"id": number}).changed
    found = run("SELECT id FROM kinds ORDER BY id", {})

    assert [{"id": 0}, {"id": 1}, {"id": 2}] == found.rows()
    assert [(0,), (1,), (2,)] == found.tuples()
    assert {"id": 0} == found.first()
    assert None is run("SELECT id FROM kinds WHERE id = :id", {"id": 9}).first()
    assert [] == run("SELECT id FROM kinds WHERE id = :id", {"id": 9}).rows()
    assert 2 == run("DELETE FROM kinds WHERE id > :id", {"id": 0}).changed


def test_what_comes_a_second_time_is_prepared(connection):
    """A statement that is used once is not; the longest known one makes room for a new one."""
    connection.statements.run("SELECT 1 AS once", {})
    for _ in range(2):
        connection.statements.run("SELECT 2 AS twice", {})
    assert 1 == len(_prepared(connection))

    for number in range(statement_module.KEPT):
        connection.statements.run(f"SELECT {number} AS other", {})
    assert set() == _prepared(connection)
    assert {"twice": 2} == connection.statements.run("SELECT 2 AS twice", {}).first()


def test_numbers_that_no_column_holds(connection):
    """A number beyond 64 bits finds nothing, as on SQLite; written into a column it is refused."""
    assert [] == connection.statements.run("SELECT id FROM kinds WHERE id = :id", {"id": 2**70}).rows()
    with pytest.raises(psycopg.DataError):
        connection.statements.run("INSERT INTO kinds (id) VALUES (:id)", {"id": 2**70})


def test_text_with_a_nul_is_refused_and_not_cut(connection):
    """PostgreSQL has no NUL in texts; libpq would send what stands before it."""
    with pytest.raises(psycopg.DataError, match="NUL"):
        connection.statements.run("INSERT INTO kinds (t) VALUES (:t)", {"t": "a\0b"})
    assert [] == connection.statements.run("SELECT t FROM kinds", {}).rows()


def test_errors_are_the_drivers_and_the_connection_lives_on(connection):
    """A statement that fails, when it is new, when it is prepared, and when it cannot be prepared."""
    run = connection.statements.run
    with pytest.raises(psycopg.errors.UndefinedTable):
        run("SELECT * FROM nowhere", {})
    for divisor in (1, 1, 1):
        run("SELECT 1 / CAST(:n AS integer) AS n", {"n": divisor})
    with pytest.raises(psycopg.errors.DivisionByZero):
        run("SELECT 1 / CAST(:n AS integer) AS n", {"n": 0})
    assert {"n": 1} == run("SELECT 1 / CAST(:n AS integer) AS n", {"n": 1}).first()


def test_a_failed_transaction_does_not_count_as_known(connection):
    """A statement that is prepared within a transaction that is rolled back stays prepared, as on the server."""
    run = connection.statements.run
    connection.command(b"BEGIN")
    for _ in range(2):
        run("SELECT 3 AS n", {})
    connection.command(b"ROLLBACK")

    assert {"n": 3} == run("SELECT 3 AS n", {}).first()


def test_commands_raise(connection):
    """What is no statement of ours is refused by the database, and said."""
    with pytest.raises(psycopg.errors.SyntaxError):
        connection.command(b"BEGINN")


def test_answers_may_be_read_at_once(connection):
    """A glance's answer is made into rows when its connection is another thread's already: each has its own rows."""
    answers = [connection.statements.run("SELECT CAST(:a AS text) AS a", {"a": f"v{number}"}) for number in range(4)]

    def read(number):
        return lambda: {answers[number].first()["a"] for _ in range(20_000)}

    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        found = at_once([read(number) for number in range(4)])
    finally:
        sys.setswitchinterval(usual)

    assert [{"v0"}, {"v1"}, {"v2"}, {"v3"}] == found
