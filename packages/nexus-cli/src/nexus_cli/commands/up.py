"""`nexus up`: server and worker as two processes, kept running until somebody says stop."""

from __future__ import annotations

import click

from ..options import command
from ..session import Session


@command("up", example="nexus up\nnexus up --bind 127.0.0.1:8800 --verbose")
@click.option("--bind", metavar="HOST:PORT", help="Where to listen; port 0 picks a free one.")
@click.option("--verbose", is_flag=True, help="Show every request and job.")
@click.pass_context
def up(ctx: click.Context, session: Session, bind: str | None, verbose: bool) -> None:
    """Start everything on this machine: API, docs and worker. Ctrl-C or SIGTERM stops it.

    The first time it shows an admin key, once.
    """
    from ..supervisor import Supervisor

    ctx.exit(Supervisor(session, bind=bind, verbose=verbose).run())
