"""Webhooks that never arrived are asked for again: each once, by whichever process, and at GitHub's pace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nexus_core.config import Config
from nexus_core.domain.jobs import Done, Snooze
from nexus_core.nexus import Nexus
from nexus_core.testing import FrozenClock
from nexus_demo.standins import github_hooks
from nexus_demo.standins.github import GitHubStandIn
from nexus_plugin_github import catchup, hooks
from nexus_plugin_github.catchup import MOST_ATTEMPTS, catch_up

OURS = "https://nexus.example/api/v1/webhooks/github"
OpenHub = Callable[..., Nexus]


@pytest.fixture
def open_hub(tmp_path: Path, github: GitHubStandIn) -> Iterator[OpenHub]:
    """Opens a hub with `acme/api` whose GitHub is the stand-in; each further one is another process of it."""
    opened: list[Nexus] = []

    def make(clock: FrozenClock | None = None, **settings: Any) -> Nexus:
        table = {"api_url": github.url, "token": github.token, "webhook_secret": "s" * 20, "write_pause": 0}
        config = Config(plugins={"github": table | settings})
        hub = Nexus.open(config, data_dir=tmp_path / "hub", plugins=[hooks], load_plugins=False, clock=clock)
        opened.append(hub)
        if not hub.repositories.list():
            hub.repositories.add("acme/api")
        return hub

    yield make
    for hub in opened:
        hub.close()


def _hook(github: GitHubStandIn, url: str = OURS) -> int:
    hosted = github.world.repository("acme/api")
    made: int = github_hooks.make_hook(github.world, hosted, {"url": url}, ["push"])["id"]
    return made


def _ids(rows: list[Any]) -> list[int]:
    return sorted(row["id"] for row in rows)


def test_thirty_failed_ones_are_asked_for_once(open_hub: OpenHub, github: GitHubStandIn) -> None:
    """On pages among those that arrived; a second look, and another process, ask for none of them again."""
    hub, hook = open_hub(), _hook(github)
    failed = []
    for number in range(130):
        is_lost = number % 4 == 0 and len(failed) < 30
        row = github_hooks.failed(github.world, hook, f"guid-{number}", status=502 if is_lost else 202)
        failed += [row] if is_lost else []
    asked = [catch_up(one.context("github")) for one in (hub, hub, open_hub())]

    assert [30, 0, 0] == [len(one.asked) for one in asked]
    assert _ids(failed) == sorted(github.world.asked_again)


def test_what_arrived_in_another_attempt_is_let_be(open_hub: OpenHub, github: GitHubStandIn) -> None:
    """A delivery counts as lost when none of its attempts arrived; one that fails again is asked for again."""
    hub, hook = open_hub(), _hook(github)
    mended, lost = (github_hooks.failed(github.world, hook, guid) for guid in ("mended", "lost"))
    github_hooks.arrive(github.world, hook, mended["id"])
    catch_up(hub.context("github"))
    again = github_hooks.arrive(github.world, hook, lost["id"], status=500)
    catch_up(hub.context("github"))
    github_hooks.arrive(github.world, hook, again["id"])
    catch_up(hub.context("github"))

    assert [lost["id"], again["id"]] == github.world.asked_again


def test_what_fails_again_and_again_is_given_up(open_hub: OpenHub, github: GitHubStandIn) -> None:
    """It is no matter of asking; and it is told."""
    hub, hook = open_hub(), _hook(github)
    for _ in range(MOST_ATTEMPTS):
        github_hooks.failed(github.world, hook, "poison")
    done = catch_up(hub.context("github"))

    assert (1, 1, []) == (done.failed, done.given_up, done.asked)


def test_webhooks_of_others_are_theirs(open_hub: OpenHub, github: GitHubStandIn) -> None:
    """A repository has webhooks that go elsewhere."""
    hub, hook = open_hub(), _hook(github, "https://ci.example/hook")
    github_hooks.failed(github.world, hook, "theirs")

    assert 0 == catch_up(hub.context("github")).failed


def test_an_app_asks_for_its_own(open_hub: OpenHub, github: GitHubStandIn, app_settings: dict[str, Any]) -> None:
    """An App has one webhook for all repositories."""
    hub = open_hub(**app_settings)
    row = github_hooks.failed(github.world, github_hooks.APP, "lost")
    done = catch_up(hub.context("github"))

    assert ([str(row["id"])], [row["id"]]) == (done.asked, github.world.asked_again)


def test_a_token_that_may_not_see_them_is_told(open_hub: OpenHub, github: GitHubStandIn) -> None:
    """With the permission that is missing."""
    hub = open_hub()
    github.world.hooks_hidden.add("acme/api")
    done = catch_up(hub.context("github"))

    assert 1 == len(done.notes) and "Webhooks: read and write" in done.notes[0]


def test_limits_are_kept_and_nothing_is_asked_twice(open_hub: OpenHub, github: GitHubStandIn) -> None:
    """In the midst of it GitHub wants to be left alone: the job waits as long as it says, then goes on."""
    hub, hook = open_hub(), _hook(github)
    rows = [github_hooks.failed(github.world, hook, f"guid-{number}") for number in range(3)]
    github.trouble("POST", f"/{rows[1]['id']}/attempts", 429, headers={"Retry-After": "120"})
    outcome = catchup.run(None, hub.context("github"))  # type: ignore[arg-type] # it needs nothing of its job

    assert isinstance(outcome, Snooze) and 119 <= outcome.for_.total_seconds() <= 121
    assert [rows[0]["id"]] == github.world.asked_again


def test_it_comes_round(open_hub: OpenHub, github: GitHubStandIn) -> None:
    """A worker's sweep starts it, and it says what it did."""
    hub, hook = open_hub(), _hook(github)
    github_hooks.failed(github.world, hook, "lost")
    hub.jobs.sweep()
    hub.jobs.drain()
    (job,) = hub.jobs.list(kind="github.catch_up")

    assert ("done", "1 failed, 1 asked for again") == (job.state, job.last_error)
    assert 1 == len(github.world.asked_again)


