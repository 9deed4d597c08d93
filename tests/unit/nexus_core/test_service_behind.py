"""What is behind each task, against a count from nothing: with limits so low that every branch is taken."""

import random

import pytest

from nexus_core.domain.behind import Reach
from nexus_core.errors import Cycle, TransitionRefused
from nexus_core.ports.queries import TaskQuery
from nexus_core.services import behind, outlook, upkeep
from nexus_core.testing import nexus_for_test


@pytest.fixture(params=[3, 6, 10_000])
def most(request, monkeypatch):
    """Where counting ends, with everything else as small as it can be."""
    for module in (behind, outlook):
        monkeypatch.setattr(module, "MOST_COUNTED", request.param)
    monkeypatch.setattr(behind, "_FIRST_BLOCK", 1)
    monkeypatch.setattr(behind, "_LARGEST_BLOCK", 2)
    monkeypatch.setattr(behind, "_LARGEST_REACH", 4)
    monkeypatch.setattr(upkeep, "_AT_ONCE", 3)
    return request.param


class Net:
    """Tasks that are tied, untied, closed and reopened at random."""

    def __init__(self, nexus, chance, number=14):
        self.nexus, self.chance = nexus, chance
        self.ids = [nexus.tasks.create(f"Task {index}").id for index in range(number)]

    def step(self):
        one, other = self.chance.sample(self.ids, 2)
        try:
            match self.chance.randrange(8):
                case 0:
                    self.nexus.tasks.undepend(one, other)
                case 1 | 2:
                    self.nexus.tasks.move(one, self.chance.choice(["done", "cancelled", "pending", "in-progress"]))
                case 3:
                    on = self.chance.sample(self.ids, self.chance.randrange(4))
                    self.ids.append(self.nexus.tasks.create("New", dependencies=on).id)
                case _:
                    self.nexus.tasks.depend(one, other)
        except (Cycle, TransitionRefused):
            pass

    def tasks(self):
        return {task.id: task for task in self.nexus.tasks.list(TaskQuery(limit=200)).items}

    def waits(self):
        tasks = self.tasks()
        return tasks, {
            task.id: [other.id for other in tasks.values() if task.id in other.dependencies and is_open(other)]
            for task in tasks.values()
        }


def is_open(task):
    return not task.status.is_closed


def all_behind(task_id, waits):
    found, front = set(), set(waits[task_id])
    while front:
        found |= front
        front = {further for one in front for further in waits[one]} - found
    return found


def longest(task_id, waits):
    return max((1 + longest(one, waits) for one in waits[task_id]), default=0)


def expected(tasks, waits, most):
    return {key: (min(len(all_behind(key, waits)), most), longest(key, waits)) for key in tasks if is_open(tasks[key])}


@pytest.mark.parametrize("seed", range(6))
def test_numbers_follow_every_change(most, seed):
    """Impact up to its limit, chain without one, and levels above those of what is waited for."""
    with nexus_for_test() as nexus:
        net = Net(nexus, random.Random(seed))
        for _ in range(70):
            net.step()
            tasks, waits = net.waits()

            assert expected(tasks, waits, most) == {
                key: (task.impact, task.chain) for key, task in tasks.items() if is_open(task)
            }
            assert all(tasks[on].level < task.level for task in tasks.values() for on in task.dependencies)


@pytest.mark.parametrize("seed", range(3))
def test_a_recount_mends_whatever_is_wrong(most, seed):
    """Numbers that went wrong are right afterwards, in whatever order the tasks come."""
    with nexus_for_test() as nexus:
        net = Net(nexus, random.Random(seed))
        for _ in range(60):
            net.step()
        before = {key: task for key, task in net.tasks().items() if is_open(task)}
        with nexus.store.writing() as tx:
            tx.graph.set_behind({key: (net.chance.randrange(3), net.chance.randrange(9)) for key in before})
            tx.graph.set_counts([state._replace(open_dependencies=7) for state in tx.graph.states(list(before))])
        counted = nexus.tasks.recount()

        assert len(before) == counted
        assert before == {key: task for key, task in net.tasks().items() if is_open(task)}


def test_two_halves_make_a_whole_that_is_not_counted(most):
    """Neither of two has as many behind it as are counted; together they have, and nobody counts further."""
    with nexus_for_test() as nexus:
        top = nexus.tasks.create("Top").id
        for name in "ab":
            last = nexus.tasks.create(name).id
            first = last
            for index in range(most - 1 if most < 10 else 7):
                last = nexus.tasks.create(f"{name}{index}", dependencies=[last]).id
            nexus.tasks.depend(first, top)
        found = nexus.tasks.get(top)

        assert (min(most, 16), most if most < 10 else 8) == (found.impact, found.chain)


def test_a_migration_has_what_it_added_counted():
    """The job that it leaves behind is one that a worker knows."""
    with nexus_for_test() as nexus:
        one, two = nexus.tasks.create("One").id, nexus.tasks.create("Two").id
        nexus.tasks.depend(two, one)
        with nexus.store.writing() as tx:
            tx.graph.set_behind({one: (0, 0)})
        done = nexus.plugins.job_handlers["core.recount"].call(None, type("Context", (), {"nexus": nexus}))

        assert "2 open tasks counted" == done.note
        assert (1, 1) == (nexus.tasks.get(one).impact, nexus.tasks.get(one).chain)


def test_a_cycle_in_old_data_ends():
    """Each of a circle reaches the others; what cannot be said is left out instead of being sought for ever."""
    reach = Reach()
    for node, behind_it in ((1, [2]), (2, [3]), (3, [1])):
        reach.know(node, behind_it)

    assert [] == reach.unknown([1])
    assert 3 == reach.count([1])


def test_reach_counts_unions():
    """What is reached in two ways counts once; what is not known is asked for; what was forgotten is found again."""
    reach = Reach()
    reach.know(1, [2, 3])
    reach.know(2, [4])

    assert [3, 4] == sorted(reach.unknown([1]))
    reach.know(3, [4])
    reach.know(4, [])
    assert (3, 4, 4) == (reach.count([2, 3]), reach.count([1]), reach.size)
    reach.forget()
    assert (0, 4) == (reach.size, reach.count([1]))
