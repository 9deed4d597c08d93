"""Fixtures that every test may use."""

import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Whoever runs the tests in a shell's background has them, and whatever they start, ignore it; some send it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest.register_assert_rewrite("history", "model", "wild_checks")
pytest_plugins = ("services", "engines")

# How long an example takes, or is thought up, says how busy the machine is.
settings.register_profile("nexus", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nexus")
