"""What a team would write with Celery or dramatiq: a row for each job, written first, finished by the worker.

    BENCH_DATABASE=… BENCH_BROKER=… BENCH_QUEUE=… celery -A queue_tasks:celery_app worker … | dramatiq queue_tasks …

Celery as its handbook advises for work that must not be lost: acknowledged late, published with confirms.
"""

from __future__ import annotations

import os
import sys
from functools import cache

import psycopg

BROKER, QUEUE = os.environ.get("BENCH_BROKER", ""), os.environ.get("BENCH_QUEUE", "bench")
TABLE = "CREATE TABLE IF NOT EXISTS bench_jobs (id bigint PRIMARY KEY, done_at timestamptz)"
FINISH = "UPDATE bench_jobs SET done_at = clock_timestamp() WHERE id = %s"


@cache
def connection() -> psycopg.Connection[tuple[object, ...]]:
    """A worker's connection."""
    return psycopg.connect(os.environ["BENCH_DATABASE"], autocommit=True, prepare_threshold=0)


def finish(job: int) -> None:
    """The job that does nothing has ended."""
    connection().execute(FINISH, (job,))


if os.environ.get("BENCH_PEER") == "celery":
    from celery import Celery

    celery_app = Celery(broker=BROKER)
    celery_app.conf.update(
        task_acks_late=True, task_default_queue=QUEUE, task_ignore_result=True, worker_hijack_root_logger=False,
        broker_transport_options={} if BROKER.startswith("redis") else {"confirm_publish": True},
        broker_connection_retry_on_startup=True,
    )  # fmt: skip
    send = celery_app.task(name="noop")(finish).delay
else:
    import dramatiq

    if BROKER.startswith("redis"):
        from dramatiq.brokers.redis import RedisBroker

        dramatiq.set_broker(RedisBroker(url=BROKER, namespace=QUEUE))
    else:
        from dramatiq.brokers.rabbitmq import RabbitmqBroker

        dramatiq.set_broker(RabbitmqBroker(url=BROKER, confirm_delivery=True))
    send = dramatiq.actor(finish, queue_name=QUEUE).send


def main() -> None:
    """Write and announce so many jobs."""
    number = int(sys.argv[1])
    with connection() as there:
        there.execute(TABLE)
        there.execute("TRUNCATE bench_jobs")
        there.execute("INSERT INTO bench_jobs SELECT n FROM generate_series(1, %s) n", (number,))
        for job in range(1, number + 1):
            send(job)


if __name__ == "__main__":
    main()
