"""The audit's chain is walked by look-ups: a page costs the same at the millionth event as at the first."""

import pytest

from nexus_core.storage.sqlite import SqliteEngine
from nexus_core.storage.statements import statements

GIVEN = {"xid": 0, "id": 5, "after_xid": 0, "after_id": 1, "limit": 9}


@pytest.mark.parametrize("name", ["list_unsealed", "count_unsealed", "find_unsealed_between"])
def test_sqlite_begins_where_the_chain_ended(name, tmp_path):
    """By the id, not by the transaction, which is 0 for every event there."""
    engine = SqliteEngine(tmp_path / "nexus.db")
    engine.migrate()
    with engine.reading() as session:
        plan = session._connection.execute(f"EXPLAIN QUERY PLAN {statements()[name]}", GIVEN).fetchall()
    engine.close()

    assert any("SEARCH e USING INTEGER PRIMARY KEY (rowid>?" in step[3] for step in plan)
