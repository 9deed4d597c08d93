"""Fixtures that every test may use."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

pytest.register_assert_rewrite("history", "model", "wild_checks")
pytest_plugins = ("services", "engines")
