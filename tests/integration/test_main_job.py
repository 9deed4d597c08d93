"""The main job on the stores and brokers of production."""

import io
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from nexus_demo.show import Stage
from nexus_demo.story import Story


def perform(folder: Path, environ: dict[str, str], *, crash: bool = False) -> Stage:
    stage = Stage()
    with redirect_stdout(io.StringIO()) as said:
        try:
            Story(stage, folder, crash=crash, environ=environ).play()
        except BaseException:
            print(said.getvalue())
            raise
    return stage


@pytest.mark.services
def test_the_main_job_on_postgresql_with_a_broker(tmp_path: Path, postgres_url: str, broker_url: str) -> None:
    """Every step of the demo holds on PostgreSQL, with RabbitMQ and with Redis."""
    environ = {"NEXUS_DATABASE_URL": postgres_url, "NEXUS_AUTO_MIGRATE": "true", "NEXUS_BROKER_URL": broker_url}
    stage = perform(tmp_path, environ)

    assert 20 == len(stage.proved)


@pytest.mark.services
def test_a_crash_on_postgresql_with_rabbitmq(tmp_path: Path, postgres_url: str, amqp_url: str) -> None:
    """Killed with -9 in mid-work and started again, it finishes once, there too."""
    environ = {"NEXUS_DATABASE_URL": postgres_url, "NEXUS_AUTO_MIGRATE": "true", "NEXUS_BROKER_URL": amqp_url}
    stage = perform(tmp_path, environ, crash=True)

    assert 21 == len(stage.proved)
