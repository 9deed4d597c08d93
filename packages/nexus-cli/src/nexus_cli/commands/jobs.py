"""`nexus jobs`: background work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..options import command, limit_options
from ..paging import listed
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


@command("retry", example="nexus jobs retry 41")
@click.argument("job", type=click.IntRange(1), metavar="ID")
def retry(session: Session, job: int) -> None:
    """Set a dead job to work again, with all its attempts."""
    session.show(session.call("POST", f"/jobs/{job}/retry"), show_job)


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
