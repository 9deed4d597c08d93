"""Fits the built-in estimate of complexity on published scores, and says how well it does where it was not fitted.

    python bench/complexity.py [DATA] [--splits 200] [--check]

DATA (default: $NEXUS_DATA, else ../shared/data) holds `complexity/`, reports named `owner__repo__path`, and
`tasksjson/`, the task files of the same repositories. A row counts where report and file mean the same task: by
repository, tag, id and title. Rows that Taskmaster filled in itself are no scores. What the file copied from a report
is never looked at.

Repositories of one owner, and forks of one project, are one family: a family is fitted on or held out, never both. The
split is by the family's name, so that nobody chose it. `--check` fails when the shipped weights are not the ones that
are printed, or reach less than 0.45 on the held-out families.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import os
import random
import re
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import attrs

from nexus_core.domain import complexity
from nexus_core.domain.complexity import TaskFacts
from nexus_core.errors import UnreadableFile
from nexus_core.formats import complexity_report, taskmaster
from nexus_core.formats.model import ParsedScore, ParsedTask

DATA = Path(os.environ.get("NEXUS_DATA", Path(__file__).parents[2] / "shared" / "data"))
FORKS = {"DarksunTv": "task-master", "BedroomDev": "task-master", "eyaltoledano": "task-master"}
SAME_TITLE = 0.6
"""How alike two titles are that mean one task."""
ENOUGH = 8
"""A repository with fewer rows has no correlation of its own worth looking at."""
RIDGE = 10.0
FLOOR = 0.45

Estimate = Callable[[TaskFacts], float]


@attrs.frozen(kw_only=True)
class Row:
    """A task with its published score."""

    repository: str
    facts: TaskFacts
    score: int
    has_task: bool = True  #: False: only the title is known, from the report

    @property
    def family(self) -> str:
        """Who wrote it: the owner, or the project that several owners copied."""
        owner = self.repository.partition("/")[0]
        return FORKS.get(owner, owner)

    @property
    def is_held_out(self) -> bool:
        """Whether it is for the test alone."""
        return hashlib.sha256(self.family.encode()).hexdigest() >= "6"


# The rows -------------------------------------------------------------------------------------------------------------


def published(data: Path) -> list[Row]:
    """Every scored row of every report, with the task that it means where that is known."""
    return [row for file in sorted(data.glob("complexity/*.json")) for row in _rows(data, file)]


def _rows(data: Path, file: Path) -> Iterator[Row]:
    owner, name, _ = file.name.split("__", 2)
    tasks = data / "tasksjson" / f"{owner}__{name}.json"
    facts = facts_of(tasks.read_bytes()) if tasks.exists() else {}
    tag = complexity_report.tag_of(file.name, list(dict.fromkeys(key.rpartition(":")[0] for key in facts)))
    report = complexity_report.parse(file.read_bytes())
    for row in report.rows if report else ():
        found = facts.get(f"{tag}:{row.task}")
        if found is not None and _same(found, row):
            yield Row(repository=f"{owner}/{name}", facts=found, score=row.score)
        elif row.title:
            facts_known = TaskFacts(title=row.title)
            yield Row(repository=f"{owner}/{name}", facts=facts_known, score=row.score, has_task=False)


def _same(facts: TaskFacts, row: ParsedScore) -> bool:
    if not row.title:
        return bool(row.reasoning)  # a row with neither says nothing that could be checked
    return difflib.SequenceMatcher(None, _plain(facts.title), _plain(row.title)).ratio() >= SAME_TITLE


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()


def facts_of(content: bytes) -> dict[str, TaskFacts]:
    """What an estimator is given for each task of a file, by external key."""
    tasks = taskmaster.parse(content).tasks
    parts = Counter(task.parent_key for task in tasks)
    after = Counter(on for task in tasks for on in task.dependencies)
    return {task.external_key: _facts(task, parts[task.external_key], after[task.external_key]) for task in tasks}


def _facts(task: ParsedTask, subtasks: int, dependents: int) -> TaskFacts:
    return TaskFacts(
        title=task.title, description=task.description, details=task.details, test_strategy=task.test_strategy,
        priority=task.priority, labels=task.labels, dependencies=len(task.dependencies), dependents=dependents,
        subtasks=subtasks, depth=0 if task.parent_key is None else 1,
    )  # fmt: skip


def copied(data: Path) -> list[Row]:
    """Scores that Taskmaster copied into task files, of repositories without a report here: never fitted on."""
    reported = {row.repository for row in published(data)}
    rows = []
    for file in sorted(data.glob("tasksjson/*.json")):
        repository = file.stem.replace("__", "/", 1)
        try:
            tasks = taskmaster.parse(file.read_bytes()).tasks
        except UnreadableFile:
            continue
        facts = facts_of(file.read_bytes())
        rows += [
            Row(repository=repository, facts=facts[task.external_key], score=task.complexity_auto)
            for task in tasks
            if task.complexity_auto is not None and task.parent_key is None and repository not in reported
        ]
    return rows


# Statistics, small enough to need no package --------------------------------------------------------------------------


def spearman(left: Sequence[float], right: Sequence[float]) -> float:
    """The rank correlation; 0 where one side is constant, for which there is none."""
    one, other = _ranks(left), _ranks(right)
    try:
        return statistics.correlation(one, other)
    except statistics.StatisticsError:
        return 0.0


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for position in range(start, end + 1):
            ranks[order[position]] = (start + end) / 2
        start = end + 1
    return ranks


def solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """The solution of linear equations, by elimination."""
    size = len(right)
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda index: abs(rows[index][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for index in range(size):
            if index != column:
                factor = rows[index][column] / rows[column][column]
                rows[index] = [a - factor * b for a, b in zip(rows[index], rows[column], strict=True)]
    return [rows[index][size] / rows[index][index] for index in range(size)]


# The fit --------------------------------------------------------------------------------------------------------------


@cache
def measured(facts: TaskFacts) -> dict[str, float]:
    """The measures of a task, which many fits ask for."""
    return {name: amount for name, (amount, _) in complexity.measures(facts).items()}


NAMES = tuple(name for name in complexity.WEIGHTS if name != complexity.BASE)


def fit(rows: Sequence[Row]) -> dict[str, float]:
    """The weights that come closest to the scores of these rows, spread as wide as the scores are.

    Ridge regression on standardised measures. A family of n rows weighs as much as the root of n, so that one large
    project does not decide alone. Least squares draws every estimate towards the mean; whole numbers from 1 to 10 then
    fall together, so the spread is given back at the end.
    """
    table = [[measured(row.facts)[name] for name in NAMES] for row in rows]
    sizes = Counter(row.family for row in rows)
    weights = [sizes[row.family] ** -0.5 for row in rows]
    scores = [float(row.score) for row in rows]
    middle = _mean(scores, weights)
    columns = [[line[index] for line in table] for index in range(len(NAMES))]
    means = [_mean(column, weights) for column in columns]
    widths = [_width(column, weights) or 1.0 for column in columns]
    plain = [[(x - m) / w for x, m, w in zip(line, means, widths, strict=True)] for line in table]
    penalty = RIDGE * sum(weights) / len(rows)
    matrix = [
        [
            sum(w * line[a] * line[b] for w, line in zip(weights, plain, strict=True)) + (penalty if a == b else 0)
            for b in range(len(NAMES))
        ]
        for a in range(len(NAMES))
    ]
    right = [
        sum(w * line[a] * (score - middle) for w, line, score in zip(weights, plain, scores, strict=True))
        for a in range(len(NAMES))
    ]
    found = solve(matrix, right)
    estimates = [sum(f * x for f, x in zip(found, line, strict=True)) for line in plain]
    stretch = _width(scores, weights) / _width(estimates, weights)
    slopes = [stretch * f / width for f, width in zip(found, widths, strict=True)]
    base = middle - sum(slope * m for slope, m in zip(slopes, means, strict=True))
    return {complexity.BASE: round(base, 2)} | {
        name: round(slope, 2) for name, slope in zip(NAMES, slopes, strict=True)
    }


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    return sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)


def _width(values: Sequence[float], weights: Sequence[float]) -> float:
    middle = _mean(values, weights)
    return _mean([(value - middle) ** 2 for value in values], weights) ** 0.5


def formula(weights: dict[str, float]) -> Estimate:
    """The estimate with these weights, rounded to whole scores as everybody gets it."""
    return lambda facts: complexity.half_up(sum(weights[name] * amount for name, amount in measured(facts).items()))


# What is said ---------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Result:
    """How close estimates come to published scores."""

    pooled: float  #: Spearman's rank correlation over all rows
    median: float  #: of the repositories with enough rows
    error: float  #: the mean distance between estimate and score

    def __str__(self) -> str:
        told = f"{self.pooled:6.2f} pooled {self.median:6.2f} median of the repositories"
        return told if self.error > 10 else f"{told}  {self.error:.2f} off on average"


def judge(rows: Sequence[Row], estimate: Estimate) -> Result:
    """Compare the estimates for these rows with their scores."""
    pairs = [(row.repository, estimate(row.facts), row.score) for row in rows]
    sizes = Counter(name for name, _, _ in pairs)
    own = [
        spearman(*zip(*[(a, b) for name, a, b in pairs if name == wanted], strict=True))
        for wanted, size in sizes.items()
        if size >= ENOUGH
    ]
    return Result(
        pooled=spearman([a for _, a, _ in pairs], [b for _, _, b in pairs]),
        median=statistics.median(own) if own else 0.0,
        error=statistics.mean(abs(a - b) for _, a, b in pairs),
    )


def length(facts: TaskFacts) -> float:
    """Text length alone."""
    return float(len(facts.text))


def whole(facts: TaskFacts) -> TaskFacts:
    """A task as if nobody had broken it down."""
    return attrs.evolve(facts, subtasks=0)


def bare(facts: TaskFacts) -> TaskFacts:
    """A task of which only the title is known."""
    return TaskFacts(title=facts.title)


def halves(rows: Sequence[Row], number: int) -> list[tuple[Result, Result]]:
    """Fit on half of the families and judge on the other half, again and again: with and without subtasks."""
    families = sorted({row.family for row in rows})
    results = []
    for seed in range(number):
        chosen = set(random.Random(seed).sample(families, len(families) // 2))
        inside, outside = [r for r in rows if r.family in chosen], [r for r in rows if r.family not in chosen]
        if min(len(inside), len(outside)) >= len(rows) // 6:
            found = formula(fit(inside))
            results.append((judge(outside, found), judge(outside, lambda facts, f=found: f(whole(facts)))))
    return results


def left_out(rows: Sequence[Row]) -> Result:
    """Judge each family by weights that were fitted on all others."""
    made: dict[str, Estimate] = {}
    for family in {row.family for row in rows}:
        made[family] = formula(fit([row for row in rows if row.family != family]))
    by_facts = {id(row.facts): made[row.family] for row in rows}
    return judge(rows, lambda facts: by_facts[id(facts)](facts))


def main() -> int:
    """Fit, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=DATA)
    parser.add_argument("--splits", type=int, default=200, help="random halves to fit and judge on")
    parser.add_argument(
        "--check", action="store_true", help="fail when the shipped weights are not what they should be"
    )
    given = parser.parse_args()
    everything = published(given.data)
    rows = [row for row in everything if row.has_task]
    if not rows:
        sys.exit(f"no reports with task files at {given.data}; name the folder, or set NEXUS_DATA")
    inside, outside = [r for r in rows if not r.is_held_out], [r for r in rows if r.is_held_out]
    found = fit(inside)
    print(f"{len(everything)} scored rows, {len(rows)} of them with their task")
    for name, part in (("fitted on", inside), ("held out ", outside)):
        families = Counter(row.family for row in part)
        print(f"{name}: {len(part)} rows of {len(families)} families: {', '.join(sorted(families))}")
    print(f"\n{'weights':44}{'fitted':>8}{'shipped':>8}")
    for name, weight in found.items():
        print(f"  {name:42}{weight:8.2f}{complexity.WEIGHTS[name]:8.2f}")
    tell(everything, outside, dict(complexity.WEIGHTS))
    tell_splits(rows, given.splits)
    if others := copied(given.data):
        print(f"\nscores in {len({r.repository for r in others})} task files without a report, {len(others)} rows:")
        print(f"  {'shipped':28}{judge(others, formula(dict(complexity.WEIGHTS)))}")
    reached = judge(outside, formula(dict(complexity.WEIGHTS))).pooled
    is_shipped = found == dict(complexity.WEIGHTS)
    if given.check and not (is_shipped and reached >= FLOOR):
        print(f"\nFAILED: {reached:.2f} of {FLOOR} reached; shipped weights are the fitted ones: {is_shipped}")
        return 1
    return 0


