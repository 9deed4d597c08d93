"""`nexus jobs`: background work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..failures import Failure
from ..options import command, limit_options
from ..paging import all_of, listed
from ..session import Session

if TYPE_CHECKING:
    from ..screen import Screen

STATES = ("pending", "running", "done", "dead", "cancelled")
LANES = ("default", "agents", "docs", "notify")


@command("list", example="nexus jobs --state dead")
@click.option("--state", type=click.Choice(STATES))
@click.option("--lane", type=click.Choice(LANES))
@click.option("--kind", help="The name of its handler.")
@limit_options
def list_(session: Session, everything: bool, **filters: Any) -> None:
    """List background jobs."""
    listed(session, "/jobs", show_jobs, everything=everything, **filters)


@command("lanes", example="nexus jobs lanes --json")
def lanes(session: Session) -> None:
    """How each lane is doing: what waits, for how long, and how many end a minute."""
    session.show(session.call("GET", "/jobs/lanes"), show_lanes)


@command("retry", example="nexus jobs retry 41")
@click.argument("job", type=click.IntRange(1), metavar="[ID]", required=False)
@click.option("--dead", is_flag=True, help="All dead jobs that there are now, or those of a lane or a kind.")
@click.option("--lane", type=click.Choice(LANES))
@click.option("--kind", help="The name of their handler.")
def retry(session: Session, job: int | None, dead: bool, **filters: str | None) -> None:
    """Set a dead job to work again, with all its attempts; or many, with --dead."""
    if (job is None) is not dead or (job is not None and any(filters.values())):
        raise click.UsageError("name one job, or --dead for all, which --lane and --kind narrow")
    if job is not None:
        session.show(session.call("POST", f"/jobs/{job}/retry"), show_job)
        return
    # What dies again meanwhile is not met twice: which ones there are is asked once, before.
    query = {"state": "dead", **filters}
    found = all_of(session, lambda page: session.call("GET", "/jobs", query={**query, **page}))
    retried = [one["id"] for one in found if _was_dead(session, one["id"])]
    session.show_document({"retried": retried}, show_retried)


def _was_dead(session: Session, job: int) -> bool:
    """Set one to work again; false when somebody else did."""
    try:
        session.document(session.call("POST", f"/jobs/{job}/retry"))
    except Failure as failure:
        if failure.code != "conflict":
            raise
        return False
    return True


def show_retried(screen: Screen, found: dict[str, Any]) -> None:
    """Tell how many."""
    number = len(found["retried"])
    screen.line("No job is dead." if not number else f"{number} {'job works' if number == 1 else 'jobs work'} again")


def show_lanes(screen: Screen, found: dict[str, Any]) -> None:
    """Tell how the lanes are doing."""
    from ..screen import when

    rows = [
        (
            lane["lane"], lane["waiting"], when(lane["oldest"]), lane["running"], lane["dead"],
            lane["done_a_minute"], lane["died_a_minute"],
        )
        for lane in found["items"]
    ]  # fmt: skip
    screen.table(
        ("lane", "waiting", "oldest due", "running", "dead", "done a minute", "died a minute"), rows, empty="No lanes."
    )


def show_jobs(screen: Screen, found: dict[str, Any]) -> None:
    """Tell a page of jobs."""
    from ..screen import when

    rows = [
        (
            job["id"], screen.status(job["state"]), job["lane"], f"{job['attempt']}/{job['max_attempts']}",
            when(job.get("run_at")), job["kind"], job.get("last_error") or "",
        )
        for job in found["items"]
    ]  # fmt: skip
    header = ("id", "state", "lane", "attempts", "due", "kind", "last error")
    screen.table(header, rows, empty="No jobs.")


def show_job(screen: Screen, job: dict[str, Any]) -> None:
    """Tell a job."""
    screen.line(f"{screen.bold(job['id'])}  {screen.status(job['state'])}  {screen.style(job['kind'])}")
