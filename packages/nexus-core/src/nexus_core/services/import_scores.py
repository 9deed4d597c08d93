"""Complexity of imported tasks: what the file says, what somebody gave, and what is estimated where neither speaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ..domain.complexity import Score, Source, TaskFacts
from ..domain.tasks import Task
from ..formats.model import ParsedTask, ParsedTasks
from .scores import ScoreService, given_scores
from .work import Work


class FileScores:
    """The scores of one import."""

    def __init__(self, work: Work, repository_id: int, scorer: ScoreService) -> None:
        self._work = work
        self._repository_id = repository_id
        self._scorer = scorer
        self._scores: dict[int, Score] = {}  #: of tasks that were added, or whose file says another score
        self._facts: Mapping[str, TaskFacts] = {}
        self._reported: set[int] = set()  #: tasks whose score a report gave; the file's copy of it says nothing new

    def read(self, parsed: ParsedTasks, ids: Mapping[str, int], existing: Mapping[int, Task]) -> None:
        """Look at a file, of which `ids` are the tasks that are there already."""
        self._facts = _facts_of(parsed, self._given(parsed, ids, existing))
        scored = [ids[one.external_key] for one in parsed.tasks if one.complexity_auto and one.external_key in ids]
        found = self._work.scores.of(scored)
        self._reported = {task_id for task_id, one in found.items() if one.source is Source.REPORT}

    def of_new(self, task_id: int, one: ParsedTask) -> int:
        """The score of a task that is added."""
        score = _file_score(one) or self._scorer.estimate(self._facts[one.external_key])
        self._scores[task_id] = score
        return score.value

    def of_known(self, task: Task, theirs: ParsedTask, base: ParsedTask | None) -> int | None:
        """The file's score for a task that is there, when it is news; None when there is nothing to take."""
        score = _file_score(theirs)
        if score is None or task.id in self._reported or (base and base.complexity_auto == score.value):
            return None
        self._scores[task.id] = score
        return None if score.value == task.complexity_auto else score.value

    def keep(self, parsed: ParsedTasks, ids: Mapping[str, int], *, new: Iterable[int], changed: Iterable[int]) -> None:
        """Keep what was scored; estimate anew what changed, or got other parts, or is a part of what was scored."""
        added = set(new)
        self._work.scores.save(self._scores, self._work.now)
        below = self._work.tasks.descendants(sorted(self._scores.keys() - added))
        parents = {
            ids[one.parent_key]
            for one in parsed.tasks
            if one.parent_key in ids and one.parent_key and ids[one.external_key] in self._scores
        }
        stale = self._scorer.stale(self._work, self._repository_id)
        self._scorer.refresh(self._work, {*changed, *parents, *stale} - added | {*below})
        self._scorer.ask(self._work, sorted(added))

    def _given(self, parsed: ParsedTasks, ids: Mapping[str, int], existing: Mapping[int, Task]) -> dict[str, int]:
        """The scores that somebody gave to tasks which the file gives new parts."""
        keys = {one.parent_key for one in parsed.tasks if one.parent_key in ids and one.external_key not in ids}
        given = given_scores(self._work, [existing[ids[key]] for key in keys if key])
        return {key: given[ids[key]] for key in keys if key and ids[key] in given}


def _file_score(one: ParsedTask) -> Score | None:
    """The score that the file has for a task, which Taskmaster copies there from its report."""
    return None if one.complexity_auto is None else Score(value=one.complexity_auto, source=Source.FILE)


def _facts_of(parsed: ParsedTasks, given: Mapping[str, int]) -> dict[str, TaskFacts]:
    """What an estimator is given for each task of the file; `given` are scores that somebody gave in Nexus, by key."""
    said: dict[str, int | None] = {
        one.external_key: one.complexity_manual or one.complexity_auto for one in parsed.tasks
    }
    said.update(given)
    parts = Counter(one.parent_key for one in parsed.tasks)
    dependents = Counter(on for one in parsed.tasks for on in one.dependencies)
    found: dict[str, TaskFacts] = {}
    for one in parsed.tasks:
        parent = found.get(one.parent_key or "")
        found[one.external_key] = TaskFacts(
            title=one.title, description=one.description, details=one.details, test_strategy=one.test_strategy,
            priority=one.priority, labels=one.labels, dependencies=len(one.dependencies) + len(one.references),
            dependents=dependents[one.external_key], subtasks=parts[one.external_key],
            depth=parent.depth + 1 if parent else 0,
            parent_score=said.get(one.parent_key or "") or (parent.parent_score if parent else None),
        )  # fmt: skip
    return found
