"""What tests of task files share: lines, and everything that a hub knows of the tasks of a repository."""

from __future__ import annotations

import json
from typing import Any

import attrs

from nexus_core.domain.tasks import Task
from nexus_core.nexus import Nexus
from nexus_core.ports.queries import TaskQuery
from nexus_core.services.import_report import ImportReport

REPO = "acme/api"
#: What a hub gives a task itself, or computes.
OWN = ("id", "parent_id", "dependencies", "created_at", "updated_at", "version", "repository_id", "level")


def lines(*values: Any, end: str = "\n") -> bytes:
    """JSON Lines of objects, or of lines as they are."""
    return "".join((value if isinstance(value, str) else json.dumps(value)) + end for value in values).encode()


def load(nexus: Nexus, *values: Any, repo: str = REPO, **more: Any) -> ImportReport:
    """Import lines as the file `tasks.jsonl` of a repository."""
    return nexus.tasks.import_file(lines(*values), repo, path="tasks.jsonl", **more)


def out(nexus: Nexus, repo: str = REPO, **more: Any) -> str:
    """Its file, as text."""
    return nexus.tasks.export_file(repo, **more).decode()


def by_key(nexus: Nexus, repo: str = REPO) -> dict[str, Task]:
    """The tasks of a repository by key."""
    tasks = nexus.tasks.list(TaskQuery(repository=repo, limit=10_000)).items
    return {str(task.external_key): task for task in tasks}


def whole(nexus: Nexus, repo: str = REPO) -> dict[str, dict[str, Any]]:
    """Everything that a hub knows of the tasks of a repository, with keys for ids."""
    tasks = by_key(nexus, repo)
    names = {task.id: key for key, task in tasks.items()}
    far = {on for task in tasks.values() for on in task.dependencies} - names.keys()
    names |= {task.id: f"{task.repository}#{task.external_key}" for task in nexus.tasks.many(far)}
    return {
        key: attrs.asdict(task, filter=lambda field, _: field.name not in OWN)
        | {
            "parent": names.get(task.parent_id) if task.parent_id else None,
            "dependencies": {names[on] for on in task.dependencies},
        }
        for key, task in tasks.items()
    }


def codes(report: ImportReport) -> list[str]:
    """The codes of the warnings of a report."""
    return [warning.code for warning in report.warnings]
