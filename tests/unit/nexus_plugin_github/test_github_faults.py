"""A GitHub in trouble: whatever goes wrong with a call, what it was to do is done once."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from github_actions import ACTIONS, PULL, Action, World
from nexus_core.errors import Unavailable
from nexus_demo.standins.bare import BareRepository
from nexus_demo.standins.github import GitHubStandIn
from nexus_plugin_github.client import GitHubClient
from nexus_plugin_github.pace import LocalPace
from nexus_plugin_github.transport import Transport

SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
FAULTS: dict[str, dict[str, Any]] = {
    "retry-after": {"status": 403, "headers": {"Retry-After": "17"}, "message": SECONDARY},
    "retry-after 429": {"status": 429, "headers": {"Retry-After": "17"}},
    "secondary": {"status": 403, "message": SECONDARY},
    "secondary thrice": {"status": 403, "message": SECONDARY, "times": 3},
    "502 before": {"status": 502},
    "502 after": {"status": 502, "after": True},
    "503 after, twice": {"status": 503, "after": True, "times": 2},
    "cut before": {"status": 0},
    "cut after": {"status": 0, "after": True},
    "time-out after the commit": {"status": 0, "after": True, "delay": 0.4},
}


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_world(github: GitHubStandIn, bare: BareRepository, clock: Clock) -> Iterator[Callable[[bool], World]]:
    """The world of an action, with a client that gives up quickly."""
    opened: list[Transport] = []

    def make(app: bool) -> World:
        token = github.token
        if app:
            installed = github.apps.register(7, lambda signed, signature: True, "acme").installations[0]
            github.apps.tokens["ghs_app"] = (installed, time.time() + 900)
            token = "ghs_app"
        pace = LocalPace(uuid.uuid4().hex, 0.0, clock)
        opened.append(Transport(github.url, token, pace=pace, timeout=0.25))
        return World(client=GitHubClient(opened[-1]), github=github, bare=bare)

    yield make
    for transport in opened:
        transport.close()


def _until_done(action: Action, world: World, clock: Clock) -> list[float]:
    """Do it as a job does: again after each trouble, and not before GitHub wants to be called. The waits."""
    waits = []
    for _ in range(8):
        try:
            action.do(world)
            return waits
        except Unavailable as error:
            wait = error.details.get("wait", 0.0)
            waits.append(wait)
            if wait:
                _assert_silent(action, world)
            clock.now += wait
    raise AssertionError(f"it was never done: {waits}")


def _assert_silent(action: Action, world: World) -> None:
    """While GitHub wants to be left alone, nothing is sent, not even a question."""
    before = len(world.github.requests)
    with pytest.raises(Unavailable, match="left alone"):
        action.do(world)
    assert before == len(world.github.requests)


CASES = [
    pytest.param(action, write, fault, id=f"{action.name}, {write[1]}: {fault}")
    for action in ACTIONS
    for write in action.writes
    for fault in FAULTS
]


@pytest.mark.parametrize(("action", "write", "fault"), CASES)
def test_each_action_takes_place_once(
    make_world: Callable[[bool], World], clock: Clock, action: Action, write: tuple[str, str], fault: str
) -> None:
    """However the writing call fails, and however often it is tried again; and once more when all is well."""
    world = make_world(action.app)
    action.prepare(world)
    world.github.trouble(write[0], write[1], **FAULTS[fault])
    # On a busy machine another call may run into the client's time limit: then nothing was said of waiting.
    waits = [wait for wait in _until_done(action, world, clock) if wait]
    action.do(world)
    time.sleep(FAULTS[fault].get("delay", 0.0))  # what the server still had to do is done

    assert 1 == action.effects(world)
    expected = {"retry-after": [17.0], "retry-after 429": [17.0], "secondary": [60.0]}
    expected["secondary thrice"] = [60.0, 120.0, 240.0]
    assert expected.get(fault, waits) == waits


@pytest.mark.parametrize("action", [pytest.param(action, id=action.name) for action in ACTIONS])
def test_a_renamed_repository_is_followed_once(make_world: Callable[[bool], World], action: Action) -> None:
    """GitHub redirects from the former name: the action takes place once, at the new one."""
    world = make_world(action.app)
    action.prepare(world)
    world.github.world.rename("acme/api", "acme/core")
    for _ in range(2):
        action.do(world)

    assert 1 == action.effects(world)


@pytest.mark.parametrize("action", [pytest.param(action, id=action.name) for action in ACTIONS])
def test_a_done_action_writes_nothing(make_world: Callable[[bool], World], action: Action) -> None:
    """It looks before it writes."""
    world = make_world(action.app)
    action.prepare(world)
    action.do(world)
    before = len(world.github.requests)
    action.do(world)

    assert {"GET"} == {seen.method for seen in world.github.requests[before:]}


@pytest.mark.parametrize("target", ["http://127.0.0.1:9/x", "https://example.com/x", "//169.254.169.254/latest"])
@pytest.mark.parametrize("action", [pytest.param(action, id=action.name) for action in ACTIONS])
def test_our_token_goes_to_no_other_host(make_world: Callable[[bool], World], action: Action, target: str) -> None:
    """A redirect to elsewhere is refused, and has no effect."""
    world = make_world(action.app)
    action.prepare(world)
    method, path = action.writes[0]
    world.github.trouble(method, path, 307, headers={"Location": target})
    before = action.effects(world)

    with pytest.raises(Unavailable, match="another host"):
        action.do(world)
    assert (0, 0) == (before, action.effects(world))


def test_what_did_not_change_costs_nothing(make_world: Callable[[bool], World]) -> None:
    """GitHub says with 304 that an answer still holds, and does not count that."""
    world = make_world(False)
    world.github.limits.budget = 2
    names = [world.client.repository("acme/api").name for _ in range(6)]

    assert ({"acme/api"}, 1) == (set(names), world.github.limits.budget)
    assert [200, 304, 304, 304, 304, 304] == [seen.status for seen in world.github.requests]


def test_a_changed_answer_is_fetched(make_world: Callable[[bool], World], bare: BareRepository) -> None:
    """The mark changes with what it marks."""
    world = make_world(False)
    first = world.client.head_of("acme/api", "main")
    bare.update_ref("refs/heads/main", bare.branch("nexus/nx-1-work") or "", first)

    assert bare.branch("main") == world.client.head_of("acme/api", "main") != first


def test_a_page_that_was_the_last_is_asked_for_anew(make_world: Callable[[bool], World]) -> None:
    """A full page says by its mark that it is unchanged, and not that another one came after it."""
    world = make_world(False)
    world.client.ensure_pull("acme/api", PULL)
    for number in range(100):
        world.github.world.comment("acme/api", 1, f"talk {number}")
    first = len(list(world.client.comments("acme/api", 1)))
    world.github.world.comment("acme/api", 1, "one more")

    assert (100, 101) == (first, len(list(world.client.comments("acme/api", 1))))


def test_when_the_limit_is_spent_nobody_calls(make_world: Callable[[bool], World], clock: Clock) -> None:
    """The last answer of an hour says so itself: until its end there is nothing to be asked for."""
    world = make_world(False)
    world.github.limits.budget, world.github.limits.reset_in = 1, 30
    world.client.check()
    before = len(world.github.requests)
    with pytest.raises(Unavailable) as raised:
        world.client.check()
    world.github.limits.budget = None
    clock.now += raised.value.details["wait"]
    world.client.check()

    assert 25 < raised.value.details["wait"] < 35
    assert before + 1 == len(world.github.requests)


def test_a_stranger_with_our_marker_does_not_silence_us(make_world: Callable[[bool], World]) -> None:
    """Anybody may write a comment that looks like ours; ours is written all the same."""
    world = make_world(False)
    action = next(one for one in ACTIONS if one.name == "comment")
    action.prepare(world)
    world.github.world.comment("acme/api", 1, "haha <!-- nexus:said-1 -->", "mallory")
    action.do(world)
    action.do(world)

    assert 2 == action.effects(world)
