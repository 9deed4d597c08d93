"""Limits by key and by address: counted by all processes together, told in headers, refused with 429."""

from __future__ import annotations

import multiprocessing
import os
import re
from collections import Counter

import pytest
from falcon import testing

from nexus_core import Nexus
from nexus_core.errors import Unavailable
from nexus_http.app import create_app
from nexus_http.metering import ALONE_SECONDS, SLOTS, Meter


@pytest.fixture
def limited(config, api):
    """The API with small limits, as a maker of clients by key."""
    small = {"rate_limit__reads": 5, "rate_limit__writes": 3, "rate_limit__anonymous": 6, "rate_limit__failures": 2}
    with Nexus.open(config.replace(**small), load_plugins=False) as nexus:
        client = testing.TestClient(create_app(nexus))
        yield lambda key: type(api)(client, key)


def test_reads_are_counted_by_key(limited, nexus):
    """So many pass, the next is told when to come again; another key is another's affair, and so is what it changes."""
    keys = [nexus.keys.create(name, role="developer").secret for name in "ab"]
    answers = [limited(keys[0]).get("/me") for _ in range(6)]
    refused = answers[-1]

    assert [200] * 5 + [429] == [answer.status_code for answer in answers]
    assert ("too_many_requests", "application/problem+json") == (refused.json["code"], refused.headers["content-type"])
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert 200 == limited(keys[1]).get("/me").status_code
    assert 201 == limited(keys[0]).post("/tasks", {"title": "x"}).status_code


def test_what_is_left_is_told(limited, nexus):
    """In the words of the draft: the policy with its quota and window, what remains and until when."""
    key = nexus.keys.create("a", role="developer").secret
    answers = [limited(key).post("/tasks", {"title": "x"}) for _ in range(3)]
    left = [re.fullmatch(r'"writes";r=(\d);t=\d+', answer.headers["RateLimit"])[1] for answer in answers]

    assert {'"writes";q=3;w=60'} == {answer.headers["RateLimit-Policy"] for answer in answers}
    assert ["2", "1", "0"] == left


def test_an_address_without_a_key_is_counted(limited):
    """Documents, requests that lack a key, and what leads nowhere. Health checks are always answered."""
    nobody = limited(None)
    statuses = [nobody.get(path).status_code for path in ["//docs", "/tasks", "/nowhere"] * 3]

    assert [200, 401, 404] * 2 + [429, 429, 429] == statuses
    assert [200] * 20 == [nobody.get("//healthz").status_code for _ in range(20)]


def test_bad_keys_are_slowed_down_and_good_ones_are_not(limited, nexus):
    """The third bad key of an address is told to wait, a good one is answered; a header makes no address."""
    good = nexus.keys.create("a", role="viewer").secret
    bad = limited("nxs_key_wrong")
    statuses = [bad.get("/me", headers={"X-Forwarded-For": f"10.0.0.{number}"}).status_code for number in range(4)]

    assert [401, 401, 429, 429] == statuses
    assert 200 == limited(good).get("/me").status_code


def test_webhooks_are_counted_by_bad_signatures_only(config, nexus):
    """Any number of good ones pass, also while bad ones are told to wait."""
    nexus.config = config.replace(rate_limit__failures=2, rate_limit__anonymous=1)
    client = testing.TestClient(create_app(nexus))

    def send(secret: str, number: int) -> int:
        headers = {"X-Probe-Secret": secret, "X-Probe-Id": str(number)}
        return client.simulate_post("/api/v1/webhooks/probe", headers=headers, body=b"x").status_code

    assert [401, 401, 429, 429] == [send("wrong", number) for number in range(4)]
    assert [202] * 10 == [send("right", number) for number in range(10)]


def _count(meter: Meter, number: int) -> None:
    for _ in range(number):
        meter.count("somebody")


