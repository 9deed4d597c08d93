"""Taskmaster's complexity reports: scores of tasks, beside the task file, one report a tag."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Any

from ..domain.complexity import half_up
from .jsontext import JsonText, Node, read, unreadable
from .model import ParsedScore, ParsedScores, Warning_
from .taskmaster_fields import id_text
from .taskmaster_file import DEFAULT_TAG

_ROWS = "complexityAnalysis"
_PLACEHOLDER = "Automatically added due to missing analysis"
_SUFFIX = re.compile(r"complexity-report_(.+)\.json$")
_ADVICE = f'A report is {{"{_ROWS}": [{{"taskId": 1, "complexityScore": 5}}]}}; nothing was changed'


def parse(content: bytes) -> ParsedScores | None:
    """Read a report; None when the file is none.

    Rows may be of the old form `{id, complexity, subtaskCount}`. Those that Taskmaster fills in where its model said
    nothing have no score. Of several scores for one task the last counts.

    :raises UnreadableFile: it is a report and broken; with the line
    """
    if f'"{_ROWS}"'.encode() not in content:
        return None
    json = read(content)
    rows = json.root.get(_ROWS) if json.root.kind == "object" else None
    if rows is None:
        return None
    if rows.node.kind != "array":
        raise unreadable(json.text, rows.node.start, f"“{_ROWS}” is not a list", _ADVICE)
    reader = _Reader(json)
    for number, row in enumerate(rows.node.items, 1):
        reader.row(number, row)
    if rows.node.items and not (reader.scores or reader.unscored):
        problem = "no row names a task and a score from 1 to 10"
        raise unreadable(json.text, rows.node.start, problem, _ADVICE)
    return ParsedScores(rows=tuple(reader.scores.values()), unscored=reader.unscored, warnings=tuple(reader.warnings))


def tag_of(path: str, tags: Collection[str]) -> str | None:
    """Which of the tags a report belongs to by its file name; None when it cannot be told.

    Of Taskmaster's two code bases one writes the tag as it is, the other in letters that suit a file name.

    >>> tag_of("reports/task-complexity-report_feature-x.json", ["master", "Feature/X"])
    'Feature/X'
    >>> tag_of("reports/task-complexity-report.json", ["master", "Feature/X"])
    'master'
    """
    found = _SUFFIX.search(PurePosixPath(path).name)
    if found is None:
        return DEFAULT_TAG if DEFAULT_TAG in tags else next(iter(tags)) if len(tags) == 1 else None
    if found[1] in tags:
        return found[1]
    slugs = [tag for tag in tags if slug(tag) == slug(found[1])]
    return slugs[0] if len(slugs) == 1 else None


def slug(tag: str) -> str:
    """A tag in letters that suit a file name, as Taskmaster makes them."""
    return re.sub(r"-+", "-", re.sub(r"[^A-Za-z0-9_-]", "-", tag)).strip("-").lower()[:50]


class _Reader:
    """Gathers the rows of one report by task, and what is odd about them."""

    def __init__(self, json: JsonText) -> None:
        self.json = json
        self.scores: dict[str, ParsedScore] = {}
        self.unscored = 0
        self.warnings: list[Warning_] = []

    def row(self, number: int, node: Node) -> None:
        """Take up one row."""
        place = f"row {number}, line {self.json.line(node.start)}"
        if node.kind != "object":
            self.odd(place, "not_a_row", "it is not an object")
            return
        member = node.get("taskId") or node.get("id")
        task = id_text(member.node.value, self.json.source(member.node)) if member else None
        if task is None:
            self.odd(place, "missing_id", "it names no task")
            return
        self.score(node.value, task, f"task {task}, {place}")

    def score(self, row: dict[str, Any], task: str, place: str) -> None:
        """Take up what a row says of its task."""
        reasoning = _text(row.get("reasoning")) or _text(row.get("complexityReasoning"))
        value = _number(row.get("complexityScore", row.get("complexity")))
        if reasoning.startswith(_PLACEHOLDER):
            self.unscored += 1
            self.odd(place, "unscored", "Taskmaster filled the row in, because its model said nothing of the task")
        elif value is None or not 1 <= value <= 10:
            self.odd(place, "odd_complexity", "its score is not a number from 1 to 10")
        else:
            title = _text(row.get("taskTitle")) or _text(row.get("title"))
            self.add(ParsedScore(place=place, task=task, title=title, score=half_up(value), reasoning=reasoning))

    def add(self, row: ParsedScore) -> None:
        """Keep a row; a later one for the same task takes its place."""
        if other := self.scores.get(row.task):
            message = f"there are several scores for task {row.task}"
            self.warn(other.place, "duplicate_row", message, f"the later one counts, {row.score}")
        self.scores[row.task] = row

    def odd(self, place: str, code: str, message: str) -> None:
        """Note a row that cannot be used."""
        self.warn(place, code, message, "left out")

    def warn(self, place: str, code: str, message: str, done: str) -> None:
        """Note something odd."""
        self.warnings.append(Warning_(place=place, code=code, message=message, done=done))


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e9 else None  # whatever is larger is no score, and may be no float
