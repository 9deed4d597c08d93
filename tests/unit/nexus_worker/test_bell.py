"""The bell, on a real RabbitMQ and a real Redis: rings arrive, nonsense goes, trouble never reaches callers."""

import os
import socket
import threading
import time
from urllib.parse import urldefrag

import kombu
import pytest

from nexus_core.ports.wakeup import Ring
from nexus_worker.bell import RINGS_MOST, Address, Ear, KombuWakeup

pytestmark = pytest.mark.services


@pytest.fixture
def listen(until):
    """Starts ears that keep what they hear: `ear, heard = listen(url)`."""
    ears = []

    def start(url, *, done=True, **options):
        heard = []

        def keep(one):
            one.done = done
            heard.append((one.lane, one.job_id))

        ear = Ear(url, keep, **options)
        ears.append(ear)
        ear.start()
        assert until(lambda: ear.connected)
        return ear, heard

    yield start
    for ear in ears:
        ear.stop()


@pytest.fixture
def bell():
    """Makes bells that are closed afterwards."""
    bells = []

    def make(url):
        bells.append(KombuWakeup(url))
        return bells[-1]

    yield make
    for one in bells:
        one.close()


def _publish(url, lane, body, **properties):
    bare, namespace = urldefrag(url)
    with kombu.Connection(bare) as connection:
        name = f"{namespace}.{lane}"
        queue = kombu.Queue(name, routing_key=name, durable=True)
        connection.Producer().publish(body, exchange="", routing_key=name, declare=[queue], **properties)


def _length(url, lane="default"):
    bare, namespace = urldefrag(url)
    with kombu.Connection(bare) as connection:
        queue = kombu.Queue(f"{namespace}.{lane}", durable=True)
        return queue(connection.default_channel).queue_declare().message_count


def test_rings_arrive_in_their_lanes(namespaced, bell, listen, until):
    """What is rung is heard once, in its lane, and nothing is left in the queue."""
    ear, heard = listen(namespaced)
    bell(namespaced).ring([Ring("default", 1), Ring("docs", 2), Ring("default", 1)])

    assert until(lambda: len(heard) == 2)
    assert {("default", 1), ("docs", 2)} == set(heard)
    ear.stop()
    assert 0 == _length(namespaced)


def test_of_many_some_are_announced(namespaced, bell, until):
    """The last of them says that there are more; another lane is not kept short by it."""
    heard = []
    ear = Ear(namespaced, lambda one: heard.append((one.lane, one.job_id, one.more)), prefetch={"default": 50})
    bell(namespaced).ring([*(Ring("default", number) for number in range(1, 1001)), Ring("docs", 2000)])
    ear.start()
    came = until(lambda: len(heard) == RINGS_MOST + 1)
    ear.stop()

    assert came
    assert {("default", RINGS_MOST, True)} == {one for one in heard if one[2]}
    assert [("docs", 2000, False)] == [one for one in heard if one[0] == "docs"]


def test_queues_and_messages_are_plain(namespaced, bell):
    """Another program can read them: a durable queue `<namespace>.<lane>`, a persistent message of JSON."""
    bell(namespaced).ring([Ring("notify", 7)])
    bare, namespace = urldefrag(namespaced)
    with kombu.Connection(bare) as connection:
        queue = kombu.Queue(f"{namespace}.notify", durable=True)
        message = queue(connection.default_channel).get(accept=["json"])

    assert {"job": 7} == message.payload
    assert ("application/json", 2) == (message.content_type, message.properties.get("delivery_mode"))


def test_deleted_queue_comes_back(namespaced, bell):
    """A queue that somebody deleted does not swallow what is rung after."""
    one = bell(namespaced)
    one.ring([Ring("default", 1)])
    bare, namespace = urldefrag(namespaced)
    with kombu.Connection(bare) as connection:
        if bare.startswith("redis"):
            connection.default_channel.client.delete(f"{namespace}.default")
        else:
            connection.default_channel.queue_delete(f"{namespace}.default")
    one.ring([Ring("default", 2)])

    assert 1 == _length(namespaced)


@pytest.mark.parametrize(
    ("body", "properties"),
    [
        (b"not json", {"content_type": "application/json", "content_encoding": "utf-8"}),
        (b"\x80\x04.", {"content_type": "application/x-python-serialize", "content_encoding": "binary"}),
        (b"[" * 100_000, {"content_type": "application/json", "content_encoding": "utf-8"}),
        ({"job": "7"}, {"serializer": "json"}),
        ({"job": -1}, {"serializer": "json"}),
        ({"job": True}, {"serializer": "json"}),
        ([7], {"serializer": "json"}),
        ("x" * 1_000_000, {"serializer": "json"}),
    ],
    ids=["no-json", "pickle", "deep", "text", "negative", "flag", "list", "large"],
)
def test_nonsense_is_thrown_away(namespaced, bell, listen, until, body, properties):
    """A message that makes no sense is counted, acknowledged, and holds nothing up."""
    ear, heard = listen(namespaced)
    _publish(namespaced, "default", body, **properties)
    bell(namespaced).ring([Ring("default", 3)])

    assert until(lambda: heard == [("default", 3)])
    assert until(lambda: ear.garbage == 1)
    ear.stop()
    assert 0 == _length(namespaced)


