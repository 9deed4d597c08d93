"""What must hold of any task file: refused with its line, or in whole, out to the byte, and ready by the rule."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from random import Random
from typing import Any

import attrs

import file_truth
from engines import rows
from file_truth import Known, NotJson
from nexus_core.errors import Cycle, TransitionRefused, UnreadableFile
from nexus_core.formats.taskmaster import parse
from nexus_core.nexus import Nexus
from wild import PRIORITIES, STATUSES, Pairs, WildFile, tree_of

_MISSING = "(missing)"
_TITLES = ("New", 'é "quoted" \\ / \u2028 😀', "x" * 300, "a\tb\nc")
Path = tuple[str | int, ...]


@attrs.define
class Imported:
    """A file that came in."""

    repository: str
    repository_id: int
    content: bytes
    tasks: list[Known]
    ids: list[int]  #: of the tasks, in the order of the file
    edges: set[tuple[int, int]]  #: between the tasks of the file, by their number
    cycles: tuple[tuple[str, ...], ...]


def refused_rightly(error: UnreadableFile, content: bytes) -> None:
    """A refusal names the file, a line that the file has, and a reason."""
    line = error.details["line"]

    assert error.message.startswith(f"wild.json: line {line}, column {error.details['column']}: ")
    assert 1 <= line <= content.count(b"\n") + 1
    assert error.faults and all(fault.pointer.startswith("line ") and fault.message for fault in error.faults)


def import_rightly(nexus: Nexus, url: str, file: WildFile, repository: str) -> Imported | None:
    """Import a file and hold all that came of it against a second reading; None when it was refused."""
    before = _everything(url)
    try:
        document = file_truth.document(file.content)
    except NotJson:
        document = None
    try:
        report = nexus.tasks.import_file(file.content, repository, path="wild.json")
    except UnreadableFile as error:
        refused_rightly(error, file.content)
        assert before == _everything(url)
        assert document is None or not _must_be_read(document, file.content), "a proper file was refused"
        return None
    assert document is not None, "what is no JSON was imported"
    tasks = file_truth.read(document)
    found = _stored(url, repository, tasks, report.cycles, file.content)
    assert len(tasks) == report.tasks == report.created
    _holds_what_the_file_says(url, found)
    _is_ready_by_the_rule(nexus, found)
    _comes_out_as_it_came_in(nexus, url, found)
    return found


def _must_be_read(document: Any, content: bytes) -> bool:
    """Whether nobody could take this for another tool's file, and no task hides behind another."""
    tasks = file_truth.read(document)
    proper = [task.value for task in tasks if isinstance(task.value.get("title"), str) and "dependencies" in task.value]
    return bool(proper) and len(proper) == len(tasks) and not file_truth.has_twins(content)


