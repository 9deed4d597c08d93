# ruff: noqa: S101, SIM300 - a suite of tests: asserts, expected value first
"""Assignments, their fences and leases, and what agents say."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest

from ...domain.agents import ActivityType, Assignment, AssignmentStatus
from ...errors import Duplicate, NotFound
from ...ports.queries import Visible
from ...ports.storage import Store, Transaction
from .aids import EARLIER, LATER, NOW, at_once, make_assignment, make_repository, make_task, make_tasks, new_assignment


class AssignmentsContract:
    """Assignments and activities."""

    def test_assignment_round_trip(self, store: Store) -> None:
        """An assignment comes back as it was stored, and as it was changed."""
        made = make_assignment(store, make_task(store).id)
        changed = attrs.evolve(
            made, status=AssignmentStatus.COMPLETED, branch="nx-1", result={"commits": 2, "é": ["x"]}, ended_at=LATER
        )
        with store.writing() as tx:
            assert made == tx.assignments.get(made.id, lock=True)
            tx.assignments.save(changed)

        with store.reading() as tx:
            assert changed == tx.assignments.get(made.id)

    def test_one_live_assignment_a_task(self, store: Store) -> None:
        """A task that is held cannot be given to a second holder, whatever the code above believes."""
        task_id = make_task(store).id
        make_assignment(store, task_id, fence=1)

        with pytest.raises(Duplicate):
            make_assignment(store, task_id, fence=2)

    def test_only_one_of_many_gets_it(self, store: Store) -> None:
        """Eight that store an assignment of one task at once: one does, seven are told."""
        task_id = make_task(store).id

        def claim() -> bool:
            try:
                make_assignment(store, task_id)
            except Duplicate:
                return False
            return True

        assert 1 == sum(at_once([claim] * 8))

    def test_ended_assignment_frees_the_task(self, store: Store) -> None:
        """After the end of one, the next with a higher fence is stored; a fence is never used twice."""
        task_id = make_task(store).id
        first = make_assignment(store, task_id)
        with store.writing() as tx:
            tx.assignments.save(attrs.evolve(first, status=AssignmentStatus.LOST, ended_at=NOW))
        second = make_assignment(store, task_id, fence=2)
        with store.writing() as tx:
            tx.assignments.save(attrs.evolve(second, status=AssignmentStatus.LOST, ended_at=NOW))

        with pytest.raises(Duplicate):
            make_assignment(store, task_id, fence=2)

    def test_lease(self, store: Store) -> None:
        """Only the live holder with the right fence lengthens the lease; those that ended are found."""
        made = make_assignment(store, make_task(store).id)
        with store.writing() as tx:
            assert [] == tx.assignments.expired(NOW, 10)
            assert [made.id] == [one.id for one in tx.assignments.expired(LATER.replace(year=2027), 10)]
            assert [False, True] == [tx.assignments.renew(made.id, fence, EARLIER) for fence in (2, 1)]
            assert [made.id] == [one.id for one in tx.assignments.expired(NOW, 10)]
            tx.assignments.save(attrs.evolve(made, ended_at=NOW))
            assert not tx.assignments.renew(made.id, 1, LATER)

    def test_lists(self, store: Store) -> None:
        """By status, agent, task, whether live, what may be seen; page by page."""
        repository = make_repository(store)
        ids = [make_task(store, repository_id=repository.id).id, *make_tasks(store, 2)]
        made = [make_assignment(store, task_id, agent) for task_id, agent in zip(ids, "aab", strict=True)]
        with store.writing() as tx:
            tx.assignments.save(attrs.evolve(made[1], status=AssignmentStatus.FAILED, ended_at=NOW))

        assert [0, 1, 2] == _list(store, made)
        assert [0, 1] == _list(store, made, agent="a")
        assert [1] == _list(store, made, status="failed")
        assert ([0, 2], [1]) == (_list(store, made, live=True), _list(store, made, live=False))
        assert [2] == _list(store, made, task_id=ids[2])
        assert [0] == _list(store, made, visible=frozenset({repository.id}))
        assert [1] == _list(store, made, after=made[0].id, limit=1)
        with store.reading() as tx:
            assert {made[0].id, made[2].id} == {one.id for one in tx.assignments.live()}
            assert (1, 1, 0) == tuple(tx.assignments.live_count(name) for name in "abc")

    def test_activities(self, store: Store) -> None:
        """What is said is kept in order; the last word shows on the assignment."""
        made = make_assignment(store, make_task(store).id)
        with store.writing() as tx:
            first = tx.assignments.say(made.id, ActivityType.THOUGHT, "hm é 😀", (), NOW)
            last = tx.assignments.say(made.id, ActivityType.ACTION, "ok", (), LATER)

        with store.reading() as tx:
            assert [first, last] == tx.assignments.activities(made.id, after=0, limit=10)
            assert [last] == tx.assignments.activities(made.id, after=first.id, limit=10)
            assert last == tx.assignments.get(made.id).last_activity
            assert [last] == [one.last_activity for one in _all(tx)]
            assert first == tx.assignments.activity(first.id)

    def test_inbox(self, store: Store) -> None:
        """Open questions of live assignments; the first answer wins."""
        repository = make_repository(store)
        made = make_assignment(store, make_task(store, repository_id=repository.id).id)
        with store.writing() as tx:
            asked = tx.assignments.say(made.id, ActivityType.ELICITATION, "Which?", ("red", "blue"), NOW)
            assert ("red", "blue") == asked.choices
            assert [asked] == tx.assignments.inbox(None, 10) == tx.assignments.inbox(frozenset({repository.id}), 10)
            assert [] == tx.assignments.inbox(frozenset(), 10)
            assert [True, False] == [tx.assignments.answer(asked.id, word, "ann") for word in ("red", "blue")]
            assert [] == tx.assignments.inbox(None, 10)
            assert ("red", "ann") == (
                tx.assignments.activity(asked.id).answer,
                tx.assignments.activity(asked.id).answered_by,
            )

    def test_an_assignment_with_its_task(self, store: Store) -> None:
        """Both are as they are alone, with what was said last; after the assignment's end too."""
        tasks = make_tasks(store, 2)
        made = [make_assignment(store, task_id) for task_id in tasks]
        with store.writing() as tx:
            tx.assignments.say(made[0].id, ActivityType.THOUGHT, "Hm", (), NOW)
            tx.assignments.save(attrs.evolve(made[1], status=AssignmentStatus.LOST, ended_at=NOW))
            alone = [(tx.assignments.get(one.id), tx.tasks.get(one.task_id)) for one in made]
            assert alone == [tx.assignments.held(one.id) for one in made]
        said = alone[0][0].last_activity
        assert (tasks, "Hm") == ([task.id for _, task in alone], said and said.body)

    @pytest.mark.parametrize("missing", [0, 999_999, 2**63, -(2**70)])
    def test_missing_assignment(self, store: Store, missing: int) -> None:
        """An id that does not exist is not found, however large it is."""
        with store.writing() as tx:
            with pytest.raises(NotFound, match="no assignment"):
                tx.assignments.held(missing)
            with pytest.raises(NotFound):
                tx.assignments.get(missing)
            with pytest.raises(NotFound):
                tx.assignments.activity(missing)

    def test_assignment_of_nothing_is_refused(self, store: Store) -> None:
        """An assignment belongs to a task that exists."""
        with pytest.raises(Exception, match=r".") as caught, store.writing() as tx:
            tx.assignments.add(new_assignment(10**9))

        assert "conflict" == getattr(caught.value, "code", None)


def _all(tx: Transaction) -> list[Assignment]:
    return tx.assignments.list(status=None, agent=None, task_id=None, live=None, visible=None, after=0, limit=50)


def _list(
    store: Store, made: Sequence[Assignment], *, status: str | None = None, agent: str | None = None,
    task_id: int | None = None, live: bool | None = None, visible: Visible = None, after: int = 0, limit: int = 50,
) -> list[int]:  # fmt: skip
    """The places within `made` of those that are listed."""
    ids = [one.id for one in made]
    with store.reading() as tx:
        found = tx.assignments.list(
            status=status, agent=agent, task_id=task_id, live=live, visible=visible, after=after, limit=limit
        )
    return [ids.index(one.id) for one in found]
