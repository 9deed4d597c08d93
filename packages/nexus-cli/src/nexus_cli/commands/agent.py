"""`nexus agent`: agents and their assignments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..options import command, limit_options, task_argument
from ..paging import listed
from ..session import Session

if TYPE_CHECKING:
    from ..screen import Screen

STATUSES = ("assigned", "working", "awaiting-input", "completed", "failed", "cancelled", "lost")


@command("list", example="nexus agent list")
@limit_options
def list_(session: Session, everything: bool, limit: int) -> None:
    """List the agents with what they do."""
    listed(session, "/agents", show_agents, everything=everything, limit=limit)


@command("assign", example="nexus agent assign NX-12 claude")
@task_argument()
@click.argument("agent", required=False)
@click.option("--reason", help="Why; it stays with the assignment.")
@click.option("--override", is_flag=True, help="Although the task is not ready; for admins, and the event says so.")
def assign(session: Session, task: str, agent: str | None, reason: str | None, override: bool) -> None:
    """Hand a task to an agent; the policy picks when none is named."""
    body: dict[str, Any] = {"task_id": task}
    given = {"agent": agent, "reason": reason, "override": override or None}
    body |= {name: value for name, value in given.items() if value is not None}
    session.show(session.call("POST", "/agents/assign", body=body), show_run)


@command("runs", example="nexus agent runs --agent claude --status failed")
@click.option("--agent", help="Only this one's.")
@click.option("--task", "task_id", metavar="TASK", help="Only of this task.")
@click.option("--status", type=click.Choice(STATUSES))
@click.option("--live/--ended", default=None, help="Only those that hold their task, or only those that ended.")
@limit_options
def runs(session: Session, everything: bool, **filters: Any) -> None:
    """List assignments."""
    listed(session, "/assignments", show_runs, everything=everything, **filters)


@command("log", example="nexus agent log 5")
@click.argument("assignment", type=click.IntRange(1), metavar="ASSIGNMENT")
@limit_options
def log(session: Session, assignment: int, everything: bool, limit: int) -> None:
    """Show what an agent said of its work, and what people answered."""
    path = f"/assignments/{assignment}/activities"
    listed(session, path, show_activities, everything=everything, limit=limit)


@command("cancel", example='nexus agent cancel 5 --reason "Done by hand"')
@click.argument("assignment", type=click.IntRange(1), metavar="ASSIGNMENT")
@click.option("--reason", help="Why; it stays with the assignment.")
def cancel(session: Session, assignment: int, reason: str | None) -> None:
    """End an assignment: the agent is stopped, and the task can be claimed again."""
    body = {"reason": reason} if reason else {}
    session.show(session.call("POST", f"/assignments/{assignment}/cancel", body=body), show_run)


def show_agents(screen: Screen, found: dict[str, Any]) -> None:
    """Tell a page of agents."""
    rows = [
        (screen.bold(agent["name"]), _state(screen, agent), agent.get("skills") or "", _work(agent))
        for agent in found["items"]
    ]
    empty = 'No agents. Add one to nexus.toml: [agents.claude] preset = "claude-code"'
    screen.table(("agent", "state", "skills", "works on"), rows, empty=empty)


def _state(screen: Screen, agent: dict[str, Any]) -> str:
    busy = bool(agent.get("assignments"))
    return screen.style(str(agent.get("state") or agent.get("status") or ("busy" if busy else "free")))


def _work(agent: dict[str, Any]) -> str:
    return ", ".join(_task_of(assignment) for assignment in agent.get("assignments") or ())


def _task_of(assignment: dict[str, Any]) -> str:
    task = assignment.get("task") or {}
    return str(task.get("key") or assignment.get("task_id") or f"assignment {assignment.get('id')}")


def show_runs(screen: Screen, found: dict[str, Any]) -> None:
    """Tell a page of assignments."""
    from ..screen import when

    rows = [
        (
            run["id"], _task_of(run), screen.status(run["status"]), run["agent"], run["attempt"],
            when(run["assigned_at"]), (run["last_activity"] or {}).get("body", ""),
        )
        for run in found["items"]
    ]  # fmt: skip
    header = ("id", "task", "status", "agent", "attempt", "since", "last said")
    screen.table(header, rows, empty="No assignments.")


def show_run(screen: Screen, run: dict[str, Any]) -> None:
    """Tell an assignment."""
    from ..screen import when

    screen.line(f"{screen.bold(_task_of(run))}  {screen.status(run['status'])}  {screen.style(run['agent'])}")
    screen.fields([
        ("assignment", run["id"]),
        ("branch", run["branch"]),
        ("lease until", when(run["lease_until"])),
    ])  # fmt: skip


def show_activities(screen: Screen, found: dict[str, Any]) -> None:
    """Tell a page of activities."""
    from ..screen import when

    rows = [(when(said["created_at"]), screen.style(said["type"], fg="cyan"), _said(said)) for said in found["items"]]
    screen.table(("when", "what", "text"), rows, empty="Nothing was said yet.")


def _said(said: dict[str, Any]) -> str:
    choices = f" [{' | '.join(said['choices'])}]" if said["choices"] else ""
    answer = f" → {said['answer']}" + (f" ({said['answered_by']})" if said["answered_by"] else "")
    return f"{said['body']}{choices}{answer if said['answer'] else ''}"