def _everything(url: str) -> dict[str, int]:
    """How many rows there are of what an import makes."""
    tables = ("repositories", "tasks", "task_dependencies", "task_files", "events", "jobs", "meta")
    return {table: rows(url, f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in tables}


def _stored(
    url: str, repository: str, tasks: list[Known], cycles: tuple[tuple[str, ...], ...], content: bytes
) -> Imported:
    (place,) = rows(url, f"SELECT id FROM repositories WHERE name = '{repository}'")
    ids = [row["id"] for row in rows(url, f"SELECT id FROM tasks WHERE repository_id = {place['id']} ORDER BY id")]
    numbers = {task_id: number for number, task_id in enumerate(ids)}
    edges = {(numbers[one], numbers[on]) for one, on in _edges(url, place["id"])}
    return Imported(repository, place["id"], content, tasks, ids, edges, cycles)


def _edges(url: str, repository_id: int) -> list[tuple[int, int]]:
    found = rows(
        url,
        "SELECT d.task_id, d.depends_on_id FROM task_dependencies d JOIN tasks t ON t.id = d.task_id"
        f" WHERE t.repository_id = {repository_id} ORDER BY d.task_id, d.depends_on_id",
    )
    return [(row["task_id"], row["depends_on_id"]) for row in found]


def _rows(url: str, repository_id: int) -> list[dict[str, Any]]:
    names = "id, external_key, title, status, priority, parent_id, description, details, test_strategy, labels"
    return rows(url, f"SELECT {names} FROM tasks WHERE repository_id = {repository_id} ORDER BY id")


def _holds_what_the_file_says(url: str, found: Imported) -> None:
    """Statuses, parents and dependencies are those of the second reading, but for one step of each cycle."""
    stored = _rows(url, found.repository_id)
    keys = {row["external_key"]: number for number, row in enumerate(stored)}
    said = file_truth.edges_of(found.tasks)
    left_out = said - found.edges

    assert len(keys) == len(stored) == len(found.tasks)
    assert [task.status for task in found.tasks] == [row["status"] for row in stored]
    assert [task.parent and found.ids[task.parent.number] for task in found.tasks] == [
        row["parent_id"] for row in stored
    ]
    assert found.edges <= said
    assert sorted(left_out) == sorted((keys[path[-2]], keys[path[-1]]) for path in found.cycles)
    for path in found.cycles:
        steps = {(keys[one], keys[on]) for one, on in pairwise(path)}
        assert path[0] == path[-1] and steps <= said


def _is_ready_by_the_rule(nexus: Nexus, found: Imported) -> None:
    ready = {task.id for task in nexus.tasks.ready(found.repository, limit=len(found.tasks) + 1)}

    assert ready == {found.ids[number] for number in file_truth.ready_of(found.tasks, found.edges)}


def _comes_out_as_it_came_in(nexus: Nexus, url: str, found: Imported) -> None:
    """Twice, with the same import again in between, which changes nothing and says the same."""
    before = _rows(url, found.repository_id), _edges(url, found.repository_id)
    first = nexus.tasks.export_file(found.repository)
    again = nexus.tasks.import_file(found.content, found.repository)

    assert found.content == first
    assert (0, 0) == (again.created, again.changed)
    assert _left_out(found.cycles) == _left_out(again.cycles)
    assert before == (_rows(url, found.repository_id), _edges(url, found.repository_id))
    assert found.content == nexus.tasks.export_file(found.repository)


def _left_out(cycles: tuple[tuple[str, ...], ...]) -> set[tuple[str, ...]]:
    """The dependencies that close them; the way around may be another the next time."""
    return {path[-2:] for path in cycles}


def next_version_rightly(nexus: Nexus, url: str, found: Imported, content: bytes) -> bool:
    """Import what became of the file elsewhere; Nexus holds what it says then, and gives it out again to the byte."""
    try:
        report = nexus.tasks.import_file(content, found.repository)
    except UnreadableFile:
        return False
    tasks = file_truth.read(file_truth.document(content))
    keys = [task.external_key for task in parse(content).tasks]  # which is which, from one version to the next
    stored = {row["external_key"]: row for row in _rows(url, found.repository_id)}
    numbers = {stored[key]["id"]: number for number, key in enumerate(keys)}
    edges = {(numbers[one], numbers[on]) for one, on in _edges(url, found.repository_id) if {one, on} <= numbers.keys()}
    left_out = {(keys.index(path[-2]), keys.index(path[-1])) for path in report.cycles}
    assert [task.status for task in tasks] == [stored[key]["status"] for key in keys]
    assert file_truth.edges_of(tasks) == edges | left_out
    assert content == nexus.tasks.export_file(found.repository)
    again = nexus.tasks.import_file(content, found.repository)
    assert (0, 0) == (again.created, again.changed)
    assert _left_out(report.cycles) == _left_out(again.cycles)
    assert content == nexus.tasks.export_file(found.repository)
    return True


# Changes
# -------


def change_rightly(nexus: Nexus, url: str, found: Imported, random: Random) -> str | None:
    """Change one thing; the export differs there alone, and its import changes nothing. What was changed, if it was."""
    ids = [row["id"] for row in _rows(url, found.repository_id)]
    edges = _edges(url, found.repository_id)
    change = _Change(nexus, found, random, ids, edges)
    before = {task.id: task for task in nexus.tasks.many(ids)}
    try:
        where = change.make()
    except (Cycle, TransitionRefused):
        return None
    after = nexus.tasks.export_file(found.repository)
    differences = list(_differences(tree_of(found.content.removeprefix(b"\xef\xbb\xbf")), _tree(after)))
    moved = {task.id for task in nexus.tasks.many(ids) if _words(task) != _words(before[task.id])}
    assert all(_is_there(path, where) for path, _, _ in differences), (where, differences)
    assert not (moved and change.kind in ("status", "title") and not differences)
    _few_lines(found.content, after, differences)
    stored = _rows(url, found.repository_id), _edges(url, found.repository_id)
    report = nexus.tasks.import_file(after, found.repository)
    found.content, had_cycles, found.cycles = after, found.cycles, report.cycles
    if change.kind == "undepend" and had_cycles:
        return change.kind  # what an import left out may come in now: see test_service_imports_apart
    assert (0, 0) == (report.created, report.changed)
    assert stored == (_rows(url, found.repository_id), _edges(url, found.repository_id))
    assert after == nexus.tasks.export_file(found.repository)
    return change.kind


def _words(task: Any) -> tuple[Any, ...]:
    return task.title, task.status, task.priority


def _tree(content: bytes) -> Any:
    return tree_of(content.removeprefix(b"\xef\xbb\xbf"))


class _Change:
    """One change of a repository's tasks, and where the file may differ for it."""

    def __init__(
        self, nexus: Nexus, found: Imported, random: Random, ids: list[int], edges: list[tuple[int, int]]
    ) -> None:
        self.nexus, self.found, self.random, self.ids, self.edges = nexus, found, random, ids, edges
        kinds = ["status", "title", "priority", "details", "labels", "depend", "undepend", "create"]
        self.kind = random.choice(kinds) if ids else "create"

    def make(self) -> tuple[str, Path]:
        """Make it: the name of the member that may differ, and the task to which it belongs."""
        tasks, random = self.nexus.tasks, self.random
        if self.kind == "create":
            return self.create()
        one, other = random.choice(self.ids), random.choice(self.ids)
        if self.kind == "undepend" and self.edges:
            one, other = random.choice(self.edges)
        if self.kind == "status":
            tasks.move(one, random.choice(STATUSES[:7]))
        elif self.kind in ("depend", "undepend"):
            getattr(tasks, self.kind)(one, other)
        else:
            values: Mapping[str, Any] = {
                "title": _TITLES, "priority": PRIORITIES, "details": ("", "é", "a\nb"),
                "labels": ([], ["x"], ["é", "y"]),
            }  # fmt: skip
            tasks.edit(one, {self.kind: random.choice(values[self.kind])})
        name = "dependencies" if self.kind in ("depend", "undepend") else self.kind
        return name, self.path(one)

    def create(self) -> tuple[str, Path]:
        """A new task, below another one or not."""
        parent = self.random.choice([None, None, *self.ids[:5]])
        on = self.random.sample(self.ids, min(len(self.ids), self.random.randint(0, 2)))
        self.nexus.tasks.create(
            self.random.choice(_TITLES), repository=self.found.repository, parent_id=parent, dependencies=on,
            priority=self.random.choice(PRIORITIES),
        )  # fmt: skip
        return ("tasks", ()) if parent is None else ("subtasks", self.path(parent))

    def path(self, task_id: int) -> Path:
        """Where a task stands in the file; one that came later may stand anywhere."""
        return self.found.tasks[self.found.ids.index(task_id)].path if task_id in self.found.ids else ()


def _is_there(path: Path, where: tuple[str, Path]) -> bool:
    name, task = where
    names = {"labels": ("labels", "tags"), "tasks": (path[-1],)}.get(name, (name,))
    if name == "priority":  # subtasks without one of their own follow
        return path[-1] == "priority" and path[: len(task)] == task
    return path[: len(task)] == task and (not task or path[len(task)] in names)


def _differences(one: Any, other: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Each place where two trees differ; the order of members counts, and so does the spelling of a number."""
    if type(one) is not type(other):
        yield path, one, other
    elif isinstance(one, Pairs):
        names, others = [name for name, _ in one], [name for name, _ in other]
        matcher = difflib.SequenceMatcher(a=names, b=others, autojunk=False)
        for how, start, end, begin, stop in matcher.get_opcodes():
            if how == "equal":
                for (name, value), (_, there) in zip(one[start:end], other[begin:stop], strict=True):
                    yield from _differences(value, there, (*path, name))
            yield from (((*path, name), value, _MISSING) for name, value in one[start:end] if how != "equal")
            yield from (((*path, name), _MISSING, value) for name, value in other[begin:stop] if how != "equal")
    elif isinstance(one, list):
        for index, (value, there) in enumerate(zip(one, other, strict=False)):
            yield from _differences(value, there, (*path, index))
        yield from (((*path, index), one[index], _MISSING) for index in range(len(other), len(one)))
        yield from (((*path, index), _MISSING, other[index]) for index in range(len(one), len(other)))
    elif one != other:
        yield path, one, other


def _few_lines(before: bytes, after: bytes, differences: list[tuple[Path, Any, Any]]) -> None:
    """Where texts alone were replaced, added or taken out, each costs a line, and one for the comma before it."""
    if not all(isinstance(value, str) for _, was, now in differences for value in (was, now)):
        return
    lines, now = before.split(b"\n"), after.split(b"\n")
    matcher = difflib.SequenceMatcher(a=lines, b=now, autojunk=False)
    lost = sum(end - start for how, start, end, _, _ in matcher.get_opcodes() if how != "equal")
    added = sum(end - start for how, _, _, start, end in matcher.get_opcodes() if how != "equal")
    assert lost <= 1 + 2 * len(differences) and added <= 1 + 2 * len(differences)
