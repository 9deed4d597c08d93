"""`nexus task next`: what to do now, and why that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import scope
from ..options import command, repo_option
from ..session import Session

if TYPE_CHECKING:
    from ..screen import Screen


@command("next", example="nexus task next --repo acme/api --max-complexity 5 --skill python")
@repo_option()
@click.option("--max-complexity", type=click.IntRange(1, 10), help="Nothing above it.")
@click.option("--skill", "skills", multiple=True, help="What you can do; repeat it for more.")
def next_(session: Session, repository: str | None, max_complexity: int | None, skills: tuple[str, ...]) -> None:
    """Show the best task that is ready, and why it is.

    Priority comes first, then how many open tasks wait for it, then smaller complexity, then age.
    """
    query = {"max_complexity": max_complexity, "skills": skills}
    session.show(scope.ask(session, "/tasks/next", repository, query=query), show_next)


def show_next(screen: Screen, found: dict[str, Any]) -> None:
    """Tell a recommendation."""
    task = found["task"]
    if task is None:
        screen.line("Nothing is ready. `nexus task list` shows what there is, `nexus task why TASK` what it waits for.")
        return
    screen.line(f"{screen.bold(task['key'])}  {screen.style(task['title'])}")
    rows = [
        ("repository", (task["repository"] or {}).get("name")),
        ("status", screen.status(task["status"])),
        ("why this", found["reasons"]),
        ("labels", task["labels"]),
        ("description", task["description"]),
    ]
    screen.fields(rows)
