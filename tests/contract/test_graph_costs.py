"""What a question or a change costs, in statements and rows: it follows what is touched, not how large the graph is."""

import random
import re
from contextlib import contextmanager
from functools import partial, partialmethod

import pytest

from graphs import bring, chain, fan, net, thirds
from nexus_core.ports.queries import TaskQuery
from nexus_core.services.levels import lift
from nexus_core.services.policies import ClaimTimes
from nexus_core.services.work import Work
from nexus_core.storage.session import expand
from nexus_core.storage.sqlite import SqliteSession
from nexus_core.storage.statements import statements
from nexus_plugin_postgres.engine import PostgresSession


class Cost:
    """Counts the statements, and the rows that they take or answer."""

    def __init__(self):
        self.statements = self.rows = 0

    def of(self, action):
        """(statements, rows) of an action."""
        self.statements = self.rows = 0
        action()
        return self.statements, self.rows

    def passing(self, session, statement, /, *rows, method, **parameters):
        """Run a statement, and count it."""
        answer = method(session, statement, *rows, **parameters)
        self.statements += 1
        self.rows += len(rows[0]) if rows else len(answer) if isinstance(answer, list) else 1
        return answer


@pytest.fixture
def cost(monkeypatch):
    """Counts what both engines' sessions are asked."""
    counted = Cost()
    for session in (SqliteSession, PostgresSession):
        for name in ("run", "many", "insert", "all", "tuples"):
            method = getattr(session, name)
            monkeypatch.setattr(session, name, partialmethod(_through, counted, method))
    return counted


def _through(session, counted, method, statement, /, *rows, **parameters):
    return counted.passing(session, statement, *rows, method=method, **parameters)


def test_answers_cost_the_same_in_a_larger_graph(hub, cost):
    """The ready list, `next`, `why` and `impact`, of everything and of one repository."""
    costs = []
    for name, number in (("acme/small", 60), ("acme/large", 1500)):
        blocked = bring(hub, name, thirds(number))[-1]
        costs.append(
            [
                cost.of(partial(hub.tasks.ready, name, limit=10)),
                cost.of(partial(hub.tasks.ready, limit=10)),
                cost.of(partial(hub.tasks.next, name)),
                cost.of(partial(hub.tasks.list, TaskQuery(ready=True, limit=10))),
                cost.of(partial(hub.tasks.list, TaskQuery(ready=True, repository=name, sort="order", limit=10))),
                cost.of(partial(hub.tasks.readiness, blocked)),
            ]
        )

    assert costs[0] == costs[1]


def test_what_waits_is_not_walked_through(hub, cost):
    """`impact` of the first of a chain and of a net, behind which is everything."""
    few, many = (bring(hub, f"acme/{number}", chain(number))[0] for number in (30, 1200))
    dense = bring(hub, "acme/net", net(1000, 30))[0]

    assert cost.of(partial(hub.tasks.readiness, few)) == cost.of(partial(hub.tasks.readiness, many))
    assert cost.of(partial(hub.tasks.readiness, dense))[1] < 100
    assert (1199, 1199) == (hub.tasks.get(many).impact, hub.tasks.readiness(many).impact.longest_chain)


def test_a_change_costs_the_same_in_a_larger_graph(hub, cost):
    """Finish, reopen, tie and untie the first of a chain, and tie a new task behind it."""
    costs = []
    for name, number in (("acme/small", 30), ("acme/large", 1200)):
        first = bring(hub, name, chain(number))[0]
        other = hub.tasks.create("Other", repository=name).id
        costs.append(
            [
                cost.of(partial(hub.tasks.move, first, "done")),
                cost.of(partial(hub.tasks.move, first, "pending")),
                cost.of(partial(hub.tasks.depend, first, other)),
                cost.of(partial(hub.tasks.undepend, first, other)),
                cost.of(partial(hub.tasks.depend, other, first)),
                cost.of(partial(hub.tasks.move, other, "in-progress")),
            ]
        )

    assert costs[0] == costs[1]


def test_the_thousandth_that_waits_costs_what_the_first_did(hub, cost):
    """A task on which very many wait is not looked through for one more."""
    few, many = bring(hub, "acme/few", fan(3))[0], bring(hub, "acme/many", fan(1000))[0]
    third = cost.of(lambda: hub.tasks.create("Third", dependencies=[few]))
    thousandth = cost.of(lambda: hub.tasks.create("Thousandth", dependencies=[many]))

    assert third == thousandth
    assert (3, 1000) == (hub.tasks.get(few).impact, hub.tasks.get(many).impact)


