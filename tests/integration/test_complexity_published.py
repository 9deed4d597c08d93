"""Estimates against published scores, on repositories that the formula was not fitted on."""

import importlib.util
import json
import os
from pathlib import Path

import pytest

from nexus_core.domain import complexity
from nexus_core.errors import Invalid
from nexus_core.testing import nexus_for_test

DATA = Path(os.environ.get("NEXUS_DATA", Path(__file__).parents[3] / "shared" / "data"))
FLOOR = 0.45
COPIED = ("complexity", "complexityScore", "complexityReasoning", "recommendedSubtasks", "expansionPrompt")


@pytest.fixture(scope="module")
def bench():
    """The script that fits the formula, as a module."""
    spec = importlib.util.spec_from_file_location(
        "bench_complexity", Path(__file__).parents[2] / "bench" / "complexity.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rows(bench):
    """The published scores whose tasks are known."""
    if not list(DATA.glob("complexity/*.json")):
        pytest.skip(f"no complexity reports at {DATA}; set NEXUS_DATA")
    return [row for row in bench.published(DATA) if row.has_task]


def test_the_shipped_weights_are_those_that_were_fitted(bench, rows):
    """On the families that are for fitting, and on no other."""
    assert bench.fit([row for row in rows if not row.is_held_out]) == dict(complexity.WEIGHTS)


def test_the_formula_holds_where_it_was_not_fitted(bench, rows):
    """0.45 and more over all held-out rows, and well above a constant and the length of the text."""
    held_out = [row for row in rows if row.is_held_out]
    shipped = bench.judge(held_out, bench.formula(dict(complexity.WEIGHTS)))
    length = bench.judge(held_out, bench.length)

    assert len(held_out) >= 80
    assert shipped.pooled >= FLOOR
    assert shipped.median >= FLOOR
    assert shipped.pooled > length.pooled + 0.2
    assert 0 == bench.judge(held_out, lambda facts: 5).pooled


def test_it_is_not_the_luck_of_one_split(bench, rows):
    """Each family judged by the others; and halves of the families, many times."""
    pooled = sorted(whole.pooled for whole, _ in bench.halves(rows, 40))

    assert bench.left_out(rows).pooled >= FLOOR
    assert pooled[len(pooled) // 10] >= FLOOR


def stripped(value):
    """A task file without anything that a report left in it."""
    if isinstance(value, dict):
        return {name: stripped(inner) for name, inner in value.items() if name not in COPIED}
    return [stripped(inner) for inner in value] if isinstance(value, list) else value


def test_an_import_gives_the_tasks_these_scores(bench, rows):
    """A hub that never saw a report: the file's tasks against the report's rows, by task id, as a stranger would."""
    pairs = []
    with nexus_for_test() as nexus:
        for name in sorted({row.repository for row in rows if row.is_held_out}):
            content = (DATA / "tasksjson" / f"{name.replace('/', '__')}.json").read_bytes()
            nexus.tasks.import_file(json.dumps(stripped(json.loads(content))).encode(), name)
            ids = [task.id for task in nexus.tasks.graph(name).tasks]
            scores = {task.title: task.complexity_auto for task in nexus.tasks.many(ids)}
            pairs += [(scores[row.facts.title], row.score) for row in rows if row.repository == name]

    assert bench.spearman(*zip(*pairs, strict=True)) >= FLOOR
    assert len(pairs) == sum(row.is_held_out for row in rows)


def test_every_report_gives_its_scores_to_the_tasks_that_are_there(rows):
    """All of the collection: the same twice, each row accounted for, and the task file comes out as it went in."""
    odd, here = [], set()
    with nexus_for_test() as nexus:
        for file in sorted(DATA.glob("complexity/*.json")):
            owner, name, path = file.name.split("__", 2)
            repository, content = f"{owner}/{name}", (DATA / "tasksjson" / f"{owner}__{name}.json").read_bytes()
            if repository not in here:
                nexus.tasks.import_file(content, repository)
                here.add(repository)
            try:
                first = nexus.tasks.import_file(file.read_bytes(), repository, path=path)
            except Invalid as error:  # a tag that the task file does not have
                odd.append((path, error.message))
                continue
            again = nexus.tasks.import_file(file.read_bytes(), repository, path=path)
            taken = first.changed + first.unchanged

            assert (0, taken, first.warnings) == (again.changed, again.unchanged, again.warnings)
            assert first.tasks == taken + first.unscored + first.unmatched
            assert content == nexus.tasks.export_file(repository)

    assert ["test-prd-tag"] == [path.rpartition("_")[2].removesuffix(".json") for path, _ in odd]
    assert "there are: " in odd[0][1]


def test_rank_correlation_and_elimination_are_right(bench):
    """The two small pieces of mathematics that the bench brings along, against values known by hand."""
    assert 1.0 == pytest.approx(bench.spearman([1, 2, 3], [10, 20, 99]))
    assert -1.0 == pytest.approx(bench.spearman([1, 2, 3], [3, 2, 1]))
    assert 0.9486832980505138 == pytest.approx(bench.spearman([1, 2, 2, 3], [1, 2, 3, 4]))
    assert 0.0 == bench.spearman([1, 1, 1], [1, 2, 3])
    assert [1.0, -2.0] == pytest.approx(bench.solve([[0.0, 2.0], [3.0, 1.0]], [-4.0, 1.0]))
