"""How tasks are put in words and signs: one way, for answers and for messages."""

from __future__ import annotations

from collections.abc import Sequence

from nexus_core.domain.tasks import Priority, Status, Task, task_key

from .text import code, plain

STATUS_SIGNS: dict[Status, str] = {
    Status.PENDING: ":white_circle:",
    Status.IN_PROGRESS: ":hammer_and_wrench:",
    Status.REVIEW: ":eyes:",
    Status.DONE: ":white_check_mark:",
    Status.BLOCKED: ":no_entry:",
    Status.DEFERRED: ":zzz:",
    Status.CANCELLED: ":heavy_multiplication_x:",
}
PRIORITY_SIGNS: dict[Priority, str] = {
    Priority.CRITICAL: ":rotating_light:",
    Priority.HIGH: ":small_red_triangle:",
    Priority.MEDIUM: ":small_orange_diamond:",
    Priority.LOW: ":small_blue_diamond:",
}
READY_SIGN = ":large_green_circle:"


def name(task: Task, prefix: str) -> str:
    """The task's key and title."""
    return f"*{task_key(task.id, prefix)}* {plain(task.title)}"


def plain_name(task: Task, prefix: str) -> str:
    """The task's key and title without emphasis, for notifications."""
    return f"{task_key(task.id, prefix)} {plain(task.title, 120)}"


def status(task: Task, *, ready: bool = False) -> str:
    """The task's status with its sign, and who holds it."""
    if ready:
        return f"{READY_SIGN} ready"
    holder = f", {plain(task.agent, 60)} has it" if task.agent else ""
    return f"{STATUS_SIGNS[task.status]} {task.status}{holder}"


def priority(task: Task) -> str:
    """The task's priority with its sign."""
    return f"{PRIORITY_SIGNS[task.priority]} {task.priority} priority"


def complexity(task: Task) -> str:
    """How hard the task is, on the scale to ten; empty when nobody knows."""
    return f"complexity {task.complexity} of 10" if task.complexity is not None else ""


def labels(task: Task, most: int = 6) -> str:
    """The task's labels."""
    return " ".join(code(label, 40) for label in task.labels[:most])


def home(task: Task) -> str:
    """The repository that the task belongs to."""
    return plain(task.repository or "no repository")


def choice(task: Task, prefix: str) -> str:
    """The task as one line of a list to choose from."""
    return f"•  {name(task, prefix)}  —  {priority(task)}, {home(task)}"


def facts(task: Task) -> tuple[str, ...]:
    """What one wants to know of a task at a glance: repository, priority, complexity, labels."""
    return (home(task), priority(task), complexity(task), labels(task))


def item(task: Task, prefix: str, *, ready: bool = False) -> str:
    """The task as one line of a list."""
    return f"•  {name(task, prefix)}  —  {status(task, ready=ready)}, {home(task)}"


def items(tasks: Sequence[Task], prefix: str, *, most: int = 10, ready: bool = False) -> list[str]:
    """Tasks as a list of at most `most` lines, saying how many more there are."""
    lines = [item(task, prefix, ready=ready) for task in tasks[:most]]
    return [*lines, f"•  and {len(tasks) - most} more"] if len(tasks) > most else lines
