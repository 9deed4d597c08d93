"""What takes long and is wanted at every change rests in between, and is done in the end."""

import time
from contextlib import contextmanager
from datetime import timedelta

import pytest

from nexus_core.plugins.hookspecs import hookimpl
from nexus_core.plugins.records import EventHandler
from nexus_core.services.rests import LONGEST, SHORT
from nexus_core.testing import nexus_for_test


class Painter:
    """Draws all tasks anew when one moved, for as long as the test says."""

    def __init__(self, seconds=0.0, rest=20.0):
        self.seconds, self.rest, self.drawn = seconds, rest, []

    def draw(self, event, ctx):
        """Burn processor time."""
        self.drawn.append(event.repository_id)
        end = time.thread_time() + self.seconds
        while time.thread_time() < end:
            pass

    @hookimpl
    def nexus_event_handlers(self):
        """One job a repository."""
        yield EventHandler(
            name="painter.draw", on="task.moved", call=self.draw, rest=self.rest, lane="docs",
            coalesce=lambda event: str(event.repository_id),
        )  # fmt: skip


@contextmanager
def hub(painter, clock):
    with nexus_for_test(painter, clock=clock) as nexus:
        for name in ("acme/api", "acme/web"):
            nexus.repositories.add(name)
            nexus.tasks.create("Model", repository=name)
        yield nexus


def move(nexus, task_id, *words):
    for word in words:
        nexus.tasks.move(task_id, word)
        nexus.jobs.drain()


def test_a_long_run_rests_and_what_came_meanwhile_is_one_run_later(clock):
    """The others of its key wait together; those of another repository do not."""
    painter = Painter(seconds=SHORT.total_seconds() + 0.02)
    with hub(painter, clock) as nexus:
        move(nexus, 1, "blocked", "pending", "blocked")
        first = list(painter.drawn)
        move(nexus, 2, "blocked")
        other = list(painter.drawn)
        waiting = [job for job in nexus.jobs.list(state="pending", lane="docs") if job.kind == "painter.draw"]
        clock.advance(seconds=1)
        nexus.jobs.drain()
        soon = list(painter.drawn)
        clock.advance(seconds=60)
        nexus.jobs.drain()

    assert ([1], [1, 2], [1, 2], [1, 2, 1]) == (first, other, soon, painter.drawn)
    assert ["painter.draw:1"] == [job.unique_key for job in waiting]
    assert timedelta(seconds=4) < waiting[0].run_at - waiting[0].created_at < timedelta(seconds=20)


@pytest.mark.parametrize("painter", [Painter(seconds=0.0), Painter(seconds=0.52, rest=0)])
def test_what_is_quick_or_asks_for_no_rest_runs_each_time(painter, clock):
    """As often as something moved."""
    with hub(painter, clock) as nexus:
        move(nexus, 1, "blocked", "pending", "blocked")

    assert [1, 1, 1] == painter.drawn


def test_no_rest_is_for_ever(clock):
    """However long a run took."""
    painter = Painter(seconds=SHORT.total_seconds() + 0.02, rest=1e9)
    with hub(painter, clock) as nexus:
        move(nexus, 1, "blocked", "pending")
        clock.advance(seconds=LONGEST.total_seconds())
        nexus.jobs.drain()

    assert [1, 1] == painter.drawn
