"""Opening a hub: what can be wrong with a database, and what it says then; several at once."""

import sqlite3
import subprocess
import sys
import textwrap

import pytest

from nexus_core.config import Config
from nexus_core.errors import ConfigurationError, NexusError, SchemaTooNew, Unavailable
from nexus_core.nexus import Nexus
from nexus_core.storage.sqlite import SqliteEngine


@pytest.fixture
def opened(tmp_path):
    """Opens a hub on a folder of the test's own."""
    return lambda **given: Nexus.open(
        Config(values={"data_dir": str(tmp_path / "data"), **given}, environ={"HOME": str(tmp_path)}),
        load_plugins=False,
    )


def test_what_was_stored_is_there_the_next_time(opened):
    """The folder is made, and readable by its owner alone."""
    with opened() as nexus:
        nexus.tasks.create("Remember")
        file = nexus.config.data_dir / "nexus.db"
    with opened() as nexus:
        assert ["Remember"] == [task.title for task in nexus.tasks.list().items]
    assert (0o700, 0o600) == (file.parent.stat().st_mode & 0o777, file.stat().st_mode & 0o777)


def test_data_of_a_newer_version_is_refused_and_left_alone(opened, tmp_path):
    """With what to do."""
    opened().close()
    file = tmp_path / "data" / "nexus.db"
    with sqlite3.connect(file) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES ('9999_future.sql', 'x')")

    with pytest.raises(SchemaTooNew, match=r"newer version.*9999_future\.sql.*nothing was changed"):
        opened()


def test_data_that_a_newer_version_has_only_added_to_is_worked_with(opened, tmp_path):
    """Old and new hubs of one release line share a database while they are replaced one by one."""
    opened().close()
    with sqlite3.connect(tmp_path / "data" / "nexus.db") as connection:
        connection.execute("INSERT INTO schema_migrations VALUES ('9999_expand_notes.sql', 'x')")
        connection.execute("ALTER TABLE tasks ADD COLUMN notes text")

    with opened() as nexus:
        task = nexus.tasks.create("It works")
        assert [] == nexus.store.pending_migrations()
        assert task == nexus.tasks.get(task.id)


def test_a_migration_that_was_tampered_with_is_refused(opened, tmp_path):
    """History is not rewritten."""
    opened().close()
    with sqlite3.connect(tmp_path / "data" / "nexus.db") as connection:
        connection.execute("UPDATE schema_migrations SET checksum = 'x'")

    with pytest.raises(NexusError, match="is not the one that this database was made with"):
        opened()


def test_a_file_that_is_no_database_is_named(opened, tmp_path):
    """One clear line."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "nexus.db").write_bytes(b"this is a letter to my mother" * 100)

    with pytest.raises(Unavailable, match=r"nexus\.db") as caught:
        opened()
    assert "\n" not in caught.value.message


def test_a_folder_that_cannot_be_made_is_named(opened, tmp_path):
    """Such as below a file."""
    (tmp_path / "file").write_text("")

    with pytest.raises(Unavailable, match="cannot be opened"):
        opened(database_url=f"sqlite:///{tmp_path}/file/below/nexus.db")


@pytest.mark.parametrize("name", ["a b", "a#b", "a?b", "a%20b", "ä"])
def test_a_folder_may_have_any_name(tmp_path, name):
    """Also one that means something in a URL."""
    with Nexus.open(Config(), data_dir=tmp_path / name, load_plugins=False):
        assert [name] == [path.name for path in tmp_path.iterdir()]
    assert (tmp_path / name / "nexus.db").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"database_url": "mongodb://x/y"}, "no installed plugin opens mongodb"),
        ({"database_url": "postgresql://x/y"}, "with nexus-plugin-postgres"),
        ({"database_url": "ada:s3cret@db"}, "no installed plugin opens such databases"),
        ({"broker_url": "kafka://x"}, "no installed plugin talks kafka"),
    ],
)
def test_an_address_that_nobody_opens_says_what_would(opened, given, said):
    """A plugin may be missing."""
    with pytest.raises(ConfigurationError, match=said):
        opened(**given)


def test_without_migrating_by_itself_it_says_what_to_run(opened):
    """As PostgreSQL is by default."""
    with pytest.raises(NexusError, match="run `nexus migrate` first"):
        opened(auto_migrate=False)


WRITER = """
import sys
from nexus_core.config import Config
from nexus_core.nexus import Nexus

with Nexus.open(Config(values={"data_dir": sys.argv[1]}), load_plugins=False) as nexus:
    for _ in range(10):
        nexus.tasks.create("T")
"""


def test_several_processes_open_and_write_one_new_folder_at_once(tmp_path):
    """One migrates, the others wait; no write is lost."""
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)]) for _ in range(3)]

    assert [0, 0, 0] == [writer.wait(60) for writer in writers]
    with Nexus.open(Config(values={"data_dir": str(tmp_path)}), load_plugins=False) as nexus:
        assert 30 == len(nexus.events.list(type="task.created", limit=200))


def test_a_reader_sees_one_state_while_another_writes(tmp_path):
    """A transaction that reads is not disturbed."""
    engine = SqliteEngine(tmp_path / "nexus.db")
    engine.migrate()
    other = SqliteEngine(tmp_path / "nexus.db")
    with engine.reading() as reading:
        before = reading.one("get_meta", name="x")
        with other.writing() as writing:
            writing.run("set_meta", name="x", value="1")
        during = reading.one("get_meta", name="x")
    with engine.reading() as reading:
        after = reading.one("get_meta", name="x")
    engine.close()
    other.close()

    assert (None, None, "1") == (before, during, after["value"])


def test_a_failed_transaction_leaves_nothing(tmp_path):
    """Whatever was raised."""
    engine = SqliteEngine(tmp_path / "nexus.db")
    engine.migrate()
    with pytest.raises(KeyError), engine.writing() as session:
        session.run("set_meta", name="x", value="1")
        raise KeyError
    with engine.reading() as session:
        found = session.one("get_meta", name="x")
    engine.close()

    assert found is None


def test_importing_the_package_costs_next_to_nothing():
    """Names are loaded when they are first used: a program that needs one error does not load the store."""
    code = """
        import sys
        import nexus_core
        nexus_core.NotFound
        print(*sorted(name for name in sys.modules if name.split(".")[0] in {"sqlite3", "pluggy", "cattrs", "attrs"}))
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)

    assert "" == run.stdout.strip()
