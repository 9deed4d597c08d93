"""Claims begin to look where the ready tasks begin, however many were claimed since the oldest snapshot."""

import psycopg
import pytest

from nexus_core.config import Config
from nexus_core.nexus import Nexus
from nexus_plugin_postgres import front, hooks

pytestmark = pytest.mark.services


@pytest.fixture
def hub(postgres_url, tmp_path, monkeypatch):
    """A hub that looks at the front after each claim."""
    monkeypatch.setattr(front, "EVERY", 1)
    monkeypatch.setattr(front, "PAUSE", 0)
    config = Config(values={"database_url": postgres_url, "auto_migrate": True, "data_dir": str(tmp_path)})
    with Nexus.open(config, plugins=[hooks], load_plugins=False) as opened:
        yield opened


def place(url):
    """The task at which claims begin to look."""
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT id FROM ready_front").fetchone()[0]


def claim(hub):
    claimed = hub.assignments.claim(agent="ada")
    return claimed and claimed.task_id


def test_the_front_follows_the_claims(hub, postgres_url):
    """It stands at the first task that is still ready; where none is left, it stays."""
    ids = [hub.tasks.create(f"Task {number}").id for number in range(4)]

    assert [(ids[0], ids[1]), (ids[1], ids[2]), (ids[2], ids[3]), (ids[3], ids[3])] == [
        (claim(hub), place(postgres_url)) for _ in ids
    ]
    assert claim(hub) is None


def test_what_becomes_ready_before_the_front_is_found(hub):
    """A new task of a higher priority, one that was handed back, one that was edited, one that more wait for."""
    ids = [hub.tasks.create(f"Task {number}").id for number in range(6)]
    first = hub.assignments.claim(agent="ada")
    claim(hub)
    hub.assignments.release(first.id, first.fence)
    assert ids[0] == claim(hub)

    urgent = hub.tasks.create("Urgent", priority="critical").id
    assert urgent == claim(hub)

    hub.tasks.edit(ids[5], {"priority": "high"})
    assert ids[5] == claim(hub)

    hub.tasks.create("Waits", dependencies=[ids[4]])
    assert [ids[4], ids[2], ids[3]] == [claim(hub) for _ in range(3)]


def test_what_becomes_ready_meanwhile_is_found(hub, postgres_url):
    """A transaction that makes a task ready, open while others claim and move the front on, is not too late."""
    ids = [hub.tasks.create(f"Task {number}").id for number in range(5)]
    with psycopg.connect(postgres_url) as slow:
        slow.execute("UPDATE tasks SET priority = 'critical', priority_rank = 0 WHERE id = %s", (ids[4],))
        assert ids[:2] == [claim(hub), claim(hub)]
        assert ids[2] == place(postgres_url)
    assert ids[4] == claim(hub)


def test_the_front_stays_while_somebody_makes_tasks_ready(hub, postgres_url):
    """Whoever holds the lock in common, as such transactions do, keeps the front where it is; claims go on."""
    ids = [hub.tasks.create(f"Task {number}").id for number in range(3)]
    assert ids[0] == claim(hub)
    with psycopg.connect(postgres_url) as other:
        other.execute("SELECT pg_advisory_xact_lock_shared(7237103)")
        assert ids[1] == claim(hub)
        assert ids[1] == place(postgres_url)


def test_a_claim_walks_past_few_entries_beside_an_old_snapshot(hub, postgres_url):
    """With a forgotten transaction open, the hundredth claim looks at about as many pages as the first."""
    for number in range(200):
        hub.tasks.create(f"Task {number}")
    with psycopg.connect(postgres_url) as forgotten:
        forgotten.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        forgotten.execute("SELECT count(*) FROM tasks")
        for _ in range(150):
            claim(hub)
        with psycopg.connect(postgres_url) as looking:
            looking.execute("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off")
            plan = looking.execute(
                "EXPLAIN (ANALYZE, FORMAT JSON, BUFFERS) SELECT t.id FROM tasks t WHERE t.startable"
                " AND (t.priority_rank, -t.impact, t.complexity_order, t.id)"
                " >= (SELECT f.priority_rank, f.neg_impact, f.complexity_order, f.id FROM ready_front f)"
                " ORDER BY t.priority_rank, -t.impact, t.complexity_order, t.id LIMIT 1"
            ).fetchone()[0][0]["Plan"]

    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 20
