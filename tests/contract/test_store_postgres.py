"""The store on PostgreSQL."""

from contextlib import closing

import pytest

from nexus_core.testing.contracts import StoreContract
from nexus_plugin_postgres.hooks import open_store


@pytest.mark.services
class TestPostgresStore(StoreContract):
    """PostgreSQL, in a schema of the test's own."""

    @pytest.fixture
    def store(self, postgres_url):
        with closing(open_store(postgres_url)) as store:
            store.migrate()
            yield store
