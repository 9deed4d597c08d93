"""Writes docs/taskmaster-next.md: where our `next` differs from Taskmaster's on real files, and why.

    python tools/taskmaster_next.py DATA    # DATA holds tasksjson/*.json and tasksjson/taskmaster_next.csv

Taskmaster's rule is performed here, and has to give every answer that its own server gave. Each point in which our rule
is another can be switched on by itself; with all of them on, the rule has to give our answers. A difference is then put
down to the fewest points that turn Taskmaster's answer into ours: that is a computation, not an opinion.
"""

from __future__ import annotations

import csv
import json
import sys
import textwrap
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import attrs

from nexus_core.domain.tasks import Task
from nexus_core.errors import UnreadableFile
from nexus_core.formats.taskmaster import parse
from nexus_core.ports.queries import TaskQuery
from nexus_core.testing import nexus_for_test

PAGE = Path(__file__).parents[1] / "docs" / "taskmaster-next.md"
ORDER = {"high": 3, "medium": 2, "low": 1}
#: The points in which the rules differ: what we do, and what Taskmaster does.
POINTS = {
    "in progress": ("Only what nobody has begun is offered", "also what is `in-progress`"),
    "open subtasks": ("A task with open subtasks waits for them", "is offered itself"),
    "any subtask": (
        "Subtasks are offered whatever the status of their parent, in one order with tasks",
        "only those of a parent that is `in-progress`, and these before all tasks",
    ),
    "parent waits": ("A subtask waits for what its parents wait for", "does not"),
    "cancelled": ("A cancelled dependency is satisfied", "blocks for ever"),
    "references": (
        "A dependency that names nothing, its own task or its parent does not block; one of each cycle is left out",
        "blocks for ever",
    ),
    "critical": ("`critical` comes before `high`", "is taken for `medium`"),
    "impact": ("After the priority: for how many open tasks it clears the way", "how few dependencies it has"),
    "complexity": ("Then the less complex one", "is not looked at"),
    "position": ("Then the one that stands first in the file", "the lower number"),
}


@attrs.frozen(kw_only=True)
class Entry:
    """A task or subtask as both see it."""

    raw: dict[str, Any]
    name: str  #: such as `3.2`
    task: Task  #: as Nexus holds it
    parent: Entry | None

    @property
    def dependencies(self) -> list[str]:
        """What it names, as Taskmaster completes it."""
        names = self.raw.get("dependencies") or []
        if self.parent is None:
            return [str(name) for name in names]
        return [name if isinstance(name, str) and "." in name else f"{self.parent.name}.{name}" for name in names]

    @property
    def numbers(self) -> tuple[Any, ...]:
        """What Taskmaster sorts by in the end."""
        return tuple(_number(name) for name in self.name.split("."))


@attrs.frozen(kw_only=True)
class Answer:
    """What both answer for one tag of one file; empty for nothing."""

    file: str
    tag: str
    theirs: str
    ours: str
    shown: str  #: ours, as Nexus names it
    because: tuple[str, ...] = ()  #: points


def _number(text: str) -> Any:
    return (0, int(text), "") if text.isdigit() else (1, 0, text)


