"""Webhooks while the database is away: stopped, killed, or silent. Real servers, and a PostgreSQL of the test's own.

    NEXUS_AWAY_SECONDS=60 python -m pytest -s tests/integration/test_database_away.py

holds the database away for a minute at 50 webhooks a second; without, the same stories take seconds.
"""

from __future__ import annotations

import os
import signal
import stat
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from hubs import environment, running, wait_for_hub, wait_until
from senders import SECRET, Senders
from tests.own_postgres import OwnPostgres
from tests.proxy import Proxy

from nexus_core import Nexus
from nexus_core.config import load_config

AWAY = float(os.environ.get("NEXUS_AWAY_SECONDS", "3"))
RATE = 50.0
NUMBER = int(120 * max(3, AWAY))


@pytest.fixture(scope="module")
def postgres() -> Iterator[OwnPostgres]:
    server = OwnPostgres()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def database(postgres: OwnPostgres) -> Iterator[str]:
    """The URL of an empty database of the test's own."""
    name = f"away_{time.time_ns()}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield postgres.url.rpartition("/")[0] + f"/{name}"


@contextmanager
def serving(folder: Path, url: str, **more: str) -> Iterator[tuple[int, Path, int]]:
    """Two server processes on the database; their port, their data folder, and the id of their group."""
    environ = environment(
        folder, NEXUS_DATABASE_URL=url, NEXUS_AUTO_MIGRATE="true", NEXUS_GITHUB_WEBHOOK_SECRET=SECRET, **more
    )
    data = Path(environ["NEXUS_DATA_DIR"])
    with running(environ, folder, "serve", "--workers", "2", "--threads", "8", "--quiet") as process:
        hub = wait_for_hub(process, data, folder / "serve.log")
        yield int(hub.url.rpartition(":")[2]), data, process.pid


