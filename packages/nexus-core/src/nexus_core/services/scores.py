"""Scores: how complex each task is, who says so, and by what factors.

A person's word is kept with the task and never touched here. Of the rest, a report's score wins over the task file's,
and both over an estimate; an estimate follows the task: when what it says changes, or where it stands, it is made anew.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence

import attrs

from ..domain import complexity
from ..domain.access import LOCAL, Actor, plugin_actor
from ..domain.complexity import Complexity, Score, Source, TaskFacts
from ..domain.events import TaskScored
from ..domain.jobs import Done, Job, NewJob, Outcome
from ..domain.tasks import Task
from ..errors import Invalid
from ..plugins.context import Context
from ..plugins.records import ComplexityEstimator
from .work import UnitOfWork, Work, require_seen

log = logging.getLogger("nexus.scores")

BUILT_IN = "built-in"
JOB = "core.estimate"


@attrs.frozen(kw_only=True)
class Explanation:
    """A task's complexity with where it comes from."""

    task: Task
    score: Score | None  #: what `complexity_auto` comes from; None = it has none, or it is not on record

    @property
    def source(self) -> Source | None:
        """Who says the one that counts."""
        if self.task.complexity_manual is not None:
            return Source.PERSON
        return self.score.source if self.score else None


class ScoreService:
    """How complex tasks are."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit
        self._contexts: dict[str, Context] = {}

    # For those who write tasks, within their transaction --------------------------------------------------------------

    def estimate(self, facts: TaskFacts) -> Score:
        """A first score: by the estimator of the configuration, or by the built-in one while that takes its time.

        :raises Invalid: there is no such estimator
        """
        record = self._record()
        if not record.background:
            try:
                return _scored(record.name, record.estimate(facts, self._context(record)))
            except Exception as error:
                # A plugin's fault must not keep a task from being written.
                log.warning("the complexity estimator %s failed: %s: %s", record.name, type(error).__name__, error)
        return _scored(BUILT_IN, complexity.estimate(facts))

    def refresh(self, work: Work, ids: Iterable[int]) -> None:
        """Make the estimates of tasks anew, after what they say or where they stand changed."""
        record = self._record()
        tasks = work.tasks.many(sorted(set(ids)))
        known = work.scores.of([task.id for task in tasks])
        estimated = [task for task in tasks if _is_estimate(known.get(task.id))]
        # What a slow estimator said stands until it was asked again.
        waiting = {
            task.id for task in estimated if record.background and task.id in known
            and known[task.id].estimator == record.name
        }  # fmt: skip
        facts = facts_of(work, [task for task in estimated if task.id not in waiting])
        fresh = {task_id: self.estimate(one) for task_id, one in facts.items()}
        work.scores.save({task_id: one for task_id, one in fresh.items() if known.get(task_id) != one}, work.now)
        self.ask(work, [task.id for task in estimated])

    def ask(self, work: Work, ids: Iterable[int]) -> None:
        """Have an estimator that takes its time look at these tasks, when such a one is in use."""
        record = self._record()
        for task_id in ids if record.background else ():
            key, payload = f"{JOB}:{task_id}", {"task_id": task_id}
            work.enqueue_shared(NewJob(kind=JOB, payload=payload, unique_key=key, max_attempts=record.max_attempts))

    def stale(self, work: Work, repository_id: int) -> list[int]:
        """The tasks of a repository that another estimator than today's has estimated, or none yet."""
        return work.scores.estimated_otherwise(repository_id, self._record().name)

    # Use cases --------------------------------------------------------------------------------------------------------

    def explain(self, task_id: int, *, actor: Actor = LOCAL) -> Explanation:
        """A task's complexity with its factors. :raises NotFound:"""
        with self._unit.read() as work:
            task = work.tasks.get(task_id)
            require_seen(actor, task.repository_id, f"task {task_id}")
            return Explanation(task=task, score=work.scores.of([task_id]).get(task_id))

    def run(self, job: Job, ctx: Context) -> Outcome:
        """Ask an estimator that takes its time about one task, and keep what it says."""
        record, task_id = self._record(), int(job.payload["task_id"])
        with self._unit.read() as work:
            task = work.tasks.get(task_id)
            if not record.background or not _is_estimate(work.scores.of([task_id]).get(task_id)):
                return Done("nothing to estimate")
            facts = facts_of(work, [task])[task_id]
        owner = self._unit.plugins.owner(record)
        score = _scored(record.name, record.estimate(facts, attrs.evolve(ctx, plugin=owner)))

        def action(work: Work) -> Outcome:
            current = work.tasks.get(task_id, lock=True)
            if not _is_estimate(work.scores.of([task_id]).get(task_id)):
                return Done("somebody scored it meanwhile")
            if facts_of(work, [current])[task_id] != facts:  # what is said of it now may have been answered already
                self.ask(work, [task_id])
                return Done("it changed meanwhile, and is estimated anew")
            keep(work, [(current, score)], actor=plugin_actor(owner), delivery=ctx.delivery)
            return Done(f"{score.value} of 10")

        return self._unit.write(action)

    def _record(self) -> ComplexityEstimator:
        name = self._unit.config["complexity.estimator"]
        found = self._unit.plugins.estimators.get(name)
        if found is None:
            raise Invalid(f"there is no complexity estimator “{name}”; see complexity.estimator in the configuration")
        return found

    def _context(self, record: ComplexityEstimator) -> Context:
        if record.name not in self._contexts:
            self._contexts[record.name] = self._unit.context(self._unit.plugins.owner(record))
        return self._contexts[record.name]


