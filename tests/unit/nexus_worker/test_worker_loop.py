"""The worker: jobs run once, in time and in their lanes; what dead workers held is taken up; ends are orderly."""

import threading
import time
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from nexus_core.domain.jobs import Job, JobState
from nexus_core.ports.wakeup import Ring
from nexus_worker import loop
from nexus_worker.bell import KombuWakeup
from nexus_worker.lane import Lane
from nexus_worker.loop import Worker
from proxy import proxied

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
JOB = Job(
    id=0, kind="k", lane="default", state=JobState.RUNNING, attempt=1, max_attempts=3, run_at=AT, created_at=AT
)  # fmt: skip


def test_runs_what_is_due_and_ends(make_hub):
    """`until_idle` runs every due job once, also those that jobs cause, and comes back."""
    hub = make_hub()
    for number in range(50):
        hub.enqueue(n=number)
    hub.enqueue("chain", n=3)
    Worker(hub.nexus).run(until_idle=True)

    assert sorted([*range(50), 3, 2, 1, 0]) == sorted(hub.probe.ran)
    assert {"done"} == set(hub.states())


def test_leaves_other_lanes_alone(make_hub):
    """A worker of some lanes takes no jobs of others."""
    hub = make_hub()
    hub.enqueue(n=1)
    hub.enqueue("docs", n=2)
    Worker(hub.nexus, lanes=("docs",)).run(until_idle=True)

    assert [2] == hub.probe.ran


def test_finds_new_jobs_by_asking(make_hub, until):
    """Without a broker, a job starts within a poll interval or so."""
    hub = make_hub(worker__poll="100ms")
    hub.worker()
    time.sleep(0.3)
    began = time.monotonic()
    hub.enqueue(n=1)

    assert until(lambda: hub.probe.ran == [1], 3)
    assert time.monotonic() - began < 1


def test_chains_do_not_wait_for_the_poll(make_hub, until):
    """A job that another one causes starts at once, not at the next poll."""
    hub = make_hub(worker__poll="1m")
    hub.enqueue("chain", n=5)
    hub.worker()

    assert until(lambda: hub.probe.ran == [5, 4, 3, 2, 1, 0], 3)


def test_what_ends_while_the_store_is_asked_is_not_overlooked(make_hub, until, monkeypatch):
    """What it made due was not there yet when the store answered; it does not wait for the poll either."""
    hub = make_hub(worker__poll="1m")
    hub.enqueue("slow", n=1)
    claim = Worker._claim

    def slowly(self, lane, limit, job_ids=None):
        jobs = claim(self, lane, limit, job_ids)
        if lane.name == "default" and hub.probe.ran == [1] and not hub.probe.release.is_set():
            hub.enqueue(n=2)
            hub.probe.release.set()
            until(lambda: not self._held())
            time.sleep(0.05)
        return jobs

    monkeypatch.setattr(Worker, "_claim", slowly)
    worker = hub.worker()
    until(lambda: hub.probe.ran == [1])
    worker._next_look = 0.0
    worker._wake.set()

    assert until(lambda: hub.probe.ran == [1, 2], 5)


def test_slow_agents_delay_nobody(make_hub, until):
    """Lanes have threads of their own: agents that run for long hold nothing else up."""
    hub = make_hub(worker__agents=2)
    for _ in range(10):
        hub.enqueue("agent", n=100)
    hub.enqueue(n=1)
    hub.worker()

    assert until(lambda: 1 in hub.probe.ran, 3)
    assert until(lambda: hub.probe.ran.count(100) == 2)


def test_nothing_waits_behind_jobs_that_take_long(make_hub, until):
    """What a worker took in the belief that its threads would soon be free goes back to workers whose threads are."""
    hub = make_hub(worker__threads=1)
    hub.enqueue("slow", n=100)
    for number in range(4):
        hub.enqueue(n=number)
    hub.worker()
    assert until(lambda: hub.probe.ran == [100], 10)
    time.sleep(0.5)
    taken = hub.states().count("running")
    hub.worker()

    assert taken > 1, "it took none ahead"
    assert until(lambda: sorted(hub.probe.ran) == [0, 1, 2, 3, 100], 5)
    assert [1] * 5 == [job.attempt for job in hub.jobs()]


def overtakes(hub, until, url=None):
    """Whether what is urgent runs before the backlog that was there before it is half done."""
    worker = hub.worker(broker_url=url)
    assert url is None or until(lambda: worker._ear.connected)
    for number in range(1, 101):
        hub.enqueue("slow", n=number, seconds=0.05)
    assert until(lambda: len(hub.probe.ran) >= 5)
    hub.enqueue("urgent", n=0)
    assert until(lambda: 0 in hub.probe.ran)
    return hub.probe.ran.index(0) < 50


