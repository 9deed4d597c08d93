"""The worker's records."""

import subprocess
import sys

import pytest

from nexus_worker import hooks


def test_records():
    """The package yields its command and a wake-up for both brokers."""
    (command,) = hooks.nexus_commands()
    (factory,) = hooks.nexus_wakeups()

    assert "worker" == command.name == command.load().name
    assert {"amqp", "amqps", "redis", "rediss"} <= set(factory.schemes)


@pytest.mark.parametrize("module", ["nexus_worker.hooks", "nexus_plugin_postgres.hooks"])
def test_hooks_are_light(module):
    """Looking for commands imports neither broker nor database driver nor click."""
    script = (
        f"import sys, {module}; print([n for n in ('kombu', 'redis', 'amqp', 'psycopg', 'click') if n in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert "[]" == output.strip()
