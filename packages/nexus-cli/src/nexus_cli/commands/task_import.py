"""`nexus task import`: a task file into Nexus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import scope
from ..files import read_file
from ..options import command, repo_option
from ..session import Session

if TYPE_CHECKING:
    from ..screen import Screen

TIMEOUT = 600.0
"""Seconds: a file may hold tens of thousands of tasks."""
_PLACES_SHOWN = 5
_LONGEST = 200


@command(
    "import",
    example="nexus task import .taskmaster/tasks/tasks.json --repo acme/api --dry-run\n"
    "nexus task import tasks.jsonl --repo acme/api",
)
@click.argument("file", metavar="FILE")
@repo_option(help="owner/name, added if it is new; in a checkout of GitHub, that one.")
@click.option("--path", help="Where the file stands in the repository. Default: seen from the checkout's top.")
@click.option("--format", "format_", metavar="NAME", help="taskmaster, jsonl …; otherwise name or content tell.")
@click.option("--dry-run", is_flag=True, help="Only report what would be done.")
def import_(
    session: Session, file: str, repository: str | None, path: str | None, format_: str | None, dry_run: bool
) -> None:
    """Import a task file, Taskmaster's or JSON Lines; again, to bring in what changed. `-` is standard input."""
    content = read_file(file)
    query = {
        "repository": scope.required(repository), "path": path or place_of(file), "format": format_,
        "dry_run": dry_run or None,
    }  # fmt: skip
    _progress(session, f"importing {len(content)} bytes into {query['repository']} …")
    answer = session.call("POST", "/tasks/import", query=query, content=content, timeout=TIMEOUT)
    session.show(answer, show_report)


def place_of(file: str) -> str | None:
    """Where a file stands in its checkout; its name when it is in none."""
    if file == "-":
        return None
    whole = Path(file).resolve()
    top = scope.checkout_root(whole.parent)
    return (whole.relative_to(top) if top else Path(whole.name)).as_posix()


def _progress(session: Session, text: str) -> None:
    from ..screen import stderr_is_terminal

    if stderr_is_terminal():
        session.note(text)


def show_report(screen: Screen, report: dict[str, Any]) -> None:
    """Tell the report of an import: the figures, then each kind of warning with its places."""
    words = ("new", "changed", "as before")
    figures = ", ".join(
        f"{report[name]} {word}" for name, word in zip(("created", "changed", "unchanged"), words, strict=True)
    )
    start = "would import" if report["dry_run"] else "imported"
    screen.line(
        f"{screen.bold(report['repository'])}: {start} {report['tasks']} tasks ({figures}), "
        f"{report['dependencies']} dependencies"
    )
    _show_conflicts(screen, report["conflicts"])
    told = [warning for warning in report["warnings"] if warning["code"] not in ("conflict", "held")]
    for (message, done), places in _grouped(told).items():
        screen.line(screen.style(f"{len(places)}× {message}" if len(places) > 1 else message, fg="yellow"))
        more = len(places) - _PLACES_SHOWN
        shown = "; ".join(places[:_PLACES_SHOWN]) + (f"; and {more} more (--json shows them)" if more > 0 else "")
        screen.line(f"    {screen.dim('at')} {screen.style(shown)}")
        screen.line(f"    {screen.dim(done)}")


def _show_conflicts(screen: Screen, conflicts: list[dict[str, Any]]) -> None:
    """Tell what the file and Nexus both changed, one by one: a person may want the other value."""
    for one in conflicts:
        taken, lost = ("file", "nexus") if one["taken"] == "file" else ("nexus", "file")
        names = {"file": "the file's", "nexus": "Nexus's"}
        said = f"{one['key']} {one['field']}: changed in the file and in Nexus; {names[taken]} was taken"
        screen.line(screen.style(said, fg="red"))
        screen.line(f"    {screen.dim('taken')} {screen.style(_short(one[taken]))}")
        screen.line(f"    {screen.dim('not taken')} {screen.style(_short(one[lost]))}")
    if conflicts:
        screen.line(screen.dim("    in full: --json here, or: nexus events --type task.conflicted --json"))


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else "–" if value is None else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _grouped(warnings: list[dict[str, Any]]) -> dict[tuple[str, str], list[str]]:
    """Warnings of one kind together: (its first message, what was done) -> places."""
    told: dict[str, tuple[str, str]] = {}
    kinds: dict[tuple[str, str], list[str]] = {}
    for warning in warnings:
        head = told.setdefault(warning["code"], (warning["message"], warning["done"]))
        kinds.setdefault(head, []).append(warning["place"])
    return kinds