def stored(url: str) -> dict[str, int]:
    """The deliveries in the database: how often each, by the sender's id."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT delivery_id, count(*) FROM deliveries GROUP BY 1").fetchall()
    return dict(found)


def waiting(data: Path) -> list[Path]:
    """Files in the spool."""
    folder = data / "spool"
    return [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []


def figures(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_a_database_that_is_away_loses_no_webhook(tmp_path, postgres, database):
    """All are answered 2xx within 3 s, spooled while it is away, and stored once within 30 s after."""
    number = int(RATE * (AWAY + 2))
    with serving(tmp_path, database) as (port, data, _):
        senders = Senders(port, "away")
        senders.run(20, RATE, first=1_000_000)
        thread = threading.Thread(target=senders.run, args=(number, RATE))
        thread.start()
        time.sleep(1)
        postgres.stop()
        time.sleep(AWAY * 0.8)  # the first ones have waited 2 s for it
        files = wait_until(lambda: [path for path in waiting(data) if not path.name.startswith(".")])
        during = figures(port)
        modes = {stat.S_IMODE(path.stat().st_mode) for path in files} | {stat.S_IMODE((data / "spool").stat().st_mode)}
        time.sleep(AWAY * 0.2)
        postgres.start()
        back = time.monotonic()
        thread.join()
        wait_until(lambda: len(stored(database)) == number + 20 and not waiting(data), 30)
        seconds = time.monotonic() - back
        senders.close()
        print(f"\naway {AWAY:g} s at {RATE:g}/s: {senders.summary()}; all stored {seconds:.1f} s after it came back")
        known = stored(database)
        with psycopg.connect(database) as connection:
            events = connection.execute("SELECT count(*) FROM events WHERE type = 'delivery.spooled'").fetchone()
            jobs = connection.execute("SELECT count(*) FROM jobs WHERE kind = 'core.delivery'").fetchone()
            kept = connection.execute(
                "SELECT count(*) FROM events e JOIN deliveries d ON e.delivery = d.source || ':' || d.delivery_id"
                " WHERE e.type = 'delivery.spooled' AND e.payload->>'received_at' ="
                " to_char(d.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
            ).fetchone()

    spooled = sum(one.spooled for one in senders.sent)
    assert [one for one in senders.sent if not 200 <= one.status < 300] == []
    assert max(one.seconds for one in senders.sent) <= 3.0
    assert set(known.values()) == {1}
    assert jobs == (number + 20,)
    assert (
        events[0] - 16 <= kept[0] <= events[0]
    )  # at the moment of the crash some were committed without our hearing it
    assert events[0] >= spooled >= RATE * AWAY * 0.5
    assert modes == {0o600, 0o700}
    assert "nexus_store_up{} 0" in during
    assert int(during.partition("\nnexus_spool_deliveries{} ")[2].split("\n")[0]) > 0


def test_a_crash_of_the_database_under_load_is_not_felt(tmp_path, postgres, database):
    """PostgreSQL is killed and comes back, twice, while webhooks come: each is answered 2xx and stored once."""
    with serving(tmp_path, database) as (port, data, _):
        senders = Senders(port, "crash")
        thread = threading.Thread(target=senders.run, args=(NUMBER, 120.0))
        thread.start()
        for _ in range(2):
            time.sleep(1)
            postgres.stop("immediate")
            postgres.start()
        thread.join()
        wait_until(lambda: len(stored(database)) == NUMBER and not waiting(data), 30)
        senders.close()
        print(f"\nrestarted twice at 120/s: {senders.summary()}")

    assert [one for one in senders.sent if not 200 <= one.status < 300] == []
    assert max(one.seconds for one in senders.sent) <= 3.0


def test_a_database_that_falls_silent_is_waited_for_no_longer_than_its_sender_waits(tmp_path, postgres, database):
    """The network takes everything and gives nothing back (a black hole): 202 within 3 s, stored afterwards.

    Others who ask for tasks meanwhile take up every thread there is, and wait longer; webhooks do not wait behind them.
    """
    proxy = Proxy(("127.0.0.1", postgres.port))
    url = database.replace(f":{postgres.port}/", f":{proxy.port}/")
    try:
        with serving(tmp_path, url) as (port, data, _):
            senders = Senders(port, "silent")
            senders.run(20, RATE, first=1_000_000)
            proxy.fall_silent()
            asking = [threading.Thread(target=read, args=(port,), daemon=True) for _ in range(24)]
            for one in asking:
                one.start()
            time.sleep(0.2)
            senders.run(int(RATE * AWAY), RATE)
            proxy.speak()
            wait_until(lambda: len(stored(database)) == int(RATE * AWAY) + 20 and not waiting(data), 40)
            senders.close()
            print(f"\nsilent {AWAY:g} s at {RATE:g}/s: {senders.summary()}")
    finally:
        proxy.close()

    assert [one for one in senders.sent if not 200 <= one.status < 300] == []
    assert max(one.seconds for one in senders.sent) <= 3.0
    assert set(stored(database).values()) == {1}


def read(port: int) -> None:
    """Ask for tasks, which needs the database for the key alone."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/tasks", headers={"Authorization": "Bearer " + "x" * 40}
    )
    with suppress(OSError):
        urllib.request.urlopen(request, timeout=30).close()


def test_what_was_spooled_outlives_the_server(tmp_path, postgres, database):
    """The servers are killed right after their 202 while the database is away: what they kept is stored later.

    When only one process dies meanwhile, the server stays, and begins another once it can.
    """
    with serving(tmp_path, database) as (port, data, group):
        postgres.stop()
        senders = Senders(port, "killed")
        psutil.Process(group).children()[0].kill()
        time.sleep(1.5)
        senders.run(30, RATE)
        os.killpg(group, signal.SIGKILL)
        before = len(waiting(data))
    postgres.start()
    with Nexus.open(load_config(None, environment(tmp_path, NEXUS_DATABASE_URL=database))) as hub:
        hub.deliveries.drain()

    assert [one.status for one in senders.sent] == [202] * 30
    assert before == 30
    assert sorted(stored(database)) == sorted(f"killed-{number}" for number in range(30))
    assert waiting(data) == []