@pytest.mark.parametrize("status", ["done", "pending"])
def test_statements_grow_by_a_few_for_five_hundred_dependents(hub, cost, status):
    """To finish a task on which very many wait, and to reopen it."""
    found = []
    for name, number in (("acme/few", 401), ("acme/many", 1901)):
        first = bring(hub, name, fan(number))[0]
        if status == "pending":
            hub.tasks.move(first, "done")
        found.append(cost.of(partial(hub.tasks.move, first, status)))
    (few, _), (many, rows) = found

    assert many - few <= 3 * 4
    assert rows <= 10 * 1900


def test_a_new_dependency_is_not_sought_through_the_graph(hub, cost):
    """Any dependency in a net of a thousand tasks: most need no look at all, none at a large part of it."""
    ids = bring(hub, "acme/api", net(1000, 60))
    chance, rows = random.Random(5), []
    for _ in range(60):
        one, other = chance.sample(ids, 2)
        with lifting(hub, one, other) as check:
            rows.append(cost.of(check)[1])

    assert sum(count == 0 for count in rows) > 20
    assert max(rows) < 3000 / 4
    assert sum(rows) < 60 * 3000 / 12


def test_a_chain_is_not_followed_task_by_task(hub, cost):
    """The last of eight hundred, on which the first is to depend, is found in a few steps."""
    first, *_, last = bring(hub, "acme/api", chain(800))
    with lifting(hub, first, last) as check:
        assert 801 - 1 == len(check().cycle)
        assert cost.of(check)[0] < 60


@contextmanager
def lifting(hub, task, on):
    """The check of a new dependency alone."""
    with hub.store.writing() as transaction:
        work = Work(transaction, hub.clock.now(), hub.plugins, ClaimTimes())
        known = transaction.graph.levels([task, on])
        yield lambda: lift(work, (task, known[task]), (on, known[on]))


def test_an_import_costs_what_it_brings(hub, cost):
    """A few tasks beside very many that they hang together with."""
    costs = []
    for name, number in (("acme/small", 40), ("acme/large", 1200)):
        last = bring(hub, name, chain(number))[-1]
        ids = bring(hub, f"{name}-more", chain(5))
        hub.tasks.depend(ids[0], last)
        tasks = [*chain(5), *chain(8)[5:]]
        tasks[0]["status"] = "in-progress"
        costs.append(cost.of(partial(bring, hub, f"{name}-more", tasks))[1])

    # Each task of the chain has three more behind it, which is read and written; nothing is beside that.
    assert 0 < costs[1] - costs[0] <= 4 * (1200 - 40)


# Plans
# -----

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")
READY = [
    ("list_ready", {}, "tasks_startable"),
    ("list_ready_here", {}, "tasks_startable_here (repository_id=?)"),
    ("page_ready_by_order", {"after_id": 1}, "tasks_startable (priority_rank>?)"),
    ("page_ready_by_order_here", {"repository_id": 1, "after_id": 1}, "tasks_startable_here (repository_id=? AND"),
    ("page_ready_by_id", {"after_id": 1}, "tasks_startable_ids (id>?)"),
    ("page_ready_by_id", {"repository_id": 1, "after_id": 1}, "tasks_startable_here_ids (repository_id=? AND id>?)"),
]


@pytest.mark.parametrize(("name", "given", "index"), READY)
def test_ready_lists_are_read_from_an_index(sqlite_hub, name, given, index):
    """Without sorting, and without passing by what is not ready. PostgreSQL plans by size: the bench measures it."""
    sql, parameters = expand(
        statements()[name], dict.fromkeys(_PARAMETER.findall(statements()[name])) | {"visible": None} | given
    )
    with sqlite_hub.store.engine.reading() as session:
        plan = [row[3] for row in session._connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]

    assert any(index in step for step in plan), plan
    assert not any("TEMP B-TREE" in step for step in plan), plan


@pytest.fixture
def sqlite_hub(tmp_path):
    from engines import open_hub

    with open_hub(f"sqlite:///{tmp_path / 'nexus.db'}") as opened:
        yield opened
