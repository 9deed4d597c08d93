"""The command `nexus demo`."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

import click

from .show import Stage, StepFailed
from .story import Story


@click.command()
@click.option("--crash", is_flag=True, help="Also kill server and worker with -9 in mid-work, and start them again.")
@click.option("--keep", is_flag=True, help="Leave the scratch folder for a look around.")
def demo(crash: bool, keep: bool) -> None:
    """Watch the main job happen on this machine.

    Two scratch repositories (real Git), real task files, a signed webhook over HTTP, an agent in its own worktree,
    a pull request, Slack messages, documents: performed by the real server and worker, with GitHub's and Slack's
    addresses stood in for on this machine. Ends with what it proved; exits 0 only if every step held.

    Example: nexus demo
    """
    if shutil.which("git") is None:
        raise click.ClickException("the demo needs git: install it and try again")
    signal.signal(signal.SIGTERM, _leave)
    stage = Stage()
    folder = Path(tempfile.mkdtemp(prefix="nexus-demo-"))
    try:
        Story(stage, folder, crash=crash).play()
        stage.end()
    except StepFailed as failed:
        click.secho(f"\n   ✗ {failed}", fg="red", err=True)
        sys.exit(1)
    finally:
        if keep:
            click.echo(f"   The scratch folder is {folder}", err=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
