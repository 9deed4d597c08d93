"""`nexus task why`: what a task waits for, down to what can be done about it now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..options import command, task_argument
from ..session import Session
from .task_show import status_of

if TYPE_CHECKING:
    from ..screen import Screen

DEEPEST = 8
MOST = 60
"""Tasks that are looked at for one answer."""
MOST_NAMED = 20
"""Tasks that are named in one sentence."""


@command("why", example="nexus task why NX-12")
@task_argument()
def why(session: Session, task: str) -> None:
    """Say why a task is not ready, down to what can be done now, and what waits for it."""
    answer = session.call("GET", f"/tasks/{task}/readiness")
    if session.as_json:
        session.show(answer, lambda screen, document: None)
        return
    _Tree(session, session.screen).show(session.get(f"/tasks/{task}"), session.document(answer))


class _Tree:
    """The blockers of a task as a tree."""

    def __init__(self, session: Session, screen: Screen) -> None:
        self._session = session
        self._screen = screen
        self._seen: set[int] = set()

    def show(self, task: dict[str, Any], readiness: dict[str, Any]) -> None:
        """Write the task, its blockers below it, then what waits for it."""
        self._screen.line(self._head(task))
        self._seen.add(task["id"])
        for line in self._conditions(readiness, "", 1):
            self._screen.line(line)
        for note in readiness["notes"]:
            self._screen.line(self._screen.dim(f"note: {note}"))
        self._impact(task, readiness.get("impact"))

    def _head(self, task: dict[str, Any]) -> str:
        word = self._screen.style("ready", fg="green") if task["ready"] else status_of(self._screen, task)
        return f"{self._screen.bold(task['key'])}  {word}  {self._screen.style(task['title'])}"

    def _conditions(self, readiness: dict[str, Any], indent: str, depth: int) -> Iterator[str]:
        why = readiness["why"]
        for index, condition in enumerate(why):
            branch, below = ("└─ ", "   ") if index == len(why) - 1 else ("├─ ", "│  ")
            yield f"{indent}{branch}{self._screen.style(condition['message'])}"
            yield from self._causes(condition["tasks"], indent + below, depth)

    def _causes(self, tasks: list[int], indent: str, depth: int) -> Iterator[str]:
        for index, task_id in enumerate(tasks):
            branch, below = ("└─ ", "   ") if index == len(tasks) - 1 else ("├─ ", "│  ")
            if len(self._seen) >= MOST:
                yield f"{indent}└─ … and {len(tasks) - index} more"
                return
            is_known = task_id in self._seen
            task = self._session.get(f"/tasks/{task_id}")
            self._seen.add(task_id)
            yield f"{indent}{branch}{self._head(task)}{' (see above)' if is_known else ''}"
            if not (is_known or task["ready"] or depth >= DEEPEST):
                readiness = self._session.get(f"/tasks/{task_id}/readiness")
                yield from self._conditions(_without_status(readiness), indent + below, depth + 1)

    def _impact(self, task: dict[str, Any], impact: dict[str, Any] | None) -> None:
        letters = task["key"].rpartition("-")[0]
        if impact and impact["waiting"]:
            released = _listed([f"{letters}-{other}" for other in impact["unblocks"]]) or "nothing at once"
            waiting = f"{impact['waiting']}{' or more' if impact.get('at_least') else ''}"
            self._screen.line(
                f"When it is done: {released} becomes ready; {waiting} waiting in all, "
                f"{impact['longest_chain']} in the longest chain."
            )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _without_status(readiness: dict[str, Any]) -> dict[str, Any]:
    # A blocker's own status stands before its title already.
    return {**readiness, "why": [one for one in readiness["why"] if one["code"] != "status"]}
