"""The PostgreSQL plugin's records, and a hub on it."""

from contextlib import closing

import pytest

from nexus_core import Nexus
from nexus_core.config import Config
from nexus_core.errors import NexusError, Unavailable
from nexus_plugin_postgres import hooks


def _hub(url, **values):
    return Nexus.open(Config(values={"database_url": url, **values}), plugins=[hooks], load_plugins=False)


@pytest.mark.services
def test_hub_on_postgres(postgres_url):
    """A hub opens the database of its URL, refuses one that is not migrated, and is healthy when it is."""
    with pytest.raises(NexusError, match="nexus migrate"):
        _hub(postgres_url)
    with _hub(postgres_url, auto_migrate=True) as nexus:
        task = nexus.tasks.create("Ship it")

        assert "Ship it" == nexus.tasks.get(task.id).title
        assert hooks.reachable(nexus.context("postgres")) is None


@pytest.mark.services
def test_check_says_what_is_wrong(postgres_url):
    """Outstanding migrations and a database that does not answer are told apart."""
    with _hub(postgres_url, auto_migrate=True) as nexus:
        with closing(hooks.open_store(postgres_url)) as store, store.writing():
            pass
        object.__setattr__(nexus, "config", nexus.config.replace(database_url="postgresql://127.0.0.1:1/x"))

        assert "127.0.0.1:1/x cannot be reached" in (hooks.reachable(nexus.context("postgres")) or "")


def test_check_leaves_other_databases_alone(tmp_path):
    """With SQLite in use there is nothing to say."""
    with Nexus.open(data_dir=tmp_path, plugins=[hooks], load_plugins=False) as nexus:
        assert hooks.reachable(nexus.context("postgres")) is None


def test_unreachable_database_is_unavailable():
    """Opening a hub on a database that is not there fails at once, in one line."""
    with pytest.raises(Unavailable, match="cannot be reached") as caught:
        _hub("postgresql://u:s3cret@127.0.0.1:1/x")

    assert "s3cret" not in caught.value.message and "\n" not in caught.value.message