def test_unacknowledged_goes_to_another(namespaced, bell, listen, until):
    """What a worker heard and did not deal with is heard by another one after it ended."""
    ear, heard = listen(namespaced, done=False)
    bell(namespaced).ring([Ring("default", 5)])
    assert until(lambda: heard)
    ear.stop()
    _, others = listen(namespaced)

    assert until(lambda: others == [("default", 5)])


def test_broker_does_not_wait_for_long_jobs(namespaced, bell, listen, until):
    """A ring is acknowledged after a while though its job goes on: the row holds it."""
    ear, heard = listen(namespaced, done=False, hold=0.2)
    bell(namespaced).ring([Ring("default", 5)])

    assert until(lambda: heard and not ear._unacked)
    ear.stop()
    assert 0 == _length(namespaced)


def test_a_lane_that_is_full_keeps_no_other_back(namespaced, bell, listen, until):
    """As many agents' rings as may be outstanding do not delay those of other lanes."""
    _, heard = listen(namespaced, done=False, prefetch={"agents": 2})
    one = bell(namespaced)
    one.ring([Ring("agents", number) for number in range(1, 6)])
    one.ring([Ring("default", 9)])

    assert until(lambda: ("default", 9) in heard)
    assert 2 == sum(lane == "agents" for lane, _ in heard)


def test_threads_share_a_bell(namespaced, bell, listen, until):
    """Eight threads that ring at once garble nothing."""
    _, heard = listen(namespaced)
    one = bell(namespaced)
    threads = [
        threading.Thread(target=lambda base=base: [one.ring([Ring("default", base + n)]) for n in range(1, 11)])
        for base in range(0, 800, 100)
    ]
    [thread.start() for thread in threads]
    [thread.join(20) for thread in threads]

    assert until(lambda: len(heard) == 80)
    assert 80 == len(set(heard))


def test_child_of_a_fork_rings_on_its_own(namespaced, bell, listen, until):
    """Parent and child of a fork do not share a connection."""
    _, heard = listen(namespaced)
    one = bell(namespaced)
    one.ring([Ring("default", 1)])
    child = os.fork()
    if child == 0:
        try:
            one.ring([Ring("default", 2)])
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    one.ring([Ring("default", 3)])

    assert until(lambda: {1, 2, 3} == {job_id for _, job_id in heard})


def test_survives_a_lost_connection(behind_proxy, bell, listen, until):
    """When the connections die, both sides make new ones, and nothing that is rung afterwards is lost."""
    proxy, url = behind_proxy
    ear, heard = listen(url)
    one = bell(url)
    one.ring([Ring("default", 1)])
    assert until(lambda: heard == [("default", 1)])
    proxy.cut()
    one.ring([Ring("default", 2)])

    assert until(lambda: ("default", 2) in heard, 15)
    assert until(lambda: ear.connected)


def test_comes_back_after_an_outage(behind_proxy, bell, listen, until, monkeypatch):
    """A broker that was gone for a while is used again without a restart."""
    monkeypatch.setattr("nexus_worker.bell.QUIET_SECONDS", 0.2)
    proxy, url = behind_proxy
    ear, heard = listen(url)
    one = bell(url)
    proxy.refuse()
    assert until(lambda: not ear.connected)
    one.ring([Ring("default", 1)])
    proxy.listen()
    time.sleep(0.3)
    one.ring([Ring("default", 2)])

    assert until(lambda: ("default", 2) in heard, 15)


def test_silent_broker_costs_seconds(behind_proxy, bell):
    """A broker that takes everything and answers nothing holds a caller up for some seconds, once."""
    proxy, url = behind_proxy
    one = bell(url)
    one.ring([Ring("default", 1)])
    proxy.fall_silent()
    took = []
    for _ in range(2):
        began = time.monotonic()
        one.ring([Ring("default", 2)])
        took.append(time.monotonic() - began)

    assert took[0] < 4 and took[1] < 0.1


@pytest.mark.parametrize("scheme", ["amqp", "redis"])
def test_broker_that_never_greets(scheme, bell):
    """So does one that accepts connections and says nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = time.monotonic()
        bell(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}").ring([Ring("default", 1)])

    assert time.monotonic() - began < 4


@pytest.mark.parametrize("url", ["amqp://u:s3cret@127.0.0.1:1//", "redis://:s3cret@127.0.0.1:1/0"])
def test_unreachable_broker_is_said_once(url, bell, caplog):
    """Nothing is raised, it takes no time, and one line says so, without the password."""
    one = bell(url)
    began = time.monotonic()
    for number in range(20):
        one.ring([Ring("default", number)])

    assert time.monotonic() - began < 2
    assert ["WARNING"] == [record.levelname for record in caplog.records if record.name.startswith("nexus")]
    assert "s3cret" not in caplog.text and "Traceback" not in caplog.text


def test_namespace_stands_in_the_fragment():
    """Hubs that share a broker tell their queues apart by the URL's fragment."""
    address = Address.from_url("amqp://host/vhost#blue")

    assert ("blue", "amqp://host/vhost") == (address.namespace, address.url)
    assert "nexus.docs" == Address.from_url("redis://host/1").queue("docs").name


def test_what_libraries_lose_by_default_is_asked_for():
    """Confirms on RabbitMQ; on Redis keep-alive, health checks, and hand-outs that do not wait for an hour."""
    amqp = Address.from_url("amqp://h")._amqp_options(1)
    redis = Address.from_url("redis://h")._redis_options(1)

    assert amqp["confirm_publish"] is True
    assert redis["socket_keepalive"] and redis["health_check_interval"] and redis["visibility_timeout"] < 3600
