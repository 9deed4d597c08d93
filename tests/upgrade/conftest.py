"""What the crossings share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))


@pytest.fixture(scope="session")
def previous() -> str:
    """The Python in whose environment the previous revision is installed."""
    python = os.environ.get("NEXUS_TEST_PREVIOUS_PYTHON")
    if not python:
        pytest.skip("`nox -s upgrade` installs the previous revision and names it in NEXUS_TEST_PREVIOUS_PYTHON")
    return python
