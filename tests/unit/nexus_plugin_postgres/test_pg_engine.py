"""The PostgreSQL engine: transactions, forms of values, errors, forks, and a database that goes away."""

import contextlib
import os
import threading
import time
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from nexus_core.errors import Conflict, Contention, Duplicate, Invalid, NexusError, Unavailable
from nexus_plugin_postgres import engine as engine_module
from nexus_plugin_postgres.connection import PatientConnection
from nexus_plugin_postgres.engine import PostgresEngine
from proxy import proxied

pytestmark = pytest.mark.services

NOW = "2026-01-31T12:00:00.000000Z"
REPOSITORY = {"url": "", "default_branch": "main", "external_id": None, "now": NOW}


@pytest.fixture
def engine(postgres_url):
    engine = PostgresEngine(postgres_url)
    engine.migrate()
    yield engine
    engine.close()


@pytest.fixture
def network(postgres_url, engine):
    """The same database through a proxy: (proxy, an engine on it)."""
    parts = conninfo_to_dict(postgres_url)
    host, port = parts["host"], int(parts.get("port") or 5432)
    with proxied(f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)) as proxy:
        options = parts["options"].replace(" ", "%20").replace("=", "%3D")
        behind = PostgresEngine(
            f"postgresql://{parts['user']}:{parts.get('password', '')}@127.0.0.1:{proxy.port}"
            f"/{parts['dbname']}?options={options}&pool_max_size=2"
        )
        yield proxy, behind
        behind.close()


def _meta(engine, name="n"):
    with engine.reading() as session:
        row = session.one("get_meta", name=name)
    return row and row["value"]


def test_commits_when_nothing_is_raised(engine):
    """What was written is there for the next transaction."""
    with engine.writing() as session:
        session.run("set_meta", name="n", value="1")

    assert "1" == _meta(engine)


def test_rolls_back_when_something_is_raised(engine):
    """An exception leaves nothing behind, and passes as it is."""
    with pytest.raises(KeyError), engine.writing() as session:
        session.run("set_meta", name="n", value="1")
        raise KeyError

    assert _meta(engine) is None


def test_failed_statement_is_never_committed(engine):
    """Who swallows an error within a transaction does not get a commit that is none."""
    with pytest.raises(NexusError), engine.writing() as session:
        session.run("set_meta", name="n", value="1")
        with contextlib.suppress(psycopg.Error):
            session.run("insert_repository", name=None, **REPOSITORY)

    assert _meta(engine) is None


def test_rows_have_python_values(engine):
    """Times come back aware and in UTC, JSON decoded, sums whole."""
    with engine.writing() as session:
        row = session.one(
            "insert_key", name="k", hash="h", scopes='["tasks:read"]', repositories=None, agent=None,
            assignment_id=None, user_id=None, now=NOW, expires_at=None,
        )  # fmt: skip

    assert (datetime(2026, 1, 31, 12, tzinfo=UTC), ["tasks:read"], None) == (
        row["created_at"],
        row["scopes"],
        row["expires_at"],
    )
    assert UTC.utcoffset(None) == row["created_at"].utcoffset()


def test_many_and_lists(engine):
    """`many` runs for each row; a tuple spreads within IN, and an empty one matches nothing."""
    with engine.writing() as session:
        session.many("insert_repository", [{"name": f"a/{n}", **REPOSITORY} for n in range(3)])
        ids = tuple(row["id"] for row in session.all("list_repositories"))

    with engine.reading() as session:
        assert [] == session.all("due_jobs", lanes=(), now=NOW, limit=5)
        assert 3 == len(ids)


def test_reading_sees_one_state(engine):
    """A transaction that reads does not see what is committed after its first look."""
    with engine.reading() as session:
        session.one("get_meta", name="n")
        _in_thread(lambda: _set(engine, "n", "1"))

        assert session.one("get_meta", name="n") is None


def test_reading_refuses_to_write(engine):
    """A transaction that only reads cannot write."""
    with pytest.raises(NexusError), engine.reading() as session:
        session.run("set_meta", name="n", value="1")


def test_reading_within_writing_sees_it(engine):
    """A look from within a writing transaction belongs to it."""
    with engine.writing() as session:
        session.run("set_meta", name="n", value="1")

        assert "1" == _meta(engine)


def test_writing_within_writing_is_refused(engine):
    """A transaction that waited for itself would hang."""
    with engine.writing(), pytest.raises(NexusError, match="within a transaction"), engine.writing():
        pass


def test_second_of_a_name_is_a_duplicate(engine):
    """A unique index speaks as Duplicate."""
    with engine.writing() as session:
        session.run("insert_repository", name="a/b", **REPOSITORY)

    with pytest.raises(Duplicate), engine.writing() as session:
        session.run("insert_repository", name="A/B", **REPOSITORY)


def test_reference_to_nothing_is_a_conflict(engine):
    """A foreign key speaks as Conflict, and not as Duplicate."""
    with pytest.raises(Conflict) as caught, engine.writing() as session:
        session.run("insert_dependency", task_id=1, depends_on_id=2)

    assert Conflict is type(caught.value)


def test_text_with_nul_is_invalid(engine):
    """PostgreSQL holds no NUL in texts; that is the input's fault."""
    with pytest.raises(Invalid), engine.writing() as session:
        session.run("set_meta", name="n", value="a\0b")


