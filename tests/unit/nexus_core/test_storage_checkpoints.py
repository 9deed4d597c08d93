"""What was written reaches the database itself soon, whoever reads meanwhile, and without a writer's help."""

import sqlite3
import time

import pytest

from nexus_core.storage.sqlite import SqliteEngine


@pytest.fixture
def engine(tmp_path):
    engine = SqliteEngine(tmp_path / "nexus.db")
    engine.migrate()
    yield engine
    engine.close()


def _write(engine, value):
    with engine.writing() as session:
        session.run("set_meta", name="n", value=value)


def _in_the_file_itself(engine, value):
    """Whether a value stands in the database's own file, log or no log."""
    return f"{value}".encode() in engine.path.read_bytes()


def _soon(question, seconds=10):
    end = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < end:
        time.sleep(0.02)
    return answer


def test_the_log_is_carried_over(engine):
    """Without a close, and though SQLite itself was told not to."""
    _write(engine, "carried-over-1")

    assert (0,) == engine.connection().execute("PRAGMA wal_autocheckpoint").fetchone()
    assert _soon(lambda: _in_the_file_itself(engine, "carried-over-1"))


def test_a_reader_of_the_past_only_delays_it(engine):
    """While one holds an old state the log stays; when it has gone the log is carried over, though nobody writes."""
    reader = sqlite3.connect(engine.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM meta").fetchone()
    _write(engine, "carried-over-2")
    time.sleep(1)
    early = _in_the_file_itself(engine, "carried-over-2")
    reader.close()

    assert not early
    assert _soon(lambda: _in_the_file_itself(engine, "carried-over-2"))


def test_closing_does_not_wait_for_the_next_try(tmp_path):
    """A short command is not held up."""
    engine = SqliteEngine(tmp_path / "nexus.db")
    engine.migrate()
    _write(engine, "1")
    began = time.monotonic()
    engine.close()

    assert 2 > time.monotonic() - began
    assert b"1" in engine.path.read_bytes()
