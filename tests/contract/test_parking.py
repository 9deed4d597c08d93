"""Parked tasks wake by themselves: they are told of, once, and handed out. On both engines, by a clock of the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from engines import at_once, open_hub
from nexus_core.domain.agents import Agent
from nexus_core.nexus import Nexus
from nexus_core.ports.queries import TaskQuery
from nexus_core.services import upkeep
from nexus_core.testing import FrozenClock


@pytest.fixture
def clock() -> FrozenClock:
    """Noon of the last of January."""
    return FrozenClock()


@pytest.fixture
def hub(database_url: str, clock: FrozenClock) -> Iterator[Nexus]:
    """A hub with an agent that comes for work, at that time."""
    with open_hub(database_url, clock=clock, agents={"ada": Agent(name="ada")}) as opened:
        pass_time(opened)  # the schedule's first look
        yield opened


def pass_time(hub: Nexus) -> None:
    """What a worker does all the time: start what is scheduled, run what is due."""
    hub.jobs.sweep()
    hub.jobs.drain()


def told(hub: Nexus) -> list[int | None]:
    """The tasks that `task.ready` was recorded for, in order."""
    return [event.task_id for event in hub.events.list(type="task.ready", limit=200)]


def park(hub: Nexus, clock: FrozenClock, **by: float) -> int:
    """A new task that is parked for a while."""
    return hub.tasks.create("Later", not_before=clock.now() + timedelta(**by)).id


def test_a_task_wakes_and_is_told_of_once(hub: Nexus, clock: FrozenClock) -> None:
    """At the first look after its time; not before, and not again."""
    task = park(hub, clock, hours=1)
    clock.advance(minutes=59)
    pass_time(hub)
    early = told(hub)
    for _ in range(3):
        clock.advance(minutes=1)
        pass_time(hub)

    assert ([], [task]) == (early, told(hub))
    assert "system" == hub.events.list(type="task.ready")[0].actor_kind
    assert [task] == [one.id for one in hub.tasks.list(TaskQuery(ready=True)).items]


def test_those_whose_time_came_while_nobody_looked_are_told_of(hub: Nexus, clock: FrozenClock) -> None:
    """The hub was down for a week; the first that woke is told of first."""
    second, first = park(hub, clock, days=3), park(hub, clock, days=1)
    clock.advance(days=7)
    pass_time(hub)

    assert [first, second] == sorted(told(hub), reverse=True)


def test_what_waits_for_something_else_too_is_told_of_when_that_is_over(hub: Nexus, clock: FrozenClock) -> None:
    """Once, whichever ends last."""
    blocker = hub.tasks.create("First").id
    task = hub.tasks.create("Then", dependencies=[blocker], not_before=clock.now() + timedelta(hours=1)).id
    clock.advance(hours=2)
    pass_time(hub)
    waiting = told(hub)
    hub.tasks.move(blocker, "done")
    clock.advance(minutes=1)
    pass_time(hub)

    assert ([blocker], [blocker, task]) == (waiting, told(hub))


def test_what_was_told_by_another_is_not_told_again(hub: Nexus, clock: FrozenClock) -> None:
    """An edit that ends the parking, or sets it to a time that is past, tells so itself."""
    task, other = park(hub, clock, hours=1), park(hub, clock, hours=1)
    clock.advance(seconds=20)
    hub.tasks.edit(task, {"not_before": None})
    hub.tasks.edit(other, {"not_before": clock.now() - timedelta(seconds=5)})
    clock.advance(seconds=20)
    pass_time(hub)
    clock.advance(hours=2)
    pass_time(hub)

    assert [task, other] == told(hub)


def test_parking_again_is_waking_again(hub: Nexus, clock: FrozenClock) -> None:
    """Each time has its event."""
    task = park(hub, clock, hours=1)
    clock.advance(hours=1)
    pass_time(hub)
    hub.tasks.edit(task, {"not_before": clock.now() + timedelta(hours=1)})
    clock.advance(hours=1)
    pass_time(hub)

    assert [task, task] == told(hub)


def test_what_is_done_or_held_by_then_is_not_told_of(hub: Nexus, clock: FrozenClock) -> None:
    """There is nothing to do, or somebody does it."""
    done, held = park(hub, clock, minutes=10), park(hub, clock, minutes=-1)
    hub.tasks.move(done, "done")
    hub.assignments.claim(agent="ada", task_id=held)
    before = told(hub)
    clock.advance(minutes=15)
    pass_time(hub)

    assert before == told(hub)


def test_a_clock_that_went_back_tells_nothing_twice(hub: Nexus, clock: FrozenClock) -> None:
    """And goes on where it was."""
    task = park(hub, clock, hours=1)
    clock.advance(hours=1)
    pass_time(hub)
    clock.advance(minutes=-30)
    hub.tasks.wake_parked()
    clock.advance(hours=1)
    pass_time(hub)

    assert [task] == told(hub)


def test_what_had_woken_before_it_came_here_is_not_told_of(hub: Nexus, clock: FrozenClock) -> None:
    """An import tells of its new tasks itself."""
    hub.tasks.import_file(b'{"title": "A", "not_before": "2026-01-30T00:00:00Z"}\n', "acme/api")
    clock.advance(minutes=1)
    pass_time(hub)

    assert [] == told(hub)


def test_what_wakes_is_handed_out(database_url: str, clock: FrozenClock) -> None:
    """To a launched agent, by the same look."""
    agents = {"bot": Agent(name="bot", command=("true",))}
    with open_hub(database_url, clock=clock, agents=agents) as hub:
        task = park(hub, clock, hours=1)
        pass_time(hub)
        before = len(hub.assignments.list())
        clock.advance(hours=1)
        hub.jobs.sweep()
        hub.jobs.drain(limit=3)

        assert (0, [task]) == (before, [one.task_id for one in hub.assignments.list()])


def test_a_file_parks_and_unparks(hub: Nexus, clock: FrozenClock) -> None:
    """By JSON Lines; the end of it is told by the import, or by the clock."""
    hub.tasks.import_file(b'{"id": "a", "title": "A", "not_before": "2026-01-31T13:00:00Z"}\n', "acme/api")
    hub.tasks.import_file(b'{"id": "b", "title": "B", "not_before": "2026-01-31T13:00:00Z"}\n', "acme/web")
    hub.tasks.import_file(b'{"id": "b", "title": "B", "not_before": null}\n', "acme/web")
    unparked = told(hub)
    clock.advance(hours=1)
    pass_time(hub)

    assert ([2], [2, 1]) == (unparked, told(hub))


def test_who_looks_at_once_tells_once(hub: Nexus, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers, such as one whose lease ended while it looked and the one that took over."""
    task = park(hub, clock, hours=1)
    clock.advance(hours=2)
    announce = upkeep.announce_ready
    both = threading.Barrier(2)

    def when_both_have_looked(*arguments: Any, **named: Any) -> None:
        with suppress(threading.BrokenBarrierError):  # the other waits for us, as it should
            both.wait(0.5)
        announce(*arguments, **named)

    monkeypatch.setattr(upkeep, "announce_ready", when_both_have_looked)
    found = at_once([hub.tasks.wake_parked] * 2)

    assert [[], [task]] == sorted(found)
    assert [task] == told(hub)