def test_processes_count_together():
    """Four that were forked from one, at once: nothing is lost, and nothing is counted twice."""
    meter = Meter(now=lambda: 1_000_000.0)
    forked = multiprocessing.get_context("fork")
    processes = [forked.Process(target=_count, args=(meter, 500)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)

    assert 2001 == meter.count("somebody").used


def _in_a_child(action):
    process = multiprocessing.get_context("fork").Process(target=action)
    process.start()
    process.join(30)
    assert 0 == process.exitcode


def test_a_process_counts_alone_for_a_moment_far_from_the_limit():
    """Others hear of it when the moment is over; from half the limit on they hear of each."""
    now = [1_000_000.0]
    meter = Meter(now=lambda: now[0])

    def far():
        assert [1, 100] == [meter.count("far", 400).used for _ in range(100)][::99]
        now[0] += ALONE_SECONDS
        assert 101 == meter.count("far", 400).used

    def near():
        assert 250 == [meter.count("near", 400).used for _ in range(250)][-1]

    def small():
        assert 5 == [meter.count("small", 100).used for _ in range(5)][-1]

    for action in (far, near, small):
        _in_a_child(action)

    assert [102, 251, 6] == [
        meter.count(name, limit).used for name, limit in (("far", 400), ("near", 400), ("small", 100))
    ]


def test_a_window_passes():
    """Then it begins at one again, and before that it tells how long it takes."""
    now = [1_000_000.0]
    meter = Meter(now=lambda: now[0])
    reset = [meter.count("a") for _ in range(3)][-1].reset
    now[0] += reset - 0.5
    before = meter.count("a").used
    now[0] += 1.5

    assert (4, 1) == (before, meter.count("a").used)


def test_many_names_share_the_room():
    """More than there are slots: who asked last is still counted, nobody is given another's count."""
    meter = Meter(now=lambda: 1_000_000.0)
    firsts = [meter.count(f"name {number}").used for number in range(2 * SLOTS)]

    assert {1} == set(firsts)
    assert 2 == meter.count(f"name {2 * SLOTS - 1}").used


def test_hosts_tell_each_other_by_the_store(nexus):
    """What one counted, the other knows after both have told; what was told once is not told again."""
    now = [1_000_000.0]
    hosts = [Meter(now=lambda: now[0]) for _ in range(2)]
    for host in hosts:
        host._settle = nexus.limits.settle
        for _ in range(3):
            host.count("somebody")
    told = []
    for _ in range(2):
        now[0] += 1.0
        told += [host.settle() for host in hosts]
    used = [host.count("somebody").used for host in hosts]
    now[0] += 1.0
    told += [host.settle() for host in hosts]

    assert ([4, 7], [1, 1, 0, 0, 1, 1]) == (used, told)
    assert [8, 9] == [host.count("somebody").used for host in hosts]


def test_what_is_being_told_is_not_told_again():
    """A store that takes longer than a second to answer hears each request once, also from another process."""
    now = [1_000_000.0]
    meter = Meter(now=lambda: now[0])
    store = Counter()

    def slow(counted):
        now[0] += 1.0
        if len(told) == 1:
            told.append(counted)
            meter.settle()  # another process's, while this one still waits
        store.update(counted)
        return dict(store)

    told = [{}]
    meter.share(slow)
    meter._pid = os.getpid()  # no thread of its own
    for _ in range(3):
        meter.count("somebody")
    meter.settle()
    meter.settle()

    assert [3] == [*store.values()]
    assert 4 == meter.count("somebody").used


def test_what_the_store_did_not_hear_is_told_later():
    """Nothing is lost when it is away."""
    now = [1_000_000.0]
    meter = Meter(now=lambda: now[0])
    store = Counter()

    def away(counted):
        raise Unavailable("away")

    meter.share(away)
    meter._pid = os.getpid()  # no thread of its own
    meter.count("somebody")
    with pytest.raises(Unavailable):
        meter.settle()
    meter.share(lambda counted: (store.update(counted), dict(store))[1])
    meter.count("somebody")
    now[0] += 1.0

    assert (1, 0) == (meter.settle(), meter.settle())
    assert ([2], 3) == ([*store.values()], meter.count("somebody").used)