def keep(work: Work, scores: Sequence[tuple[Task, Score]], *, actor: Actor, delivery: str | None) -> int:
    """Record scores that somebody gave, and tell of those that differ; how many do."""
    work.scores.save({task.id: score for task, score in scores}, work.now)
    items = [
        {
            "task_id": task.id, "repository_id": task.repository_id,
            "payload": {"from": task.complexity_auto, "to": score.value, "source": str(score.source)},
        }
        for task, score in scores if task.complexity_auto != score.value
    ]  # fmt: skip
    work.record_many(TaskScored, items, actor=actor, delivery=delivery)
    return len(items)


def facts_of(work: Work, tasks: Sequence[Task]) -> dict[int, TaskFacts]:
    """What an estimator is given for each of these tasks."""
    ids = [task.id for task in tasks]
    parts, above = work.scores.parts(ids), _above(work, tasks)
    given = given_scores(work, [other for line in above.values() for other in line])
    dependents = Counter(on for _, on in work.tasks.dependents(ids))
    return {
        task.id: TaskFacts(
            title=task.title, description=task.description, details=task.details, test_strategy=task.test_strategy,
            priority=task.priority, labels=task.labels, dependencies=len(task.dependencies),
            dependents=dependents[task.id], subtasks=parts.get(task.id, 0), depth=len(above[task.id]),
            parent_score=next((given[other.id] for other in above[task.id] if other.id in given), None),
        )
        for task in tasks
    }  # fmt: skip


def given_scores(work: Work, tasks: Iterable[Task]) -> dict[int, int]:
    """The scores that somebody gave to these tasks: a person, a report, the task file."""
    by_id = {task.id: task for task in tasks}
    published = {task_id: one.value for task_id, one in work.scores.of(list(by_id)).items() if not _is_estimate(one)}
    manual = {task.id: task.complexity_manual for task in by_id.values() if task.complexity_manual is not None}
    return published | manual


def _above(work: Work, tasks: Sequence[Task]) -> dict[int, list[Task]]:
    """The tasks above each of these, the nearest first."""
    known = {task.id: task for task in tasks}
    while unknown := {task.parent_id for task in known.values() if task.parent_id is not None} - known.keys():
        known |= {task.id: task for task in work.tasks.many(sorted(unknown))}
    lines: dict[int, list[Task]] = {}
    for task in tasks:
        line = lines[task.id] = []
        while (parent := (line[-1] if line else task).parent_id) is not None:
            line.append(known[parent])
    return lines


def _scored(estimator: str, found: Complexity) -> Score:
    return Score(
        value=found.score, source=Source.ESTIMATE, estimator=estimator, factors=found.factors,
        reasoning=found.reasoning,
    )  # fmt: skip


def _is_estimate(score: Score | None) -> bool:
    return score is None or score.source is Source.ESTIMATE
