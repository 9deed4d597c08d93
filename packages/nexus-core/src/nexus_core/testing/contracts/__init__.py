"""Contract suites: what an implementation of a port must hold. Subclass one in your tests and give it a fixture.

class TestMyStore(StoreContract):
    @pytest.fixture
    def store(self):
        with closing(open_store(…)) as store:
            store.migrate()
            yield store
"""

import pytest

pytest.register_assert_rewrite(
    *(
        f"{__name__}.{part}"
        for part in ("access", "assignments", "graph", "jobs", "repositories", "tasks", "transactions")
    ),
    f"{__name__}.deliveries_events",
    f"{__name__}.readiness",
)

from .store import StoreContract  # noqa: E402 - only now, so that its assertions say what they compared

__all__ = ["StoreContract"]
