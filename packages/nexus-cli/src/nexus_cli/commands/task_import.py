"""`nexus task import`: a task file, or a complexity report, into Nexus."""

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
_ALIKE_SHOWN = 4


@command(
    "import",
    example="nexus task import .taskmaster/tasks/tasks.json --repo acme/api --dry-run\n"
    "nexus task import tasks.jsonl --repo acme/api",
)
@click.argument("file", metavar="FILE")
@repo_option(help="owner/name, added if it is new; in a checkout of GitHub, that one.")
@click.option("--path", help="Where the file stands in the repository. Default: seen from the checkout's top.")
@click.option("--format", "format_", metavar="NAME", help="taskmaster, jsonl …; otherwise name or content tell.")
@click.option("--tag", help="Of a complexity report: the tag that it is of. Default: as its file name says.")
@click.option("--dry-run", is_flag=True, help="Only report what would be done.")
def import_(session: Session, file: str, repository: str | None, path: str | None, **more: Any) -> None:
    """Import a task file, Taskmaster's or JSON Lines; again, to bring in what changed. `-` is standard input.

    A complexity report of Taskmaster's is known by its shape: its scores go to the tasks that are there. A score that
    a person set stays.
    """
    content, dry_run = read_file(file), more["dry_run"]
    query = {
        "repository": scope.required(repository), "path": path or place_of(file), "format": more["format_"],
        "tag": more["tag"],
        "dry_run": dry_run or None,
    }  # fmt: skip
    _progress(session, f"importing {len(content)} bytes into {query['repository']} …")
    answer = session.call("POST", "/tasks/import", query=query, content=content, timeout=TIMEOUT)
    session.show(answer, show_report)
    # Once: who imports again knows.
    if session.document(answer)["created"] and file != "-" and (beside := reports_beside(Path(file))):
        session.note(f"Scores lie beside it, and are not taken by themselves: nexus task import {beside[0]}")


def place_of(file: str) -> str | None:
    """Where a file stands in its checkout; its name when it is in none."""
    if file == "-":
        return None
    whole = Path(file).resolve()
    top = scope.checkout_root(whole.parent)
    return (whole.relative_to(top) if top else Path(whole.name)).as_posix()


def reports_beside(file: Path) -> list[Path]:
    """The complexity reports that Taskmaster keeps beside its task file."""
    folder = file.parent.parent / "reports"
    return sorted(folder.glob("task-complexity-report*.json")) if file.parent.name == "tasks" else []


def _progress(session: Session, text: str) -> None:
    from ..screen import stderr_is_terminal

    if stderr_is_terminal():
        session.note(text)


def show_report(screen: Screen, report: dict[str, Any]) -> None:
    """Tell the report of an import: the figures, then each kind of warning with its places."""
    screen.line(f"{screen.bold(report['repository'])}: {_scores(report) if _is_scores(report) else _tasks(report)}")
    _show_conflicts(screen, report["conflicts"])
    told = [warning for warning in report["warnings"] if warning["code"] not in ("conflict", "held")]
    for (message, done), places in _grouped(told).items():
        screen.line(screen.style(f"{len(places)}× {message}" if len(places) > 1 else message, fg="yellow"))
        more = len(places) - _PLACES_SHOWN
        shown = "; ".join(places[:_PLACES_SHOWN]) + (f"; and {more} more (--json shows them)" if more > 0 else "")
        screen.line(f"    {screen.dim('at')} {screen.style(shown)}")
        screen.line(f"    {screen.dim(done)}")
    if report["warnings"] and not report["dry_run"]:
        screen.line(f"How to mend them: nexus task doctor --repo {screen.style(report['repository'])}")


def _is_scores(report: dict[str, Any]) -> bool:
    return report.get("kind") == "scores"


def _scores(report: dict[str, Any]) -> str:
    start = "would score" if report["dry_run"] else "scored"
    left = ", ".join(f"{report[name]} {name}" for name in ("unscored", "unmatched") if report[name])
    return (
        f"{start} {report['changed'] + report['unchanged']} tasks of tag {report['tag']} ({report['changed']} changed, "
        f"{report['unchanged']} as before){'; ' + left if left else ''}"
    )


def _tasks(report: dict[str, Any]) -> str:
    words = ("new", "changed", "as before")
    figures = ", ".join(
        f"{report[name]} {word}" for name, word in zip(("created", "changed", "unchanged"), words, strict=True)
    )
    start = "would import" if report["dry_run"] else "imported"
    return f"{start} {report['tasks']} tasks ({figures}), {report['dependencies']} dependencies"


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
    """What was said and done -> at which places; of one kind a handful, but each cycle, since each is another way."""
    kinds: dict[str, dict[tuple[str, str], list[str]]] = {}
    for warning in warnings:
        alike = kinds.setdefault(warning["code"], {})
        alike.setdefault((warning["message"], warning["done"]), []).append(warning["place"])
    shown: dict[tuple[str, str], list[str]] = {}
    for code, alike in kinds.items():
        for number, ((message, done), places) in enumerate(alike.items()):
            if number < _ALIKE_SHOWN or code == "cycle":
                shown[message, done] = places
            else:
                shown.setdefault((f"more of the kind {code} (--json shows them)", "as for the others"), []).extend(
                    places
                )
    return shown
