"""Levels: a cycle is found exactly when there is one, and room is made otherwise; with steps as small as can be."""

import random
from itertools import pairwise

import pytest

from nexus_core.domain.tasks import NewTask
from nexus_core.services import levels
from nexus_core.services.policies import ClaimTimes
from nexus_core.services.work import Work
from nexus_core.testing import nexus_for_test


@pytest.fixture
def nexus():
    with nexus_for_test() as opened:
        yield opened


def in_transaction(nexus, action):
    with nexus.store.writing() as transaction:
        return action(Work(transaction, nexus.clock.now(), nexus.plugins, ClaimTimes()))


def add_tasks(work, number):
    return [work.tasks.add(NewTask(title=f"Task {index}"), work.now).id for index in range(number)]


def tie(work, task, on):
    """Tie two tasks, unless that closes a cycle: what `lift` says of it."""
    known = work.graph.levels([task, on])
    lifted = levels.lift(work, (task, known[task]), (on, known[on]))
    if not lifted.cycle:
        work.tasks.depend(task, on)
    return lifted


def leads(edges, start, goal):
    front, seen = {start}, set()
    while front:
        seen |= front
        front = {on for task, on in edges if task in front} - seen
    return goal in seen


@pytest.mark.parametrize(("gap", "first", "most"), [(1, 1, 1), (2, 1, 2), (1 << 20, 8, 500)])
@pytest.mark.parametrize("seed", range(4))
def test_cycles_are_found_and_levels_stay_in_order(nexus, monkeypatch, seed, gap, first, most):
    """Two hundred dependencies in any direction between thirty tasks."""
    for name, value in (("GAP", gap), ("_FIRST", first), ("_MOST", most), ("_PATIENCE", most % 3)):
        monkeypatch.setattr(levels, name, value)
    chance = random.Random(seed)

    def action(work):
        ids, edges = add_tasks(work, 30), set()
        for _ in range(200):
            task, on = chance.choice(ids), chance.choice(ids)
            way = tie(work, task, on).cycle
            assert bool(way) == leads(edges, on, task)
            assert not way or (way[0], way[-1]) == (on, task)
            assert set(pairwise(way)) <= edges
            if not way:
                edges.add((task, on))
            known = work.graph.levels(ids)
            assert all(known[below] < known[above] for above, below in edges)

    in_transaction(nexus, action)


def test_what_fits_moves_nothing(nexus):
    """A dependency on a task with a lower level is not looked at further."""

    def action(work):
        one, two = add_tasks(work, 2)
        assert ({one: -levels.GAP}, {}) == (tie(work, two, one).levels, tie(work, two, one).levels)

    in_transaction(nexus, action)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_long_chain_moves_one_task_at_a_time(nexus, backwards):
    """Whichever end it grows at, each new dependency finds its place without moving the others."""

    def action(work):
        ids = add_tasks(work, 60)
        pairs = list(pairwise(ids))
        moved = [len(tie(work, above, below).levels) for below, above in (reversed(pairs) if backwards else pairs)]
        assert 1 == max(moved)
        assert tuple(reversed(ids)) == tie(work, ids[0], ids[-1]).cycle

    in_transaction(nexus, action)
