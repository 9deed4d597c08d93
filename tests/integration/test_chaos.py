"""A short form of the chaos: everything happens at once, nothing is lost, and nothing has its effect twice."""

import pytest
from tests.chaos.run import chaos
from tests.own_rabbitmq import OwnRabbit


@pytest.mark.timeout(300)
def test_everything_happens_at_once():
    """A dozen faults of several kinds within half a minute, at twenty webhooks a second."""
    if not OwnRabbit.is_possible():
        pytest.skip("no RabbitMQ to kill: its programs are not installed")
    report = chaos(seed=7, events=600, faults=12, seconds=30)
    print("\n".join(report.lines()))

    assert [] == report.wrong
    assert 4 <= len(report.faults)
    assert report.answers["ok"] > 300
