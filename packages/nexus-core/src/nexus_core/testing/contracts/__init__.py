"""Contract suites: what an implementation of a port must hold. Subclass one in your tests and say how to open yours.

class TestMyStore(StoreContract):
    def open_store(self, folder):
        return open_store(f"mine://{folder}/hub.db")
"""

import pytest

pytest.register_assert_rewrite(
    *(
        f"{__name__}.{part}"
        for part in (
            "access",
            "answers",
            "assignments",
            "audit",
            "graph",
            "jobs",
            "repositories",
            "shown",
            "tasks",
            "transactions",
            "turns",
        )
    ),
    f"{__name__}.deliveries_events",
    f"{__name__}.readiness",
)

from .store import StoreContract  # noqa: E402 - only now, so that its assertions say what they compared

__all__ = ["StoreContract"]