def tell(everything: Sequence[Row], outside: Sequence[Row], weights: dict[str, float]) -> None:
    """Print what the weights reach on the held-out rows, beside what is reached without thought."""
    shipped = formula(weights)
    titles = [row for row in everything if row.is_held_out and not row.has_task]
    print(f"\nheld out, {len(outside)} rows:")
    print(f"  {'a constant':28}{judge(outside, lambda facts: 6)}")
    print(f"  {'text length alone':28}{judge(outside, length)}")
    print(f"  {'shipped':28}{judge(outside, shipped)}")
    print(f"  {'… as if not broken down':28}{judge(outside, lambda facts: shipped(whole(facts)))}")
    print(f"  {'… the title alone':28}{judge(outside, lambda facts: shipped(bare(facts)))}")
    if titles:
        print(f"  {f'{len(titles)} rows without a task':28}{judge(titles, shipped)}")


def tell_splits(rows: Sequence[Row], number: int) -> None:
    """Print how much of that is the luck of the split."""
    print(f"\nevery family by the others, {len(rows)} rows:\n  {'fitted':28}{left_out(rows)}")
    if results := halves(rows, number):
        print(f"\n{len(results)} random halves, fitted on one and judged on the other:")
        for name, index in (("fitted", 0), ("… as if not broken down", 1)):
            pooled = sorted(pair[index].pooled for pair in results)
            print(
                f"  {name:28}{statistics.mean(pooled):6.2f} pooled on average, "
                f"{pooled[len(pooled) // 10]:.2f} or more in nine of ten, "
                f"{FLOOR} or more in {sum(p >= FLOOR for p in pooled) / len(pooled):.0%}"
            )


if __name__ == "__main__":
    sys.exit(main())