def test_deadlock_can_be_retried(engine):
    """One of two transactions that wait for each other is told to try again; the other one goes through."""
    _set(engine, "a", "0")
    _set(engine, "b", "0")
    barrier, errors = threading.Barrier(2, timeout=5), []

    def both(first: str, second: str) -> None:
        try:
            with engine.writing() as session:
                session.run("set_meta", name=first, value=first)
                barrier.wait()
                session.run("set_meta", name=second, value=first)
        except Contention:
            errors.append(first)

    threads = [threading.Thread(target=both, args=pair) for pair in (("a", "b"), ("b", "a"))]
    [thread.start() for thread in threads]
    [thread.join(10) for thread in threads]

    assert 1 == len(errors)
    assert _meta(engine, "a") == _meta(engine, "b")


def test_sessions_are_bounded(engine):
    """No statement, lock or forgotten transaction lasts for ever; times are in UTC."""
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "TimeZone")
    with engine._opened().connection() as connection:
        found = [next(iter(connection.execute(f"SHOW {name}").fetchone().values())) for name in names]

    assert ["8s", "2s", "30s", "UTC"] == found


def test_unreachable_database_is_said_at_once():
    """One line within moments: the host and the reason, and never the password."""
    engine = PostgresEngine("postgresql://me:s3cret@127.0.0.1:1/nexus")
    began = time.monotonic()
    with pytest.raises(Unavailable) as caught, engine.reading():
        pass

    assert time.monotonic() - began < 4
    assert "127.0.0.1:1/nexus cannot be reached" in caught.value.message
    assert "s3cret" not in repr(caught.value) and "\n" not in caught.value.message


def test_lost_connections_are_replaced(engine, postgres_url):
    """A restart of the server, seen from here: every connection is dead, and nobody notices."""
    _set(engine, "n", "1")
    named = PostgresEngine(f"{postgres_url}&application_name={postgres_url[-12:]}")
    _meta(named)
    with psycopg.connect(postgres_url, autocommit=True) as other:
        ended = other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", [postgres_url[-12:]]
        ).fetchall()

    assert {(True,)} == set(ended)
    assert "1" == _meta(named)
    named.close()


def test_silent_server_is_given_up(network, monkeypatch):
    """A server that takes everything and answers nothing costs its caller some seconds, and not for ever."""
    monkeypatch.setattr(PatientConnection, "patience", 1.0)
    proxy, engine = network
    began = time.monotonic()
    with pytest.raises(Unavailable, match="no answer"), engine.writing() as session:
        session.run("set_meta", name="n", value="1")
        proxy.fall_silent()
        began = time.monotonic()
        session.run("set_meta", name="n", value="2")

    assert 0.9 < time.monotonic() - began < 3


def test_recovers_after_silence(network, monkeypatch):
    """When the network is back, so are we; the connections of before are not used again."""
    monkeypatch.setattr(PatientConnection, "patience", 1.0)
    monkeypatch.setattr(engine_module, "POOL_SECONDS", 3.0)
    proxy, engine = network
    _set(engine, "n", "1")
    proxy.fall_silent()
    with pytest.raises(Unavailable):
        _meta(engine)
    proxy.cut()
    proxy.speak()

    assert "1" == _meta(engine)


def test_busy_pool_refuses_in_time(network, monkeypatch):
    """When all connections are in use for long, the caller is told so."""
    monkeypatch.setattr(engine_module, "POOL_SECONDS", 0.3)
    _, engine = network
    release = threading.Event()

    def hold() -> None:
        with engine.reading():
            release.wait(10)

    threads = [threading.Thread(target=hold) for _ in range(2)]
    [thread.start() for thread in threads]
    time.sleep(0.2)
    with pytest.raises(Unavailable, match="in use"), engine.reading():
        pass
    release.set()
    [thread.join(5) for thread in threads]


def test_child_of_a_fork_opens_its_own_connections(engine):
    """Two processes that write on one connection would garble it; parent and child each have theirs."""
    _set(engine, "n", "1")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, f"{_backend(engine)} {_meta(engine)}".encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    backend, value = os.read(reading, 100).decode().split()

    assert "1" == value == _meta(engine)
    assert str(_backend(engine)) != backend


def test_several_claim_without_doubles(engine):
    """Eight threads that take two hundred jobs take each once."""
    job = {
        "kind": "k",
        "lane": "default",
        "payload": "{}",
        "event_id": None,
        "subject": None,
        "unique_key": None,
    }
    with engine.writing() as session:
        session.many("insert_job", [{**job, "max_attempts": 3, "run_at": NOW, "now": NOW, "priority": 0}] * 200)
    taken: list[int] = []

    def claim(worker: str) -> None:
        while True:
            with engine.writing() as session:
                found = session.all(
                    "claim_jobs", lanes=("default", "docs"), limit=7, now=NOW, locked_until=NOW, worker=worker
                )
            if not found:
                return
            assert len(found) <= 7
            taken.extend(row["id"] for row in found)

    threads = [threading.Thread(target=claim, args=(str(n),)) for n in range(8)]
    [thread.start() for thread in threads]
    [thread.join(20) for thread in threads]

    assert 200 == len(taken) == len(set(taken))


def _set(engine, name, value):
    with engine.writing() as session:
        session.run("set_meta", name=name, value=value)


def _backend(engine):
    with engine._opened().connection() as connection:
        return connection.info.backend_pid


def _in_thread(action):
    thread = threading.Thread(target=action)
    thread.start()
    thread.join(5)
