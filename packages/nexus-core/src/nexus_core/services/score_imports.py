"""Importing complexity reports: published scores for tasks that are here already."""

from __future__ import annotations

from ..domain.access import Actor
from ..domain.complexity import Score, Source
from ..domain.events import ScoresImported
from ..domain.tasks import Task
from ..errors import Fault, Invalid
from ..formats.model import ParsedScore, ParsedScores, Warning_
from ..plugins.records import ScoreFormat
from .import_report import ImportReport
from .scores import ScoreService, keep
from .work import Work

SAME_TITLE = 0.6
"""Titles that are less alike (1 = the same) are told of: the report may be of an older file."""


def choose_tag(scores: ScoreFormat, path: str, given: str | None, tags: list[str]) -> str:
    """The tag that a report is of: the one that is given, else the one that its path names.

    :raises Invalid: there is no such tag, or it cannot be told
    """
    found = scores.tag(path, tags) if given is None else given
    if found in tags:
        return found
    known = ", ".join(tags) if tags else "none yet; import the task file first"
    problem = f"there is no tag “{given}”" if given is not None else f"{path} does not say which tag it is of"
    raise Invalid(f"{problem}; there are: {known}", faults=(Fault("/tag", f"expected one of {known}"),))


class ScoreImporter:
    """One import of a report, within its transaction."""

    def __init__(
        self, work: Work, repository_id: int, scorer: ScoreService, *, path: str, actor: Actor, delivery: str | None
    ) -> None:
        self.work = work
        self.scorer = scorer
        self.repository_id = repository_id
        self.path = path
        self.actor = actor
        self.delivery = delivery
        self.warnings: list[Warning_] = []

    def run(self, parsed: ParsedScores, scores: ScoreFormat, given: str | None, name: str) -> ImportReport:
        """Give each task its score; rows without a task are reported."""
        work = self.work
        keys = work.tasks.keys_of(self.repository_id)
        tag = choose_tag(scores, self.path, given, sorted({key.rpartition(":")[0] for key in keys}))
        tasks = {task.id: task for task in work.tasks.many(list(keys.values()))}
        self.warnings += parsed.warnings
        matched = [
            (tasks[keys[key]], row) for row in parsed.rows if (key := f"{tag}:{row.task}") in keys or self._lost(row)
        ]
        changed = self._apply(matched)
        unmatched = len(parsed.rows) - len(matched)
        work.record(
            ScoresImported, actor=self.actor, repository_id=self.repository_id, delivery=self.delivery, tag=tag,
            scored=len(matched), changed=changed, unscored=parsed.unscored, unmatched=unmatched,
        )  # fmt: skip
        return ImportReport(
            repository=name, layout="report", kind="scores", dry_run=False, tag=tag,
            tasks=len(parsed.rows) + parsed.unscored, created=0, changed=changed, unchanged=len(matched) - changed,
            unscored=parsed.unscored, unmatched=unmatched, warnings=tuple(self.warnings),
        )  # fmt: skip

    def _apply(self, matched: list[tuple[Task, ParsedScore]]) -> int:
        known = self.work.scores.of([task.id for task, _ in matched])
        fresh = []
        for task, row in matched:
            self._compare(task, row)
            score = Score(value=row.score, source=Source.REPORT, reasoning=row.reasoning)
            if known.get(task.id) != score:
                fresh.append((task, score))
        keep(self.work, fresh, actor=self.actor, delivery=self.delivery)
        self.scorer.refresh(self.work, self.work.tasks.descendants([task.id for task, _ in fresh]))
        return len(fresh)

    def _lost(self, row: ParsedScore) -> bool:
        titled = f" (“{row.title[:60]}”)" if row.title else ""
        message = f"there is no task {row.task}{titled} here"
        self.warnings.append(Warning_(place=row.place, code="unmatched", message=message, done="left out"))
        return False

    def _compare(self, task: Task, row: ParsedScore) -> None:
        if row.title and not _alike(row.title.lower(), task.title.lower()):
            message = f"the report scores “{row.title[:60]}”; the task is “{task.title[:60]}”"
            done = "the score was taken, by the task's id"
            self.warnings.append(Warning_(place=row.place, code="other_title", message=message, done=done))


def _alike(one: str, other: str) -> bool:
    from difflib import SequenceMatcher  # most commands import no report

    return SequenceMatcher(None, one, other).ratio() >= SAME_TITLE