class Tag:
    """The tasks of one tag, and the rule over them with some of our points switched on."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.by_id = {entry.task.id: entry for entry in entries}
        self.open_below = Counter(
            entry.parent.name for entry in entries if entry.parent and not entry.task.status.is_closed
        )

    def next(self, points: Collection[str]) -> str:
        """The name of what is offered, or nothing."""
        everyone = [entry for entry in self.entries if "any subtask" in points or entry.parent is None]
        begun = [entry for entry in self.entries if entry.parent and entry.parent.raw.get("status") == "in-progress"]
        done = self.done(points)
        for pool in [everyone] if "any subtask" in points else [begun, everyone]:
            fitting = [entry for entry in pool if self.fits(entry, points, done)]
            if fitting:
                return min(fitting, key=lambda entry: self.order(entry, points)).name
        return ""

    def done(self, points: Collection[str]) -> set[str]:
        """The names of what satisfies those that depend on it."""
        words = {"done", "completed"} | ({"cancelled"} if "cancelled" in points else set())
        return {entry.name for entry in self.entries if entry.raw.get("status") in words}

    def fits(self, entry: Entry, points: Collection[str], done: set[str]) -> bool:
        """Whether it can be offered."""
        status = str(entry.raw.get("status") or "pending").lower()
        if status not in ({"pending"} if "in progress" in points else {"pending", "in-progress"}):
            return False
        if "open subtasks" in points and self.open_below[entry.name]:
            return False
        waiting = [entry]
        while "parent waits" in points and (above := waiting[-1].parent) is not None:
            waiting.append(above)
        return all(self.satisfied(one, points, done) for one in waiting)

    def satisfied(self, entry: Entry, points: Collection[str], done: set[str]) -> bool:
        """Whether its own dependencies are."""
        if "references" in points:
            return all(self.by_id[other].name in done for other in entry.task.dependencies)
        return all(name in done for name in entry.dependencies)

    def order(self, entry: Entry, points: Collection[str]) -> tuple[Any, ...]:
        """The least comes first."""
        word = entry.raw.get("priority") or (entry.parent.raw.get("priority") if entry.parent else None) or "medium"
        rank = 4 if word == "critical" and "critical" in points else ORDER.get(word, 2)
        return (
            -rank,
            -entry.task.impact if "impact" in points else len(entry.dependencies),
            (entry.task.complexity or 5) if "complexity" in points else 0,
            entry.task.id if "position" in points else entry.numbers,
        )


def lists_of(document: Any) -> dict[str, list[dict[str, Any]]]:
    """The tasks of each tag of a file."""
    if isinstance(document, list) or isinstance(document.get("tasks"), list):
        return {"master": document if isinstance(document, list) else document["tasks"]}
    tags = {tag: inner["tasks"] for tag, inner in document.items() if isinstance(inner, dict) and "tasks" in inner}
    return {tag: tasks for tag, tasks in tags.items() if isinstance(tasks, list)}


def entries_of(tasks: Sequence[dict[str, Any]], known: Iterator[Task]) -> list[Entry]:
    """The tasks of a list with those of Nexus, which come in the same order."""
    found = []
    for raw in tasks:
        entry = Entry(raw=raw, name=str(raw.get("id")), task=next(known), parent=None)
        found.append(entry)
        found += [
            Entry(raw=below, name=f"{entry.name}.{below.get('id')}", task=next(known), parent=entry)
            for below in raw.get("subtasks") or []
        ]
    return found


def compare(data: Path) -> tuple[list[Answer], list[str]]:
    """Every answer of Taskmaster's with ours; and the files that are not Taskmaster's.

    :raises AssertionError: one of the two rules is not as it is performed here
    """
    with (data / "tasksjson" / "taskmaster_next.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    answers: list[Answer] = []
    foreign: list[str] = []
    with nexus_for_test() as nexus:
        for file in dict.fromkeys(row["file"] for row in rows):
            content = (data / "tasksjson" / file).read_bytes()
            theirs = {row["tag"]: row["next"] for row in rows if row["file"] == file}
            place = f"real/{file.removesuffix('.json')}"
            try:
                report = nexus.tasks.import_file(content, place)
            except UnreadableFile:
                foreign.append(file)
                continue
            everything = TaskQuery(repository=place, limit=report.tasks + 1)
            held = {task.external_key: task for task in nexus.tasks.list(everything).items}
            known = iter([held[task.external_key] for task in parse(content).tasks])
            ready = nexus.tasks.ready(place, limit=len(held))
            for tag, tasks in lists_of(json.loads(content)).items():
                entries = entries_of(tasks, known)
                if tag in theirs:
                    ids = {entry.task.id: entry for entry in entries}
                    first = next((ids[task.id] for task in ready if task.id in ids), None)
                    answers.append(explain(answer_of(file, tag, theirs[tag], first), Tag(entries)))
    return answers, foreign


def answer_of(file: str, tag: str, theirs: str, first: Entry | None) -> Answer:
    """Both answers, ours by the name that Taskmaster would use and by our own."""
    own = (first.task.external_key or "").removeprefix(f"{tag}:") if first else ""
    return Answer(file=file, tag=tag, theirs=theirs, ours=first.name if first else "", shown=own)


def explain(answer: Answer, tag: Tag) -> Answer:
    """The answer with the fewest points that turn theirs into ours."""
    assert tag.next(()) == answer.theirs, (answer, tag.next(()))  # noqa: S101 - their rule, as we know it
    assert tag.next(POINTS) == answer.ours, (answer, tag.next(POINTS))  # noqa: S101 - and ours
    if answer.theirs == answer.ours:
        return answer
    for number in range(1, len(POINTS) + 1):
        for points in combinations(POINTS, number):
            if tag.next(points) == answer.ours:
                return attrs.evolve(answer, because=points)
    raise AssertionError(answer)


# The page
# --------


def page(answers: Sequence[Answer], foreign: Sequence[str]) -> str:
    """What is written."""
    differing = [answer for answer in answers if answer.theirs != answer.ours]
    nothing = sum(not answer.theirs for answer in answers if answer not in differing)
    known = {
        "files": len({answer.file for answer in answers}), "tags": len(answers), "nothing": nothing,
        "same": len(answers) - len(differing), "differing": len(differing),
        "foreign": f"{len(foreign)} files of other tools, which Taskmaster reads ({', '.join(map(_short, foreign))})",
    }  # fmt: skip
    parts = [textwrap.fill(part, 120, break_on_hyphens=False) for part in TEXT.format(**known).strip().split("\n\n")]
    return "\n\n".join(parts).format(
        points=_table(("point", "we", "Taskmaster", "differences", "by itself", "such as"), _points(differing)),
        each=_table(("file", "tag", "Taskmaster", "Nexus", "points"), map(_row, differing)),
    ) + "\n"  # fmt: skip


TEXT = """
# Taskmaster's `next` and ours

