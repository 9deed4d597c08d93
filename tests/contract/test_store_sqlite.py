"""The store on SQLite."""

from contextlib import closing

import pytest

from nexus_core.storage.sqlite import SqliteEngine
from nexus_core.storage.store import SqlStore
from nexus_core.testing.contracts import StoreContract


class TestSqliteStore(StoreContract):
    """SQLite, on a file of the test's own."""

    @pytest.fixture
    def store(self, tmp_path):
        with closing(SqlStore(SqliteEngine(tmp_path / "nexus.db"))) as store:
            store.migrate()
            yield store


def test_no_case_hides_another():
    """Cases of the contract's parts have different names: of two with one name, only one would run."""
    names = [name for part in StoreContract.__bases__ for name in vars(part) if name.startswith("test_")]

    assert len(names) == len(set(names))