def test_without_access_it_says_so(tmp_path: Path) -> None:
    """And calls nobody."""
    config = Config(plugins={"github": {"webhook_secret": "s" * 20}})
    with Nexus.open(config, data_dir=tmp_path / "hub", plugins=[hooks], load_plugins=False) as hub:
        outcome = catchup.run(None, hub.context("github"))  # type: ignore[arg-type] # as above

    assert isinstance(outcome, Done) and "NEXUS_GITHUB_TOKEN" in (outcome.note or "")


@pytest.mark.parametrize("status", [503, 0])
def test_a_request_that_failed_is_made_again(open_hub: OpenHub, github: GitHubStandIn, status: int) -> None:
    """GitHub was in trouble, or nobody knows whether it heard: the delivery is not forgotten for that."""
    clock = FrozenClock(datetime.now(UTC))
    hub, hook = open_hub(clock=clock), _hook(github)
    row = github_hooks.failed(github.world, hook, "lost")
    github.trouble("POST", f"/{row['id']}/attempts", status)
    outcome = catchup.run(None, hub.context("github"))  # type: ignore[arg-type] # as above
    clock.advance(minutes=20)
    catch_up(hub.context("github"))

    assert not isinstance(outcome, Done)
    assert [row["id"]] == github.world.asked_again


def test_many_at_once_ask_once(open_hub: OpenHub, github: GitHubStandIn) -> None:
    """Who asks for a delivery is decided in the store, for all processes."""
    hubs, hook = [open_hub() for _ in range(4)], _hook(github)
    rows = [github_hooks.failed(github.world, hook, f"guid-{number}") for number in range(30)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda hub: catch_up(hub.context("github")), hubs))

    assert 30 == sum(len(one.asked) for one in done)
    assert _ids(rows) == sorted(github.world.asked_again)