def test_the_urgent_overtakes_a_backlog(make_hub, until):
    """The store hands out what is urgent first."""
    assert overtakes(make_hub(worker__threads=1, worker__poll="300ms"), until)


@pytest.mark.services
def test_the_urgent_overtakes_what_was_announced_before(namespaced, make_hub, until, monkeypatch):
    """A broker announces jobs in their order: the store is asked first now and then."""
    monkeypatch.setattr(loop, "LOOK_SECONDS", 0.3)
    hub = make_hub(worker__threads=1, worker__poll="300ms", broker_url=namespaced)

    assert overtakes(hub, until, namespaced)


def test_the_urgent_overtakes_what_waits_within_the_worker():
    """A lane begins what it holds in the order of priorities, and gives up the least urgent."""
    begun, going_on = [], threading.Event()

    def run(job):
        begun.append(job.id)
        going_on.wait(10)

    lane = Lane("default", threads=1, waits=True, run=run)
    lane.start()
    jobs = [attrs.evolve(JOB, id=number, priority=priority) for number, priority in enumerate((0, -10, 0, 10, 0))]
    lane.take(jobs[:1])
    while not begun:
        time.sleep(0.01)
    lane.take(jobs[1:])
    given_up = lane._forget(1)
    going_on.set()
    lane.stop()
    while len(begun) < 4:
        time.sleep(0.01)

    assert ([1], [0, 3, 2, 4]) == ([job.id for job in given_up], begun)


def test_gives_up_what_hangs(make_hub, until, monkeypatch):
    """It is tried again, then dead; the others go on meanwhile, and in the end the worker asks to be replaced."""
    monkeypatch.setattr(loop, "LIMITS_SECONDS", 0.1)
    monkeypatch.setattr("nexus_core.services.jobs.backoff", lambda attempt, chance: timedelta(seconds=0.1))
    hub = make_hub(worker__threads=2, worker__poll="100ms")
    hub.enqueue("slow", n=2, seconds=2.5)
    hanging = hub.enqueue("hangs", n=7)
    worker = Worker(hub.nexus)
    thread = threading.Thread(target=worker.run)
    thread.start()
    hub.enqueue(n=1)

    assert until(lambda: 1 in hub.probe.ran and "dead" in hub.states(), 8)
    thread.join(5)
    assert (True, False) == (worker.worn, thread.is_alive())
    job = hub.nexus.jobs.get(hanging)
    hub.probe.release.set()
    time.sleep(0.2)
    assert ("dead", 2, "timed out after 0.3 s") == (str(job.state), job.attempt, job.last_error)
    assert job == hub.nexus.jobs.get(hanging)
    assert [1, 2, 7, 7] == sorted(hub.probe.ran)


def test_takes_up_what_a_dead_worker_held(make_hub, until):
    """A job whose worker fell silent runs again soon after its lease ended."""
    hub = make_hub(worker__lease="1s")
    hub.enqueue(n=1)
    held = hub.nexus.jobs.claim(["default"], 1, "dead-worker")
    began = time.monotonic()
    hub.worker()

    assert [1] == [job.attempt for job in held]
    assert until(lambda: hub.probe.ran == [1], 5)
    assert 0.5 < time.monotonic() - began < 3


def test_keeps_the_lease_of_a_long_job(make_hub, until):
    """A job that takes much longer than its lease runs once, though others look for expired ones."""
    hub = make_hub(worker__lease="1s")
    hub.enqueue("slow", n=1, seconds=2.5)
    hub.worker()
    hub.worker()

    assert until(lambda: hub.states() == ["done"], 6)
    assert [1] == hub.probe.ran


def test_several_workers_run_each_job_once(make_hub, until):
    """Three workers share two hundred jobs without a double."""
    hub = make_hub()
    for number in range(200):
        hub.enqueue(n=number)
    for _ in range(3):
        hub.worker()

    assert until(lambda: set(hub.states()) == {"done"}, 15)
    assert list(range(200)) == sorted(hub.probe.ran)


def test_stop_lets_running_jobs_end(make_hub, until):
    """What runs is finished; what was taken and not begun is handed back at once, as if never taken."""
    hub = make_hub(worker__threads=1)
    hub.enqueue("slow", n=1, seconds=0.5)
    for number in range(2, 4):
        hub.enqueue(n=number)
    worker = hub.worker()
    assert until(lambda: hub.probe.ran == [1])
    hub.end(worker)

    assert ["done", "pending", "pending"] == hub.states()
    assert [1, 0, 0] == [job.attempt for job in hub.jobs()]


def test_stop_hands_back_what_does_not_end(make_hub, until, monkeypatch):
    """A job that outlasts the grace period is free for others at once, not after its lease."""
    monkeypatch.setattr(loop, "GRACE_SECONDS", 0.3)
    hub = make_hub()
    hub.enqueue("slow", n=1)
    worker = hub.worker()
    assert until(lambda: hub.probe.ran == [1])
    hub.end(worker)

    assert ["pending"] == hub.states()
    assert hub.jobs()[0].id in [ring.job_id for ring in hub.nexus.jobs.due()]


