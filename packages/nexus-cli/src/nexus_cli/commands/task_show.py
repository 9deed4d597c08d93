"""`nexus task show`: one task in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..options import command, task_argument
from ..session import Session
from ..tasks import parked_until

if TYPE_CHECKING:
    from ..screen import Screen, Styled


@command("show", example="nexus task show NX-12")
@task_argument()
def show(session: Session, task: str) -> None:
    """Show a task."""
    session.show(session.call("GET", f"/tasks/{task}"), show_task)


def show_task(screen: Screen, task: dict[str, Any]) -> None:
    """Tell a task in full."""
    from ..screen import clean, when

    letters = task["key"].rpartition("-")[0]
    screen.line(f"{screen.bold(task['key'])}  {screen.style(task['title'])}")
    screen.fields([
        ("status", screen.status(task["status"])),
        ("ready", "yes" if task["ready"] else f"no; `nexus task why {task['key']}` says why"),
        ("parked until", parked_until(task)),
        ("priority", screen.priority(task["priority"])),
        ("complexity", _complexity(task)),
        ("repository", (task["repository"] or {}).get("name")),
        ("agent", task["agent"]),
        ("labels", task["labels"]),
        ("depends on", [f"{letters}-{other}" for other in task["dependencies"]]),
        ("part of", task["parent_id"] and f"{letters}-{task['parent_id']}"),
        ("from", task["external_key"]),
        ("changed", when(task["updated_at"])),
    ])  # fmt: skip
    for name in ("description", "details", "test_strategy"):
        if task[name]:
            screen.line(f"\n{screen.dim(name.replace('_', ' '))}\n{clean(task[name])}")
    for one in task.get("changes", ()):
        said = f"{one['source']} #{one['number']} is {one['state']}: {one['title']}"
        screen.line(f"\n{clean(said)}\n{screen.dim(clean(one['reason']))}  {clean(one['url'])}")


def _complexity(task: dict[str, Any]) -> str | None:
    if task["complexity"] is None:
        return None
    by_hand = "set by hand; " if task["complexity_manual"] is not None else ""
    return f"{task['complexity']} ({by_hand}`nexus task complexity {task['key']}` says why)"


def show_changed(screen: Screen, task: dict[str, Any]) -> None:
    """Tell in a line how a task stands now."""
    status = status_of(screen, task)
    screen.line(f"{screen.bold(task['key'])}  {status}  {screen.style(task['title'])}")


def status_of(screen: Screen, task: dict[str, Any]) -> Styled:
    """A task's status, with the time until which it is parked."""
    until, status = parked_until(task), screen.status(task["status"])
    return type(status)(f"{status} {screen.dim(f'(parked until {until})')}") if until else status
