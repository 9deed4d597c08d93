"""Taskmaster's files from public repositories: each is read, or refused with its line, and comes back unchanged."""

import csv
import os
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from nexus_core.domain.tasks import Status, Task
from nexus_core.errors import UnreadableFile
from nexus_core.formats.taskmaster import parse, render

DATA = Path(os.environ.get("NEXUS_DATA") or Path(__file__).parents[4] / "shared" / "data")
AT = datetime(2026, 1, 31, 12, tzinfo=UTC)

pytestmark = pytest.mark.skipif(
    not (DATA / "tasksjson").is_dir(), reason="the collection of real files is not here; NEXUS_DATA names its folder"
)


def _files(folder):
    return sorted((DATA / folder).glob("*.json")) or [pytest.param(None, marks=pytest.mark.skip("no files"))]


def _name(path):
    return path.stem if path else "none"


def _index():
    path = DATA / "tasksjson" / "index.csv"
    return {row["file"]: row for row in csv.DictReader(path.open(encoding="utf-8"))} if path.exists() else {}


def _stored(content):
    parsed = parse(content)
    ids = {task.external_key: number for number, task in enumerate(parsed.tasks, 1)}
    return {
        task.external_key: Task(
            id=ids[task.external_key],
            title=task.title,
            status=task.status,
            priority=task.priority,
            version=1,
            created_at=AT,
            updated_at=AT,
            parent_id=ids[task.parent_key] if task.parent_key else None,
            description=task.description,
            details=task.details,
            test_strategy=task.test_strategy,
            labels=task.labels,
            dependencies=tuple(ids[key] for key in task.dependencies),
            external_key=task.external_key,
        )
        for task in parsed.tasks
    }, {number: key for key, number in ids.items()}


@pytest.mark.parametrize("path", _files("tasksjson"), ids=_name)
def test_real_files(path):
    """Taskmaster's are read with all their tasks; other tools' are refused."""
    row = _index()[path.name]
    if row["kind"] != "taskmaster":
        with pytest.raises(UnreadableFile, match=r"^line \d+, column \d+: "):
            parse(path.read_bytes())
        return
    parsed = parse(path.read_bytes())
    top = sum(task.parent_key is None for task in parsed.tasks)

    assert (row["format"], int(row["tasks"]), int(row["subtasks"])) == (parsed.layout, top, len(parsed.tasks) - top)


@pytest.mark.parametrize("path", _files("tasksjson") + _files("tasksjson_broken"), ids=_name)
def test_real_files_come_back_unchanged(path):
    """To the byte, and a changed status changes one value alone."""
    content = path.read_bytes()
    try:
        tasks, keys = _stored(content)
    except UnreadableFile:
        return
    key = next(reversed(tasks))
    moved = {**tasks, key: attrs.evolve(tasks[key], status=Status.BLOCKED)}
    after = render(content, list(moved.values()), keys)

    assert content == render(content, list(tasks.values()), keys)
    assert after.count(b'"blocked"') == content.count(b'"blocked"') + 1
    assert [key] == [name for name, task in _stored(after)[0].items() if task != tasks[name]]


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("dangling_task_dep", {"dangling_dependency", "duplicate_id", "self_dependency"}),
        ("duplicate_ids", {"duplicate_id"}),
        ("duplicate_keys", {"duplicate_key"}),
        ("nested_subtasks", {"nested_subtasks"}),
        ("self_dep", {"self_dependency"}),
        ("task_dep_on_subtask", set()),
    ],
)
def test_damaged_files_are_named(kind, codes):
    """What was broken in a version from history is in the report."""
    for path in (DATA / "tasksjson_broken").glob(f"{kind}__*"):
        assert codes <= {warning.code for warning in parse(path.read_bytes()).warnings}


@pytest.mark.parametrize("kind", ["conflict_markers", "invalid_json"])
def test_unreadable_files_are_refused(kind):
    """With the line at which a person has to look."""
    for path in (DATA / "tasksjson_broken").glob(f"{kind}__*"):
        with pytest.raises(UnreadableFile) as caught:
            parse(path.read_bytes())

        assert caught.value.faults[0].pointer == f"line {caught.value.details['line']}"
