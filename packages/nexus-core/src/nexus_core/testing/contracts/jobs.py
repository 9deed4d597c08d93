# ruff: noqa: S101, SIM300 - a suite of tests: asserts, expected value first
"""Jobs: taken once, in order of their subject, fenced by attempt and worker, never lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest

from ...domain.access import system_actor
from ...domain.events import NewEvent
from ...domain.jobs import Job, JobState, NewJob
from ...errors import NotFound
from ...ports.storage import Store
from ...ports.wakeup import Ring
from .aids import EARLIER, LATER, NOW, at_once, make_repository


class JobsContract:
    """Background work."""

    def test_job_round_trip(self, store: Store) -> None:
        """A job comes back as it was stored."""
        job_id = _add(store, payload={"a": [1, "é"]}, subject="s", unique_key="u", max_attempts=7, run_at=LATER)
        with store.reading() as tx:
            job = tx.jobs.get(job_id)

        assert ({"a": [1, "é"]}, "s", "u", 7, LATER, NOW) == (
            job.payload, job.subject, job.unique_key, job.max_attempts, job.run_at, job.created_at,
        )  # fmt: skip
        assert (JobState.PENDING, 0, None) == (job.state, job.attempt, job.locked_by)

    def test_claim_leases(self, store: Store) -> None:
        """A claimed job is running, counts an attempt, and is the worker's until then."""
        job_id = _add(store)
        (job,) = _claim(store, worker="w")

        assert (job_id, JobState.RUNNING, 1, "w", LATER) == (
            job.id, job.state, job.attempt, job.locked_by, job.locked_until,
        )  # fmt: skip
        assert [] == _claim(store)

    def test_claim_takes_what_is_due_in_order(self, store: Store) -> None:
        """Due jobs of the lanes, the longest due first, no more than asked for; later ones wait."""
        _add(store, run_at=LATER)
        second, first = _add(store, run_at=NOW), _add(store, run_at=EARLIER)
        other = _add(store, lane="docs", run_at=EARLIER)

        assert [first] == [job.id for job in _claim(store, limit=1)]
        assert [second] == [job.id for job in _claim(store)]
        assert [] == _claim(store, lanes=())
        assert [other] == [job.id for job in _claim(store, lanes=("default", "docs"))]

    def test_the_urgent_is_taken_first(self, store: Store) -> None:
        """By priority, the highest first, before how long it has been due; within a subject order comes first."""
        plain, leisurely = _add(store, run_at=EARLIER), _add(store, priority=-10, run_at=EARLIER)
        first, second = _add(store, subject="s", priority=-20), _add(store, subject="s", priority=20)
        urgent, later = _add(store, priority=10), _add(store, priority=10, run_at=LATER)
        with store.reading() as tx:
            assert [urgent, plain, leisurely, first] == [ring.job_id for ring in tx.jobs.due(("default",), 9, NOW)]

        assert [urgent] == [job.id for job in _claim(store, limit=1)]
        assert [plain, first] == [job.id for job in _claim(store, ids=[first, plain])]
        taken = _claim(store)
        assert ([leisurely], [-10]) == ([job.id for job in taken], [job.priority for job in taken])
        assert [] == _claim(store, ids=[second, later])

    def test_claim_by_id(self, store: Store) -> None:
        """Named jobs are taken when they are due and free, and no others."""
        due, later, _ = _add(store), _add(store, run_at=LATER), _add(store)

        assert [due] == [job.id for job in _claim(store, ids=[due, later, 10**12])]
        assert [] == _claim(store, ids=[due])
        assert [] == _claim(store, ids=[])

    def test_due_lists_what_could_be_taken(self, store: Store) -> None:
        """Due jobs with their lanes, without taking them."""
        first, second = _add(store), _add(store, lane="docs", run_at=EARLIER)
        _add(store, run_at=LATER)
        with store.reading() as tx:
            assert [Ring("docs", second), Ring("default", first)] == tx.jobs.due(("default", "docs"), 10, NOW)
            assert [Ring("docs", second)] == tx.jobs.due(("default", "docs"), 1, NOW)

    def test_subject_keeps_order(self, store: Store) -> None:
        """Jobs of one subject run one after the other, oldest first, while others go on."""
        first, second, free = _add(store, subject="s"), _add(store, subject="s"), _add(store, subject="t")
        taken = _claim(store)

        assert [first, free] == [job.id for job in taken]
        assert ([], []) == (_claim(store), _claim(store, ids=[second]))
        with store.writing() as tx:
            assert Ring("default", second) == tx.jobs.next_of_subject("s", first, NOW)
            tx.jobs.finish(taken[0], JobState.DONE, None, NOW)
        assert [second] == [job.id for job in _claim(store)]

    def test_unique_key_waits_once(self, store: Store) -> None:
        """A second job with a key that waits is not stored; once it runs, it is."""
        with store.writing() as tx:
            new = NewJob(kind="k", unique_key="u")
            assert [True, False] == [tx.jobs.add(new, NOW) is not None for _ in range(2)]
        _claim(store)
        with store.writing() as tx:
            assert tx.jobs.add(new, NOW) is not None

    def test_a_key_that_waits_is_held(self, store: Store) -> None:
        """It is there to hold on to while its job waits, and nobody runs that before the commit."""
        with store.writing() as tx:
            assert not tx.jobs.hold(["u"])
            assert tx.jobs.add(NewJob(kind="k", unique_key="u"), NOW) is not None
            assert {"u"} == tx.jobs.hold(["t", "u"])
        with store.writing() as tx:
            assert {"u"} == tx.jobs.hold(["u"])
        _claim(store)
        with store.writing() as tx:
            assert not tx.jobs.hold(["u"])

    def test_unique_key_at_once(self, store: Store) -> None:
        """Eight that store one key at once leave one job."""

        def add() -> int | None:
            with store.writing() as tx:
                return tx.jobs.add(NewJob(kind="k", unique_key="u"), NOW)

        assert 1 == sum(job_id is not None for job_id in at_once([add] * 8))

    def test_job_claims_never_meet(self, store: Store) -> None:
        """Eight workers take each of a hundred jobs once, never more at a time than they asked for."""
        with store.writing() as tx:
            for number in range(100):
                tx.jobs.add(NewJob(kind="k", subject=f"s{number % 50}"), NOW)

        def work(name: str) -> list[int]:
            mine: list[int] = []
            idle = 0
            while idle < 20:
                jobs = _claim(store, limit=3, worker=name)
                assert len(jobs) <= 3
                idle = 0 if jobs else idle + 1
                for job in jobs:
                    with store.writing() as tx:
                        assert tx.jobs.finish(job, JobState.DONE, None, NOW)
                mine += [job.id for job in jobs]
            return mine

        workers = [lambda name=str(number): work(name) for number in range(8)]
        taken = [job_id for mine in at_once(workers) for job_id in mine]

        assert 100 == len(taken) == len(set(taken))

    def test_lost_lease_cannot_write(self, store: Store) -> None:
        """Who lost the job to another changes nothing: not its end, not its next run, not its lease."""
        _add(store)
        (old,) = _claim(store, worker="old")
        with store.writing() as tx:
            assert tx.jobs.release(old, "silent", NOW)
        (new,) = _claim(store, worker="new")
        with store.writing() as tx:
            assert [False, False, False, False] == [
                tx.jobs.finish(old, JobState.DONE, None, NOW),
                tx.jobs.postpone(old, LATER, attempt=1, error=None),
                tx.jobs.release(old, "again", NOW),
                tx.jobs.kill(old, "again", NOW),
            ]
            assert (0, 1) == (tx.jobs.renew([old.id], "old", LATER), tx.jobs.renew([old.id], "new", LATER))
            assert tx.jobs.finish(new, JobState.DONE, "fine", LATER)
            found = tx.jobs.get(new.id)

        assert (JobState.DONE, "fine", LATER, 2) == (found.state, found.last_error, found.finished_at, found.attempt)

    def test_postponed_runs_later(self, store: Store) -> None:
        """A job that is to be tried again waits until then, with the attempts that it is told."""
        job_id = _add(store)
        (job,) = _claim(store)
        with store.writing() as tx:
            assert tx.jobs.postpone(job, LATER, attempt=1, error="no luck")

        assert [] == _claim(store)
        (again,) = _claim(store, now=LATER)
        assert (job_id, 2, "no luck") == (again.id, again.attempt, again.last_error)

    def test_many_are_finished_together(self, store: Store) -> None:
        """Those that the worker still holds, each in its attempt; of the others nothing is recorded."""
        mine = [_add(store) for _ in range(3)]
        lost, theirs = _add(store), _add(store, lane="docs")
        jobs = _claim(store, worker="w")
        others = _claim(store, worker="v", lanes=("docs",))
        with store.writing() as tx:
            again = next(job for job in jobs if job.id == lost)
            assert tx.jobs.release(again, "silent", NOW)
        _claim(store, worker="w", ids=[lost])
        with store.writing() as tx:
            assert set(mine) == tx.jobs.finish_many(
                [*jobs, *(attrs.evolve(job, locked_by="w") for job in others)], LATER
            )
            assert set() == tx.jobs.finish_many(jobs, LATER)

            found = [tx.jobs.get(job_id) for job_id in (*mine, lost, theirs)]
        assert [JobState.DONE] * 3 + [JobState.RUNNING] * 2 == [job.state for job in found]
        assert (LATER, None, None) == (found[0].finished_at, found[0].locked_by, found[0].locked_until)

    def test_expired_leases_are_found(self, store: Store) -> None:
        """Running jobs whose lease ended, and no others."""
        _add(store)
        (job,) = _claim(store)
        with store.writing() as tx:
            assert [] == tx.jobs.expired(NOW, 10)
            assert [job.id] == [one.id for one in tx.jobs.expired(LATER.replace(year=2027), 10)]

    def test_dead_and_revived(self, store: Store) -> None:
        """A job that was given up can be set to work again, from its first attempt; one that waits cannot."""
        job_id = _add(store)
        (job,) = _claim(store)
        with store.writing() as tx:
            assert tx.jobs.kill(job, "poison", LATER)
            dead = tx.jobs.get(job_id)
            assert (JobState.DEAD, "poison", LATER) == (dead.state, dead.last_error, dead.finished_at)
            assert [True, False] == [tx.jobs.revive(job_id, NOW) for _ in range(2)]

        assert [1] == [one.attempt for one in _claim(store)]

    def test_old_jobs_that_are_done_are_forgotten(self, store: Store) -> None:
        """A page at a time; what waits, runs or is dead stays, and so does what is younger."""
        ids = [_add(store) for _ in range(5)]
        taken = _claim(store, limit=3)
        with store.writing() as tx:
            tx.jobs.finish(taken[0], JobState.DONE, None, NOW)
            tx.jobs.finish(taken[1], JobState.DEAD, "no", NOW)
        with store.writing() as tx:
            young = tx.jobs.forget(NOW, after=0, size=3)
            first = tx.jobs.forget(LATER, after=0, size=3)
            second = tx.jobs.forget(LATER, after=first[1] or 0, size=3)
            end = tx.jobs.forget(LATER, after=second[1] or 0, size=3)
        with store.reading() as tx:
            left = sorted(job.id for job in tx.jobs.list(state=None, kind=None, lane=None, after=0, limit=9))

        assert [(0, None), (1, ids[2]), (0, ids[4]), (0, None)] == [young, first, second, end]
        assert sorted(set(ids) - {taken[0].id}) == left

    @pytest.mark.parametrize("head", ["runs", "is put off"])
    def test_a_long_row_behind_one_subject_keeps_nobody(self, store: Store, head: str) -> None:
        """More wait behind a job that runs, or that is put off, than are ever looked at: others are found all the same.

        And quickly: to compare each of them with each other one would take minutes.
        """
        first = _add(store, subject="busy")
        if head == "runs":
            assert [first] == [job.id for job in _claim(store)]
        else:
            (taken,) = _claim(store)
            with store.writing() as tx:
                assert tx.jobs.postpone(taken, LATER, attempt=1, error="no")
        with store.writing() as tx:
            tx.jobs.add_many([NewJob(kind="k", subject="busy") for _ in range(20_000)], NOW)
        other = _add(store, subject="idle")

        assert [other] == [job.id for job in _claim(store, limit=100)]
        with store.reading() as tx:
            assert [] == tx.jobs.due(("default",), 100, NOW)

    def test_what_ended_lately(self, store: Store) -> None:
        """By lane and state, since a time."""
        _add(store), _add(store, lane="docs"), _add(store)
        taken = _claim(store, limit=3, lanes=("default", "docs"))
        with store.writing() as tx:
            for job in taken:
                tx.jobs.finish(job, JobState.DEAD if job.lane == "docs" else JobState.DONE, None, NOW)
        with store.reading() as tx:
            found = tx.jobs.ended(NOW)

            assert {("default", JobState.DONE): 2, ("docs", JobState.DEAD): 1} == found
            assert {} == tx.jobs.ended(LATER)

    def test_lists_and_figures(self, store: Store) -> None:
        """Jobs by state, lane and kind, page by page; how many are where, and since when the oldest waits."""
        first = _add(store, run_at=EARLIER)
        second, third = _add(store, lane="docs"), _add(store, kind="other")
        with store.reading() as tx:

            def listed(**given: Any) -> list[int]:
                asked: dict[str, Any] = {"state": None, "lane": None, "kind": None, "after": 0, "limit": 9, **given}
                return [job.id for job in tx.jobs.list(**asked)]

            assert ([first, second, third], [second]) == (listed(), listed(lane="docs"))
            assert ([third], [], [second]) == (listed(kind="other"), listed(state="dead"), listed(after=first, limit=1))
            stats = {(row.lane, str(row.state)): (row.number, row.oldest) for row in tx.jobs.stats()}
            assert {("default", "pending"): (2, EARLIER), ("docs", "pending"): (1, NOW)} == stats

    def test_who_is_narrowed_lists_what_their_repositories_caused(self, store: Store) -> None:
        """A job without an event, or with one of another repository, is not listed to them."""
        own, other = make_repository(store), make_repository(store, "acme/other")
        with store.writing() as tx:
            told = [NewEvent(type="n.v", actor=system_actor(), repository_id=one.id) for one in (own, other)]
            events = tx.events.add(told, NOW)
        _add(store)
        mine, theirs = [_add(store, event_id=event_id) for event_id in events]
        with store.reading() as tx:

            def listed(*visible: int) -> list[int]:
                seen = frozenset(visible)
                found = tx.jobs.list(state=None, lane=None, kind=None, visible=seen, after=0, limit=9)
                return [job.id for job in found]

            assert ([mine], [mine, theirs], []) == (listed(own.id), listed(own.id, other.id), listed())

    def test_schedule_comes_round_once(self, store: Store) -> None:
        """Of eight that look at once, one gets a due schedule; it is due again when its time has come."""

        def take(now: datetime, then: datetime) -> bool:
            with store.writing() as tx:
                return tx.jobs.take_schedule("daily", now, then)

        assert 1 == sum(at_once([lambda: take(NOW, LATER)] * 8))
        assert (False, True) == (take(NOW, LATER), take(LATER, LATER.replace(year=2027)))

    @pytest.mark.parametrize(
        ("minutes", "early", "is_due"),
        [(0, 0, False), (59, 0, False), (60, 0, True), (600, 0, True), (0, 59, False), (1, 59, True), (-59, 0, False),
         (-60, 0, False), (-61, 0, True), (-6000, 0, True)],
    )  # fmt: skip
    def test_when_a_schedule_comes_round(self, store: Store, minutes: int, early: int, is_due: bool) -> None:
        """Hourly, so many minutes after it was taken: once, after an outage too, or a clock that was set far back.

        The clocks of two workers may differ by less than a period.
        """
        now, hour = NOW + timedelta(minutes=minutes), timedelta(hours=1)
        with store.writing() as tx:
            assert tx.jobs.take_schedule("hourly", NOW, NOW + hour)

        with store.writing() as tx:
            took = [tx.jobs.take_schedule("hourly", now, now + hour, early=timedelta(minutes=early)) for _ in range(2)]

        assert [is_due, False] == took

    @pytest.mark.parametrize("missing", [0, 999_999, 2**63])
    def test_missing_job(self, store: Store, missing: int) -> None:
        """An id that does not exist is not found."""
        with store.reading() as tx, pytest.raises(NotFound):
            tx.jobs.get(missing)


def _add(store: Store, kind: str = "k", **fields: Any) -> int:
    with store.writing() as tx:
        job_id = tx.jobs.add(NewJob(kind=kind, **fields), NOW)
    assert job_id is not None
    return job_id


def _claim(
    store: Store, *, lanes: tuple[str, ...] = ("default",), limit: int = 10, worker: str = "w",
    now: datetime = NOW, ids: list[int] | None = None,
) -> list[Job]:  # fmt: skip
    with store.writing() as tx:
        return tx.jobs.claim(lanes, limit=limit, worker=worker, now=now, until=LATER, ids=ids)
