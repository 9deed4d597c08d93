"""`nexus task complexity`: how complex a task is, who says so, and by what factors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..options import command, task_argument
from ..session import Session

if TYPE_CHECKING:
    from ..screen import Screen

SAYS = {
    "person": "set by hand",
    "report": "from a complexity report",
    "file": "from the task file",
    "estimate": "estimated",
}


@command("complexity", example="nexus task complexity NX-12")
@task_argument()
def complexity(session: Session, task: str) -> None:
    """Say how complex a task is, from 1 to 10, and what added how much to the estimate."""
    session.show(session.call("GET", f"/tasks/{task}/complexity"), show_complexity)


def show_complexity(screen: Screen, found: dict[str, Any]) -> None:
    """Tell a score with its factors."""
    from ..screen import clean

    said = "no complexity" if found["score"] is None else f"complexity {found['score']} of 10"
    screen.line(f"{screen.bold(found['key'])}  {said}{', ' + SAYS[found['source']] if found['source'] else ''}")
    if found["source"] == "person" and found["complexity_auto"] is not None:
        screen.line(f"Otherwise it would be {found['complexity_auto']}, {SAYS.get(found['auto_source'], 'estimated')}.")
    for factor in found["factors"]:
        because = f": {factor['because']}" if factor["because"] else ""
        screen.line(f"  {factor['value']:+6.2f}  {screen.style(factor['name'])}{screen.dim(because)}")
    if found["factors"]:
        total = sum(factor["value"] for factor in found["factors"])
        by = screen.dim(f"in all, by the estimator {found['estimator']}")
        screen.line(f"  {total:6.2f}  {by}")
    if found["reasoning"]:
        screen.line(f"\n{screen.dim('reasoning')}\n{clean(found['reasoning'])}")
