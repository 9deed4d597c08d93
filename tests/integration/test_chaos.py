"""A short form of the chaos: everything happens at once, nothing is lost, and nothing has its effect twice."""

import pytest
from tests.chaos.run import Load, chaos
from tests.chaos.schedule import WEIGHTS, fingerprint, schedule
from tests.own_rabbitmq import OwnRabbit


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_everything_happens_at_once():
    """A dozen faults of several kinds within half a minute, at twenty webhooks a second."""
    if not OwnRabbit.is_possible():
        pytest.skip("no RabbitMQ to kill: its programs are not installed")
    report = chaos(Load(seed=7, events=600, stories=60, faults=12, seconds=30))
    print("\n".join(report.lines()))

    assert [] == report.wrong
    assert 4 <= len(report.faults)
    assert report.answers["ok"] > 300
    assert report.writes["ok"] > 120


def test_faults_come_by_the_seed_alone():
    """The same seed means the same schedule, each kind in it; another seed another one."""
    planned = schedule(7, 40, 70)

    assert fingerprint(planned) == fingerprint(schedule(7, 40, 70)) != fingerprint(schedule(8, 40, 70))
    assert set(WEIGHTS) == {fault.name for fault in planned}
    assert 40 == len(planned) and all(0 <= fault.at <= 70 for fault in planned)
    assert [fault.chance().random() for fault in planned] == [fault.chance().random() for fault in planned]