Who comes from Taskmaster may ask why `nexus task next` names another task. This page compares the two on real files:
{files} task files with {tags} tags, from public repositories, and for each tag what Taskmaster's own server
(`task-master-ai` 0.43.1) answered to `next`.

**They agree on {same} of {tags}** (on {nothing} of them that there is nothing to do) **and differ on {differing}.**
Left out: {foreign} and Nexus refuses.

What is compared: Taskmaster looks at one tag. Nexus looks at a repository, and so at all its tags; here, its answer is
the first of its ready tasks that belongs to the tag. In a file with one tag that is what `nexus task next --repo`
names. Nobody holds a task and nothing is parked, for a file knows of neither.

## Why they differ

Taskmaster's rule was performed from its description, and gave every answer that its server gave. Then each point in
which our rule is another was switched on by itself; with all of them on, the rule gave every answer of ours. A
difference is put down to the fewest points that turn Taskmaster's answer into ours: “differences” counts those in which
a point is needed, “by itself” those for which it is enough.

{{points}}

## Each difference

{{each}}

Made by `python tools/taskmaster_next.py DATA`, which checks both rules; a test holds the page to the files, where they
are.
"""


def _points(differing: Sequence[Answer]) -> Iterator[tuple[str, ...]]:
    for point, (ours, theirs) in POINTS.items():
        needed = [answer for answer in differing if point in answer.because]
        alone = [answer for answer in needed if len(answer.because) == 1]
        example = next(iter([*alone, *needed]), None)
        shown = f"{_short(example.file)}: {_said(example.theirs)}, we {_said(example.shown)}" if example else ""
        yield point, ours, theirs, str(len(needed)), str(len(alone)), shown


def _row(answer: Answer) -> tuple[str, ...]:
    because = ", ".join(answer.because)
    return _short(answer.file), answer.tag, _said(answer.theirs), _said(answer.shown), because


def _said(name: str) -> str:
    return name or "nothing"


def _short(file: str) -> str:
    return file.removesuffix(".json").replace("__", "/", 1)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(*compare(Path(sys.argv[1]))), "utf-8")
