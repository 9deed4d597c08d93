"""What an import left apart, remembered so that an export leaves it as the file has it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import attrs

from ..domain.tasks import Task
from .work import Work


@attrs.frozen(kw_only=True)
class Apart:
    """What a repository's file and Nexus do not share although nobody changed anything since."""

    gone: frozenset[int] = frozenset()  #: tasks that the file had and no longer has
    gone_edges: frozenset[tuple[int, int]] = frozenset()  #: what the file said that those depend on
    left_out: frozenset[tuple[int, int]] = frozenset()  #: dependencies of the file that would have closed a cycle

    @classmethod
    def load(cls, work: Work, repository_id: int) -> Apart:
        """What the last import of a repository remembered."""
        text = work.access.meta(_name(repository_id))
        if text is None:
            return cls()
        kept = json.loads(text)
        return cls(
            gone=frozenset(kept["gone"]), gone_edges=_pairs(kept["gone_edges"]), left_out=_pairs(kept["left_out"])
        )

    def save(self, work: Work, repository_id: int) -> None:
        """Remember it until the next import."""
        value = {name: sorted(found) for name, found in attrs.asdict(self, recurse=False).items()}
        work.access.set_meta(_name(repository_id), json.dumps(value))

    def as_in_file(self, tasks: Iterable[Task]) -> list[Task]:
        """The tasks as the file should have them: without those that left it, and with what was left out of Nexus."""
        everyone = {task.id: task for task in tasks}
        missing: dict[int, list[int]] = {}
        for task_id, on in self.left_out:
            missing.setdefault(task_id, []).append(on)
        return [
            attrs.evolve(task, dependencies=_with(task.dependencies, missing.get(task.id, ())))
            for task in everyone.values()
            if not self._is_gone(task, everyone)
        ]

    def _is_gone(self, task: Task, everyone: dict[int, Task]) -> bool:
        here: Task | None = task
        seen: set[int] = set()
        while here is not None and here.id not in seen:
            if here.id in self.gone:
                return True
            seen.add(here.id)
            here = everyone.get(here.parent_id) if here.parent_id is not None else None
        return False


def _with(dependencies: Sequence[int], more: Iterable[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys((*dependencies, *more)))


def _pairs(found: Iterable[Sequence[int]]) -> frozenset[tuple[int, int]]:
    return frozenset((task, on) for task, on in found)


def _name(repository_id: int) -> str:
    return f"import:{repository_id}"
