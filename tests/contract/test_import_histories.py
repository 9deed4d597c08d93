"""Histories of a file in two places: edited by hand and in Nexus, imported, exported, at random; nothing gets lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from engines import open_hub
from model import check
from nexus_core.domain.tasks import Task
from nexus_core.errors import Cycle, Invalid, TransitionRefused
from nexus_core.nexus import Nexus
from nexus_core.services.import_report import ImportReport
from nexus_core.wire import plain
from task_files import REPO

WORDS = ("login", "payment", "session", "receipt", "search", "filter", "import", "backup", "deploy", "metrics", "theme")
STATUSES = ("pending", "in-progress", "review", "done", "deferred", "cancelled", "blocked")
STEPS = 60
FIELDS = ("title", "description", "details", "priority", "labels")
SPELLED = {"labels": "tags"}


class History:
    """A file, a hub, and what happens to both."""

    def __init__(self, nexus: Nexus, seed: int, form: str) -> None:
        self.nexus = nexus
        self.random = Random(seed)
        self.form = form
        self.tasks: list[dict[str, Any]] = []
        self.imported: dict[Any, dict[str, Any]] = {}  #: what the file said the last time, by id
        self.late: bytes | None = None  #: an export that nobody has put into the file yet

    def words(self, most: int) -> str:
        """A text."""
        return " ".join(self.random.choices(WORDS, k=self.random.randint(1, most)))

    def content(self) -> bytes:
        """The file."""
        if self.form == "jsonl":
            return "".join(json.dumps(task) + "\n" for task in self.tasks).encode()
        return json.dumps({"tasks": self.tasks}, indent=2).encode()

    def read(self, content: bytes) -> None:
        """Take a file over."""
        if self.form == "jsonl":
            self.tasks = [json.loads(line) for line in content.splitlines()]
        else:
            whole = json.loads(content)
            self.tasks = whole.get("tasks") or whole.get("master", {}).get("tasks", [])

    def id_of(self, task: dict[str, Any]) -> Any:
        """What names a task in the file."""
        return task.get("external_key") or task["id"]

    # By hand ----------------------------------------------------------------------------------------------------------

    def add(self) -> None:
        """A task behind the others: it may get the id of one that was the last and is gone."""
        known = [int(name) for task in self.tasks if (name := str(self.id_of(task))).isdigit()]
        task = {"id": max(known, default=0) + 1, "title": self.words(3), "status": "pending", "dependencies": []}
        self.tasks.append(task | {"description": self.words(6), "details": self.words(6), "priority": "medium"})

    def drop(self) -> None:
        """A task is gone, and what waited for it waits no more."""
        if self.tasks:
            gone = self.id_of(self.tasks.pop(self.random.choice([-1, 0])))
            for task in self.tasks:
                task["dependencies"] = [on for on in task.get("dependencies", []) if on != gone]

    def rewrite(self) -> None:
        """Another value for a field."""
        if self.tasks:
            task, field = self.random.choice(self.tasks), self.random.choice((*FIELDS, "status", "dependencies", "x"))
            others = [self.id_of(other) for other in self.tasks if other is not task]
            values: dict[str, Callable[[], Any]] = {
                "priority": lambda: self.random.choice(("high", "low", "medium")),
                "labels": lambda: self.random.sample(WORDS, k=2),
                "status": lambda: self.random.choice(STATUSES),
                "dependencies": lambda: self.random.sample(others, k=min(len(others), self.random.randint(0, 2))),
            }
            name = SPELLED.get(field, field) if self.form == "taskmaster" else field
            task[name] = values.get(field, lambda: self.words(4))()

    def swap(self) -> None:
        """Two tasks change their ids, as when somebody numbers them anew."""
        named = [task for task in self.tasks if "external_key" not in task]
        if len(named) > 1:
            one, other = self.random.sample(named, k=2)
            one["id"], other["id"] = other["id"], one["id"]

    # In Nexus ---------------------------------------------------------------------------------------------------------

    def some(self) -> Task | None:
        """A task of the hub."""
        tasks = self.nexus.tasks.list().items
        return self.random.choice(tasks) if tasks else None

    def edit(self) -> None:
        """Another value for a field."""
        if task := self.some():
            field = self.random.choice(FIELDS)
            value: Any = self.words(4)
            if field in ("priority", "labels"):
                value = self.random.choice(("high", "low")) if field == "priority" else self.random.sample(WORDS, k=2)
            self.nexus.tasks.edit(task.id, {field: value})

    def move(self) -> None:
        """Another status."""
        if task := self.some():
            with suppress(TransitionRefused):
                self.nexus.tasks.move(task.id, self.random.choice(STATUSES))

    def tie(self) -> None:
        """A dependency comes or goes."""
        if (task := self.some()) and (other := self.some()):
            with suppress(Cycle, Invalid):
                if task.dependencies and self.random.random() < 0.5:
                    self.nexus.tasks.undepend(task.id, self.random.choice(task.dependencies))
                else:
                    self.nexus.tasks.depend(task.id, other.id)

    def make(self) -> None:
        """A task that no file has yet."""
        self.nexus.tasks.create(self.words(3), repository=REPO, details=self.words(5))

    # Both -------------------------------------------------------------------------------------------------------------

    def bring_in(self) -> None:
        """Import the file, and look whether anything was lost."""
        before = {task.id: task for task in self.nexus.tasks.list().items}
        last = self.nexus.events.list(newest=True, limit=1)
        report = self.nexus.tasks.import_file(self.content(), REPO, path="the-file", format=self.form)
        after = {task.id: task for task in self.nexus.tasks.list().items}

        assert before.keys() <= after.keys()
        assert len(self.tasks) == report.tasks == report.unchanged + _touched(report, after, before)
        self.nothing_was_lost(before, after, last[0].id if last else 0)
        self.untouched_tasks_stay(before, after)
        self.imported = {self.id_of(task): dict(task) for task in self.tasks}
        again = self.nexus.tasks.import_file(self.content(), REPO, path="the-file", format=self.form)
        assert (0, 0, ()) == (again.created, again.changed, again.conflicts)

    def nothing_was_lost(self, before: dict[int, Task], after: dict[int, Task], last: int) -> None:
        """Whatever the import replaced stands in the history of its task."""
        told: dict[tuple[int | None, str], Any] = {}
        for event in self.nexus.events.list(last, limit=1000):
            if event.type == "task.edited":
                told |= {(event.task_id, field): one["from"] for field, one in event.payload["changes"].items()}
            if event.type == "task.moved":
                told[event.task_id, "status"] = event.payload["from"]
        for number, task in before.items():
            for field in (*FIELDS, "status"):
                if getattr(task, field) != getattr(after[number], field):
                    assert plain(getattr(task, field)) == told[number, field]

    def untouched_tasks_stay(self, before: dict[int, Task], after: dict[int, Task]) -> None:
        """A task of which the file says what it said before keeps all that Nexus did to it."""
        same = {self.id_of(task) for task in self.tasks if self.imported.get(self.id_of(task)) == task}
        keys = {f"master:{name}" if self.form == "taskmaster" and isinstance(name, int) else str(name) for name in same}
        for number, task in before.items():
            if task.external_key in keys and after[number].external_key == task.external_key:
                assert [getattr(task, field) for field in (*FIELDS, "status")] == [
                    getattr(after[number], field) for field in (*FIELDS, "status")
                ]

    def write_out(self) -> None:
        """Export; the file is what was exported, now or a while later."""
        exported = self.nexus.tasks.export_file(REPO, format=self.form)
        if self.random.random() < 0.4:
            self.late = exported
            return
        self.read(exported)
        before = self.shown()
        report = self.nexus.tasks.import_file(exported, REPO, path="the-file", format=self.form)
        self.imported = {self.id_of(task): dict(task) for task in self.tasks}
        # What a task came with is a copy of the file, and a dependency that a cycle had left out may come in
        # because the export took away another one of it. All else is as it was.
        assert (0, ()) == (report.created, report.conflicts)
        assert before == self.shown()

    def shown(self) -> list[Any]:
        """What people see of the tasks."""
        names = (*FIELDS, "status", "external_key", "parent_id", "complexity", "not_before")
        return [[getattr(task, name) for name in names] for task in self.nexus.tasks.list().items]

    def come_late(self) -> None:
        """An export from before is put into the file."""
        if self.late is not None:
            self.read(self.late)
            self.late = None

    def step(self) -> None:
        """Something happens."""
        by_hand = [self.add, self.add, self.drop, self.rewrite, self.rewrite, self.rewrite, self.swap]
        in_nexus = [self.edit, self.edit, self.move, self.move, self.tie, self.make]
        self.random.choice([*by_hand, *in_nexus, self.bring_in, self.bring_in, self.write_out, self.come_late])()


def _touched(report: ImportReport, after: dict[int, Task], before: dict[int, Task]) -> int:
    """The tasks of the file that are new or changed, without those that lost their place in it."""
    lost = sum(before[number].external_key is not None and after[number].external_key is None for number in before)
    return report.created + report.changed - lost


@pytest.mark.parametrize("form", ["taskmaster", "jsonl"])
@pytest.mark.parametrize("seed", range(6))
def test_nothing_gets_lost_between_file_and_hub(database_url: str, form: str, seed: int) -> None:
    """Every value that an import replaces is in the history; what only Nexus changed stays; exports come back as they
    are; the same file twice does nothing; the counts are right."""
    with open_hub(database_url) as nexus:
        nexus.repositories.add(REPO)
        history = History(nexus, seed, form)
        for _ in range(STEPS):
            history.step()
        history.bring_in()
        check(nexus, database_url, explain=False)
