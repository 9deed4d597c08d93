# ruff: noqa: S101, SIM300 - a suite of tests: asserts, expected value first
"""Where the complexity of tasks comes from."""

from __future__ import annotations

from ...domain.complexity import Factor, Score, Source
from ...ports.storage import Store
from .aids import LATER, NOW, make_repository, make_task, make_tasks

ESTIMATE = Score(
    value=7, source=Source.ESTIMATE, estimator="built-in", factors=(Factor("base", 3.5), Factor("é 😀", -0.25, "a, b")),
)  # fmt: skip
REPORTED = Score(value=2, source=Source.REPORT, reasoning="It’s “plain” work.\n100 %")


class ScoresContract:
    """Scores."""

    def test_score_round_trip(self, store: Store) -> None:
        """Scores come back as they were saved; who has none is not in the answer."""
        first, second, third = make_tasks(store, 3)
        with store.writing() as tx:
            tx.scores.save({first: ESTIMATE, second: REPORTED}, NOW)

        with store.reading() as tx:
            assert {first: ESTIMATE, second: REPORTED} == tx.scores.of([first, second, third, 999])
            assert {} == tx.scores.of([])

    def test_score_sets_the_complexity_and_not_the_version(self, store: Store) -> None:
        """It is derived, as the counts are; the next one takes its place."""
        task = make_task(store, complexity_auto=7)
        with store.writing() as tx:
            tx.scores.save({task.id: ESTIMATE}, NOW)
            same = tx.tasks.get(task.id)
            tx.scores.save({task.id: REPORTED}, LATER)
            other = tx.tasks.get(task.id)

            assert {task.id: REPORTED} == tx.scores.of([task.id])
        assert (task, 2, task.version, NOW) == (same, other.complexity_auto, other.version, other.updated_at)

    def test_estimated_otherwise(self, store: Store) -> None:
        """Those of the repository without a score, or with another estimator's; not what somebody published."""
        repository, elsewhere = make_repository(store), make_repository(store, "acme/web")
        ours, others, published, none = make_tasks(store, 4, repository_id=repository.id)
        make_task(store, repository_id=elsewhere.id)
        with store.writing() as tx:
            model = Score(value=3, source=Source.ESTIMATE, estimator="model")
            tx.scores.save({ours: ESTIMATE, others: model, published: REPORTED}, NOW)

        with store.reading() as tx:
            assert [others, none] == tx.scores.estimated_otherwise(repository.id, "built-in")
            assert [ours, none] == tx.scores.estimated_otherwise(repository.id, "model")

    def test_parts(self, store: Store) -> None:
        """How many subtasks tasks have, open or not; those without are not in the answer."""
        parent, other, alone = make_tasks(store, 3)
        below = make_tasks(store, 2, parent_id=parent)
        make_task(store, parent_id=other)

        with store.reading() as tx:
            assert {parent: 2, other: 1} == tx.scores.parts([parent, other, alone, below[0]])
