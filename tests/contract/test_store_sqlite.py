"""The store on SQLite."""

import threading

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


def test_threads_that_ended_leave_no_connection_open(tmp_path):
    """Whoever begins a thread now and then, such as for what is written later, would run out of files one day."""
    engine = SqliteEngine(tmp_path / "nexus.db")
    engine.migrate()
    for _ in range(5):
        thread = threading.Thread(target=engine.pending_migrations)
        thread.start()
        thread.join()
    engine.pending_migrations()
    left = len(engine._connections)
    engine.close()

    assert left <= 2  # ours, and the last one's, which the next one closes
