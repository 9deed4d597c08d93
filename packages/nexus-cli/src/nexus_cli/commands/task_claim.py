"""`nexus task claim`: a task for one agent alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import scope
from ..options import command, repo_option, task_argument
from ..session import Session

if TYPE_CHECKING:
    from ..screen import Screen


@command("claim", example="nexus task claim --agent claude --repo acme/api --skill python --json")
@task_argument(required=False, metavar="[TASK]")
@repo_option()
@click.option("--agent", help="Who claims; not needed with a key that is bound to an agent.")
@click.option("--max-complexity", type=click.IntRange(1, 10), help="Nothing above it.")
@click.option("--skill", "skills", multiple=True, help="What the agent can do; repeat it for more.")
def claim(session: Session, task: str | None, repository: str | None, skills: tuple[str, ...], **wanted: Any) -> None:
    """Take a ready task for an agent, the best one or the one that is named. Nobody else gets it then."""
    body = {name: value for name, value in wanted.items() if value is not None}
    if task is not None:
        body["task_id"] = task
    elif found := scope.chosen(repository):
        body["repository"] = found
    if skills:
        body["skills"] = list(skills)
    session.show(session.call("POST", "/tasks/claim", body=body), show_claim)


def show_claim(screen: Screen, claimed: dict[str, Any] | None) -> None:
    """Tell a claim, or that there was nothing to claim."""
    from ..screen import when

    if claimed is None:
        screen.line("Nothing is ready.")
        return
    task = claimed["task"]
    screen.line(f"{screen.bold(task['key'])}  {screen.style(task['title'])}")
    screen.fields([
        ("assignment", claimed["id"]),
        ("agent", claimed["agent"]),
        ("fence", f"{claimed['fence']} (every write of the holder carries it)"),
        ("lease until", when(claimed["lease_until"])),
        ("key", claimed.get("key")),
    ])  # fmt: skip
