"""The store on SQLite."""

from nexus_core.storage.sqlite import SqliteEngine
from nexus_core.storage.store import SqlStore
from nexus_core.testing.contracts import StoreContract


class TestSqliteStore(StoreContract):
    """SQLite, on a file of the test's own."""

    def open_store(self, folder):
        return SqlStore(SqliteEngine(folder / "nexus.db"))


def test_no_case_hides_another():
    """Cases of the contract's parts have different names: of two with one name, only one would run."""
    names = [name for part in StoreContract.__bases__ for name in vars(part) if name.startswith("test_")]

    assert len(names) == len(set(names))