@pytest.mark.services
def test_broker_brings_jobs_at_once(namespaced, make_hub, until):
    """With a broker a job starts as soon as it is committed; every ring is acknowledged."""
    hub = make_hub(broker_url=namespaced, worker__poll="1m")
    worker = hub.worker(broker_url=namespaced)
    assert until(lambda: worker._ear.connected)
    worker._next_look = time.monotonic() + 60  # no looking: only the broker can bring it
    hub.enqueue(n=1)

    assert until(lambda: hub.probe.ran == [1], 5)
    assert until(lambda: not worker._ear._unacked)


@pytest.mark.services
def test_many_jobs_through_the_broker(namespaced, make_hub, until):
    """Two workers on one broker run each of many jobs once, and leave nothing unacknowledged."""
    hub = make_hub(broker_url=namespaced)
    workers = [hub.worker(broker_url=namespaced) for _ in range(2)]
    for number in range(100):
        hub.enqueue(n=number)

    assert until(lambda: len(hub.states()) == 100 and set(hub.states()) == {"done"}, 15)
    assert list(range(100)) == sorted(hub.probe.ran)
    assert until(lambda: not any(worker._ear._unacked for worker in workers))


@pytest.mark.services
def test_ring_of_nothing_is_acknowledged(namespaced, make_hub, until):
    """A ring for a job that does not exist, or that is not due, is acknowledged and forgotten."""
    hub = make_hub(broker_url=namespaced)
    later = hub.nexus.jobs.enqueue("probe.note", {"n": 1}, delay=timedelta(hours=1))
    worker = hub.worker(broker_url=namespaced)
    bell = KombuWakeup(namespaced)
    bell.ring([Ring("default", 10**15), Ring("default", later)])
    bell.close()
    hub.enqueue(n=2)

    assert until(lambda: hub.probe.ran == [2], 5)
    assert until(lambda: not worker._ear._unacked and not worker._heard)


@pytest.mark.services
def test_lost_rings_are_found(namespaced, make_hub, until, monkeypatch):
    """A broker that forgets everything delays jobs for seconds: the store is looked into."""
    monkeypatch.setattr(loop, "LOOK_SECONDS", 0.5)
    quiet = make_hub()  # it rings nobody
    worker = quiet.worker(broker_url=namespaced)
    assert until(lambda: worker._ear.connected)
    quiet.enqueue(n=1)

    assert until(lambda: quiet.probe.ran == [1], 4)


def test_unreachable_broker_leaves_the_poll(make_hub, until, caplog):
    """A broker that is not there costs a line in the log; jobs run by polling."""
    hub = make_hub(broker_url="amqp://u:s3cret@127.0.0.1:1//", worker__poll="100ms")
    hub.worker(broker_url="amqp://u:s3cret@127.0.0.1:1//")
    for number in range(5):
        hub.enqueue(n=number)

    assert until(lambda: sorted(hub.probe.ran) == [0, 1, 2, 3, 4], 5)
    assert "s3cret" not in caplog.text and "Traceback" not in caplog.text


@pytest.mark.services
def test_survives_a_store_that_goes_away(postgres_url, make_hub, until, caplog, monkeypatch):
    """A database that is gone for a while stops nothing but the work: one line each, then it goes on."""
    from psycopg.conninfo import conninfo_to_dict

    monkeypatch.setattr("nexus_plugin_postgres.engine.POOL_SECONDS", 0.5)
    from nexus_plugin_postgres import hooks as postgres

    parts = conninfo_to_dict(postgres_url)
    host, port = parts["host"], int(parts.get("port") or 5432)
    with proxied(f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)) as proxy:
        options = parts["options"].replace("=", "%3D")
        url = f"postgresql://{parts['user']}:{parts.get('password', '')}@127.0.0.1:{proxy.port}"
        url += f"/{parts['dbname']}?options={options}"
        hub = make_hub(plugins=(postgres,), database_url=url, auto_migrate=True, worker__lease="2s")
        hub.worker()
        hub.enqueue(n=1)
        assert until(lambda: hub.states() == ["done"])
        proxy.refuse()
        time.sleep(2)
        proxy.listen()
        assert until(lambda: _enqueued(hub, 2), 15)

        assert until(lambda: {1, 2} == set(hub.probe.ran), 15)
        assert "Traceback" not in caplog.text


def _enqueued(hub, number):
    try:
        return hub.enqueue(n=number)
    except Exception:
        return None


def test_names_are_unique():
    """Workers of one machine are told apart, also in one process."""
    names = {loop.new_name() for _ in range(5)}

    assert 5 == len(names)
