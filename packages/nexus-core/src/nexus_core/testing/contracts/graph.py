# ruff: noqa: S101, SIM300 - a suite of tests: asserts, expected value first
"""Walks along the dependencies, and the numbers that are kept so that few are needed."""

from __future__ import annotations

import attrs

from ...domain.tasks import Status
from ...ports.graph import Held, Standing
from ...ports.storage import Store
from .aids import LATER, NOW, make_repository, make_task, make_tasks


class GraphContract:
    """The graph."""

    def test_walks(self, store: Store) -> None:
        """What waits for tasks and what they wait for, through open tasks only, in a net with a diamond."""
        a, b, c, d = make_tasks(store, 4)
        with store.writing() as tx:
            tx.tasks.depend_all([(b, a), (c, a), (d, b), (d, c)])
            assert ({a, b, c}, {b, c, d}) == (set(tx.graph.before([d], 9)), set(tx.graph.behind([a], 9)))
            assert ({b, c}, [d]) == (set(tx.graph.before([d], 2)), tx.graph.behind([b, c], 9))
            tx.tasks.save(attrs.evolve(tx.tasks.get(b), status=Status.DONE), NOW)
            tx.tasks.lock_graph()

            assert ({a, c}, {c, d}) == (set(tx.graph.before([d], 9)), set(tx.graph.behind([a], 9)))
            assert [] == tx.graph.behind([d], 9) == tx.graph.before([], 9)

    def test_long_walk(self, store: Store) -> None:
        """A chain of a thousand, from either end, and no further than asked for."""
        chain = make_tasks(store, 1000)
        with store.writing() as tx:
            tx.tasks.depend_all(list(zip(chain[1:], chain, strict=False)))

            assert chain[1:] == tx.graph.behind([chain[0]], 5000)
            assert chain[1:101] == tx.graph.behind([chain[0]], 100)
            assert chain[-2::-1] == tx.graph.before([chain[-1]], 5000)

    def test_neighbours(self, store: Store) -> None:
        """Open neighbours with their numbers; the number of open ones."""
        a, b, c = make_tasks(store, 3)
        closed = make_task(store, status=Status.CANCELLED).id
        with store.writing() as tx:
            tx.tasks.depend_all([(b, a), (c, a), (closed, a), (c, closed)])
            tx.graph.set_behind({b: (4, 3)})
            tx.graph.set_levels({a: -5, b: 1 << 40})
            standing = {one.id: one for one in tx.graph.standings([a, b, c, closed])}

            assert {a: Standing(a, -5, 0, 0), b: Standing(b, 1 << 40, 4, 3), c: Standing(c, 0, 0, 0)} == standing
            assert [(a, standing[b]), (a, standing[c])] == sorted(tx.graph.open_dependents([a, closed, b]))[:2]
            assert [(b, standing[a]), (c, standing[a])] == sorted(tx.graph.open_dependencies([b, c, a]))
            assert {a: 0, b: 1, c: 1, closed: 1} == tx.graph.count_open_dependencies([a, b, c, closed])

    def test_levels(self, store: Store) -> None:
        """Neighbours of any status with their levels, and walks between levels."""
        a, b, c, d = make_tasks(store, 4)
        with store.writing() as tx:
            tx.tasks.depend_all([(b, a), (c, b), (d, c)])
            tx.graph.set_levels({b: 10, c: 20, d: 30})
            tx.tasks.save(attrs.evolve(tx.tasks.get(c), status=Status.DONE), NOW)

            assert {a: 0, c: 20} == tx.graph.levels([a, c])
            assert ([(a, b, 10)], [(d, c, 20)]) == (tx.graph.levels_above([a]), tx.graph.levels_below([d]))
            assert ({b: 10, c: 20}, {b: 10}) == (tx.graph.walk_above(a, 30, 9), tx.graph.walk_above(a, 30, 1))
            assert ({c: 20, b: 10}, {}) == (tx.graph.walk_below(d, 0, 9), tx.graph.walk_below(d, 20, 9))

    def test_states(self, store: Store) -> None:
        """What readiness is made of is read and written; open subtasks are counted."""
        top = make_task(store).id
        low, done = make_task(store, parent_id=top).id, make_task(store, parent_id=top, status=Status.DONE).id
        with store.writing() as tx:
            first, second = sorted(tx.graph.states([top, low]))
            tx.graph.set_counts([first._replace(open_subtasks=1), second._replace(blocked_ancestors=2)])

            assert (("pending", None), ("pending", top)) == (first[1:3], second[1:3])
            assert [1, 0] == [state.open_subtasks for state in sorted(tx.graph.states([top, low]))]
            assert {top: 1, low: 0, done: 0} == tx.graph.count_open_subtasks([top, low, done])
            assert [low, top] == tx.graph.open_tasks(10**9, 5)
            assert [top] == tx.graph.open_tasks(low, 5)

    def test_held(self, store: Store) -> None:
        """What keeps tasks from being ready beside their counts: status, a holder, parking."""
        a, b, c = make_tasks(store, 3)
        parked = make_task(store, not_before=LATER).id
        with store.writing() as tx:
            tx.tasks.depend_all([(b, a), (c, a), (parked, a)])
            tx.tasks.save(attrs.evolve(tx.tasks.get(c), assignment_id=1), NOW)

            assert {b: 1, c: 1, parked: 1} == tx.graph.bump_dependents(a, 1)
            held = sorted(tx.graph.held_by(a, NOW))
            assert [(b, True), (c, False), (parked, False)] == [(one.id, bool(one.willing)) for one in held]
            assert [Held(parked, 1, 0, 0, True)] == tx.graph.held([parked], LATER)

    def test_whole(self, store: Store) -> None:
        """Nodes without texts and up to a limit; ids in an order in which they can be done; the longest chain."""
        near, far = make_repository(store, "a/near"), make_repository(store, "a/far")
        mine = make_task(store, repository_id=near.id, description="long", labels=("x",)).id
        after, before = make_tasks(store, 2, repository_id=far.id)
        with store.writing() as tx:
            tx.tasks.depend_all([(mine, before), (after, mine)])
            tx.graph.set_levels({mine: 1, after: 2})
            tx.graph.set_behind({before: (2, 2), mine: (1, 1)})

        with store.reading() as tx:
            nodes = tx.graph.nodes(near.id, None, 10)
            assert [mine, after, before] == [node.id for node in nodes]
            assert ("", (), (before,), "a/near") == (
                nodes[0].description, nodes[0].labels, nodes[0].dependencies, nodes[0].repository,
            )  # fmt: skip
            assert [mine, after] == [node.id for node in tx.graph.nodes(None, None, 2)]
            assert [mine] == [node.id for node in tx.graph.nodes(near.id, frozenset({near.id}), 10)]
            assert [(before, 2), (mine, 1), (after, 0)] == tx.graph.outline(None, None)
            assert [before, after] == [row[0] for row in tx.graph.outline(far.id, None)]
            assert [(mine, before), (after, mine)] == sorted(tx.graph.edges())
            assert [before, mine, after] == tx.graph.chain_behind(before)
        with store.writing() as tx:
            tx.tasks.save(attrs.evolve(tx.tasks.get(after), status=Status.DONE), NOW)

            assert [(before, 2), (mine, 1), (after, -1)] == tx.graph.outline(None, None)
