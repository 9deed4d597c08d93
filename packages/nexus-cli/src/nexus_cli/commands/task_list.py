"""`nexus task list`: tasks, filtered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import scope
from ..options import command, limit_options, repo_option
from ..paging import pages
from ..session import Session
from .task_show import status_of

if TYPE_CHECKING:
    from ..screen import Screen

STATUSES = ("pending", "in-progress", "review", "done", "blocked", "deferred", "cancelled")
SORTS = ("id", "-id", "priority", "-updated_at", "order")


@command("list", example="nexus task list --status pending --status review --label python --sort order")
@repo_option()
@click.option("--status", "statuses", multiple=True, type=click.Choice(STATUSES), help="One or more; repeat it.")
@click.option("--ready/--not-ready", default=None, help="Only what can be worked on now, or only what cannot.")
@click.option("--label", help="Only those with this label.")
@click.option("--parent", metavar="TASK", help="Only the subtasks of this task.")
@click.option("--agent", help="Only those that this agent holds.")
@click.option("--search", "words", metavar="WORDS", help="Words in title or description.")
@click.option("--sort", type=click.Choice(SORTS), help="`order` is the order of work.")
@limit_options
@click.option("--cursor", help="Where the page before ended.")
def list_(session: Session, repository: str | None, everything: bool, **filters: Any) -> None:
    """List tasks, filtered."""
    query = {"status": filters.pop("statuses"), "q": filters.pop("words"), **filters}

    def read(page: dict[str, Any]) -> Any:
        return scope.ask(session, "/tasks", repository, query={**query, **page})

    pages(session, read, show_tasks, everything=everything)


def show_tasks(screen: Screen, found: dict[str, Any]) -> None:
    """Tell a page of tasks."""
    header = ("task", "status", "priority", "cx", "agent", "repository", "title")
    screen.table(header, [task_row(screen, task) for task in found["items"]], empty="No tasks.")


def task_row(screen: Screen, task: dict[str, Any]) -> tuple[Any, ...]:
    """A task as a row."""
    is_ready = task["ready"] and screen.is_terminal
    status = screen.style("▶ ready", fg="green") if is_ready else status_of(screen, task)
    repository = (task["repository"] or {}).get("name", "")
    return (
        task["key"],
        status,
        screen.priority(task["priority"]),
        task["complexity"],
        task["agent"],
        repository,
        task["title"],
    )
