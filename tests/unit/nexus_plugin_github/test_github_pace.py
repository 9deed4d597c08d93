"""One pace for all processes of a hub: writing calls one after another and apart; silence for all when GitHub asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nexus_core.config import Config
from nexus_core.errors import Unavailable
from nexus_core.nexus import Nexus
from nexus_demo.standins.github import GitHubStandIn
from nexus_demo.standins.github_issues import open_issue
from nexus_plugin_github import hooks
from nexus_plugin_github.calling import client_for
from nexus_plugin_github.pace import growing
from nexus_plugin_github.shared import SharedPace

PAUSE = 250  # milliseconds


@pytest.fixture
def open_hub(tmp_path: Path, github: GitHubStandIn) -> Iterator[Callable[[], Nexus]]:
    """Opens one more hub on the same data, as another process does."""
    opened: list[Nexus] = []

    def make() -> Nexus:
        table = {"api_url": github.url, "token": github.token, "write_pause": PAUSE}
        config = Config(plugins={"github": table})
        opened.append(Nexus.open(config, data_dir=tmp_path / "hub", plugins=[hooks], load_plugins=False))
        return opened[-1]

    yield make
    for hub in opened:
        hub.close()


def test_two_processes_write_one_after_another(open_hub: Callable[[], Nexus], github: GitHubStandIn) -> None:
    """However many write at once, GitHub sees one call at a time, with the pause between. (The stand-in watches.)"""
    github.limits.apart = PAUSE / 1000
    open_issue(github.world, "acme/api", title="Talk")
    faults: list[Exception] = []

    def talk(hub: Nexus, name: str) -> None:
        with client_for(hub.context("github"), "acme/api") as client:
            for number in range(3):
                while True:  # as a job that is put off
                    try:
                        client.comment_once("acme/api", 1, f"{name}-{number}", "Hello")
                        break
                    except Unavailable as error:
                        faults.append(error)
                        time.sleep(error.details.get("wait", 0.1))

    threads = [threading.Thread(target=talk, args=(open_hub(), name)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 6 == len(github.world.comments)
    assert [] == [fault for fault in faults if "wait" not in fault.details]  # type: ignore[attr-defined]


def test_a_limit_of_one_process_is_the_limit_of_all(open_hub: Callable[[], Nexus], github: GitHubStandIn) -> None:
    """What GitHub told one, the others heed: they send nothing."""
    github.trouble("GET", "repos/acme/api", 403, headers={"Retry-After": "90"})
    waits, before = [], 0
    for hub in (open_hub(), open_hub()):
        with client_for(hub.context("github"), "acme/api") as client, pytest.raises(Unavailable) as raised:
            client.repository("acme/api")
        waits.append(raised.value.details["wait"])
        before = before or len(github.requests)

    assert 90 == waits[0] >= waits[1] > 85
    assert before == len(github.requests)


def test_who_died_in_its_turn_keeps_nobody_for_good(open_hub: Callable[[], Nexus]) -> None:
    """The turn is the next one's when it was held for longer than any call takes."""
    hub = open_hub()
    name = "github:dead"
    assert 0 == hub.turns.take(name, "dead", hold=0.2)
    pace = SharedPace(hub, name, 0)
    first = pace.take()
    time.sleep(0.25)

    assert (True, 0) == (first > 0, pace.take())


def test_limits_in_a_row_grow_for_all(open_hub: Callable[[], Nexus]) -> None:
    """Where GitHub does not say how long: a minute, two, four …; an hour at most."""
    paces = [SharedPace(open_hub(), "github:row", 0) for _ in range(2)]
    waits = [paces[number % 2].close(None) for number in range(8)]
    for pace in paces:
        pace.calm()  # too early: it still is to be silent

    assert [60, 120, 240, 480, 960, 1920, 3600, 3600] == waits
    assert 3600 == paces[0].close(None)


def test_a_row_of_limits_ends(open_hub: Callable[[], Nexus]) -> None:
    """When it went well for as long as the last wait, the next limit is a first one again."""
    hub = open_hub()
    hub.turns.strike("github:calm")
    hub.turns.calm("github:calm", growing)
    kept = hub.turns.strike("github:calm")
    time.sleep(0.05)
    hub.turns.calm("github:calm", lambda strikes: 0.01)

    assert (2, 1) == (kept, hub.turns.strike("github:calm"))
