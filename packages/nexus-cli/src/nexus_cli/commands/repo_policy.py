"""`nexus repo policy`: the policy file that a repository keeps for Nexus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..failures import Failure
from ..files import read_file
from ..options import command
from ..session import Session

if TYPE_CHECKING:
    from ..screen import Screen


@command("check", example="nexus repo policy check .nexus.toml")
@click.argument("file", metavar="FILE", default=".nexus.toml")
def check(session: Session, file: str) -> None:
    """Check a policy file, without a server: 0 when it is valid, 2 with every fault and its line when it is not."""
    from nexus_core import UnreadableFile, read_policy

    try:
        policy = read_policy(read_file(file), name="-" if file == "-" else file)
    except UnreadableFile as error:
        faults = [fault._asdict() for fault in error.faults]
        problem = {"detail": error.message, "code": error.code, "errors": faults}
        raise Failure(error.message, error.code, problem=problem) from None
    session.show_document({"file": file, "valid": True, "policy": policy.kept}, show_policy)


def show_policy(screen: Screen, found: dict[str, Any]) -> None:
    """Tell what a policy says."""
    policy = found["policy"]
    seconds = policy["claim_time"]
    screen.line(f"{found['file']} is valid")
    screen.fields([
        ("approvers", ", ".join(policy["approvers"])),
        ("closing words", ", ".join(policy["closing"])),
        ("claim time", "" if seconds is None else f"{seconds:.0f} s"),
        ("documents", ", ".join(policy["documents"])),
        ("issues", policy["issues"] or ""),
    ])  # fmt: skip
