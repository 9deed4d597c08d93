"""`nexus task doctor`: what is wrong in tasks, and its mends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from .. import failures, scope
from ..options import command, repo_option
from ..session import Session
from ..transport import Answer

if TYPE_CHECKING:
    from ..screen import Screen

TIMEOUT = 600.0
"""Seconds: a mend may move thousands of tasks."""
NONE = "none"
_COLOURS = {"error": "red", "warning": "yellow", "note": "bright_black"}
_LONGEST = max(map(len, _COLOURS))
_INDENT = " " * (_LONGEST + 4)
_CASES_SHOWN = 5
_COMMANDS_SHOWN = 3


@command(
    "doctor",
    example="nexus task doctor --repo acme/api\nnexus task doctor --fix\n"
    "nexus task doctor --fix --only done_with_open_subtasks:complete --dry-run\nnexus task doctor --strict",
)
@repo_option(help="owner/name; in a checkout of GitHub, that one; `all` for all, `none` for tasks of none.")
@click.option("--only", metavar="CODE", multiple=True, help="Only this check; with --fix CODE:MEND too. Repeat it.")
@click.option("--fix", is_flag=True, help="Mend what asks for no decision; with --only, what is named.")
@click.option("--dry-run", is_flag=True, help="With --fix: only report what would be done.")
@click.option("--strict", is_flag=True, help="Exit with 1 while there are errors or warnings, for use in CI.")
@click.pass_context
def doctor(
    ctx: click.Context, session: Session, repository: str | None, only: tuple[str, ...], fix: bool, dry_run: bool,
    strict: bool,
) -> None:  # fmt: skip
    """Say what is wrong in the tasks of a repository and in its task file, and how each is mended.

    Errors and warnings want somebody to look; notes do not. The exit code is 0 whatever is found, unless --strict.
    """
    if dry_run and not fix:
        raise click.UsageError("--dry-run goes with --fix")
    remaining = _mend(session, repository, only, dry_run) if fix else _look(session, repository, only)
    if strict and any(finding["severity"] != "note" for finding in remaining):
        ctx.exit(failures.UNEXPECTED)


# Looking --------------------------------------------------------------------------------------------------------------


def _look(session: Session, repository: str | None, only: tuple[str, ...]) -> list[dict[str, Any]]:
    answer, findings = _findings(session, repository, _codes(only))
    render = partial(show_findings, in_full=bool(only))
    if answer is not None:
        session.show(answer, render)
    else:
        session.show_document({"items": findings, "next_cursor": None}, render)
    return findings


def _findings(
    session: Session, repository: str | None, only: tuple[str, ...]
) -> tuple[Answer | None, list[dict[str, Any]]]:
    """Every finding, and the API's answer when it is a single one."""
    query: dict[str, Any] = {"only": only, "limit": 200, "cases": 200 if session.as_json else _CASES_SHOWN}
    answer = scope.ask(session, "/tasks/doctor", repository, query=query)
    page = session.document(answer)
    findings = list(page["items"])
    if page["next_cursor"] is None:
        return answer, findings
    while page["next_cursor"] is not None:
        page = session.document(session.call("GET", "/tasks/doctor", query={**query, "cursor": page["next_cursor"]}))
        findings += page["items"]
    return None, findings


def show_findings(screen: Screen, found: dict[str, Any], *, in_full: bool = False) -> None:
    """Tell what is wrong, repository by repository."""
    if not found["items"]:
        screen.line(screen.style("Nothing is wrong.", fg="green"))
    for name, findings in groupby(found["items"], key=_repository):
        _show_repository(screen, name, list(findings), in_full=in_full)


def _repository(finding: dict[str, Any]) -> str:
    return str((finding["repository"] or {}).get("name") or NONE)


def _show_repository(screen: Screen, name: str, findings: list[dict[str, Any]], *, in_full: bool) -> None:
    paths = (case["place"].rpartition(":")[0] for finding in findings for case in finding["cases"] if case["place"])
    path = next(paths, None)
    title = "tasks of no repository" if name == NONE else name
    where = f" in {screen.style(path)}" if path else ""
    screen.line(f"{screen.bold(title)}: {_counts(findings)}{where}")
    for finding in findings:
        _show_finding(screen, finding, in_full=in_full)


def _counts(findings: Iterable[dict[str, Any]]) -> str:
    kinds = [finding["severity"] for finding in findings]
    counted = ((kind, kinds.count(kind)) for kind in _COLOURS)
    return ", ".join(f"{number} {kind}{'' if number == 1 else 's'}" for kind, number in counted if number)


def _show_finding(screen: Screen, finding: dict[str, Any], *, in_full: bool) -> None:
    """A finding with its cases and mends; of a note only what it is, and how Nexus mends it."""
    severity, is_note = finding["severity"], finding["severity"] == "note" and not in_full
    padding = " " * (_LONGEST - len(severity))
    head = f"{screen.style(severity, fg=_COLOURS[severity])}{padding}  {screen.bold(finding['code'])}"
    screen.line(f"  {head}: {screen.style(finding['message'])}")
    for line in () if is_note else _case_lines(screen, finding, in_full=in_full):
        screen.line(_INDENT + line)
    if finding["meanwhile"] and not is_note:
        screen.line(f"{_INDENT}{screen.dim(finding['meanwhile'])}")
    for mend in finding["mends"]:
        if mend["by"] == "nexus":
            command = screen.style(mend["command"])
            screen.line(f"{_INDENT}{screen.style('mend:', fg='green')} {command}  {screen.dim(mend['does'])}")
        elif not is_note:
            screen.line(f"{_INDENT}{screen.style('mend:', fg='green')} {screen.style(mend['does'])}")


def _case_lines(screen: Screen, finding: dict[str, Any], *, in_full: bool) -> Iterator[str]:
    """The first cases: on one line when they are but names, else a line each, with the commands for a person."""
    cases = finding["cases"][:_CASES_SHOWN]
    more = finding["count"] - len(cases)
    rest = f"and {more} more (--json shows them)" if more else ""
    if not any(case["message"] or case["commands"] for case in cases):
        yield f"{screen.dim('at')} {screen.style('; '.join([*map(_name, cases), *filter(None, [rest])]))}"
        return
    shows_commands = in_full or not any(mend["by"] == "nexus" for mend in finding["mends"])
    for case in cases:
        yield f"{screen.dim('at')} {screen.style(': '.join(filter(None, (_name(case), case['message']))))}"
        yield from (f"     {screen.style(one)}" for one in case["commands"][:_COMMANDS_SHOWN] if shows_commands)
    if rest:
        yield screen.dim(rest)


def _name(case: dict[str, Any]) -> str:
    """A case's task by both its names, and its line."""
    line = (case["place"] or "").rpartition(":")[2]
    key = (case["task"] or {}).get("key")
    own = f"{key} ({case['external_key']})" if key and case["external_key"] else key or case["external_key"]
    return ", ".join(filter(None, (own, line and f"line {line}")))


# Mending --------------------------------------------------------------------------------------------------------------


def _mend(session: Session, repository: str | None, only: tuple[str, ...], dry_run: bool) -> list[dict[str, Any]]:
    chosen = scope.chosen(repository)
    codes = _codes(only)
    if chosen is not None:
        answer = _post(session, chosen, only, dry_run)
        session.show(answer, partial(show_report, codes=codes))
        return _of_checks(session.document(answer)["findings"], codes)
    _, findings = _findings(session, scope.EVERY, codes)
    places = dict.fromkeys(_repository(finding) for finding in findings if only or _is_automatic(finding))
    reports = [session.document(_post(session, place, only, dry_run)) for place in places]
    session.show_document({"items": reports, "next_cursor": None}, partial(show_reports, codes=codes))
    untouched = [finding for finding in findings if _repository(finding) not in places]
    return [*untouched, *(one for report in reports for one in _of_checks(report["findings"], codes))]


def _codes(only: tuple[str, ...]) -> tuple[str, ...]:
    """The checks that are named, without their mends."""
    return tuple(name.partition(":")[0] for name in only)


def _of_checks(findings: Iterable[dict[str, Any]], codes: tuple[str, ...]) -> list[dict[str, Any]]:
    return [finding for finding in findings if not codes or finding["code"] in codes]


def _is_automatic(finding: dict[str, Any]) -> bool:
    return any(mend["automatic"] for mend in finding["mends"])


def _post(session: Session, repository: str, only: tuple[str, ...], dry_run: bool) -> Answer:
    body = {"repository": repository, "dry_run": dry_run, "cases": 200 if session.as_json else _CASES_SHOWN}
    return session.call("POST", "/tasks/doctor", body=body | ({"mend": list(only)} if only else {}), timeout=TIMEOUT)


def show_reports(screen: Screen, found: dict[str, Any], *, codes: tuple[str, ...] = ()) -> None:
    """Tell what was mended in each repository."""
    if not found["items"]:
        screen.line("Nothing to mend.")
    for report in found["items"]:
        show_report(screen, report, codes=codes)


def show_report(screen: Screen, report: dict[str, Any], *, codes: tuple[str, ...] = ()) -> None:
    """Tell what was mended, and what remains of these checks."""
    name = report["repository"] or NONE
    start = "would mend" if report["dry_run"] else "mended"
    for one in report["mended"]:
        screen.line(f"{screen.style(start, fg='green')} {screen.bold(one['code'])}: {one['count']}× {one['does']}")
        for change in one["changes"]:
            screen.line(f"    {screen.style(change)}")
        if more := one["count"] - len(one["changes"]):
            screen.line(screen.dim(f"    and {more} more (--json shows them)"))
    if not report["mended"]:
        screen.line(f"{screen.bold(name)}: nothing to mend")
    elif not report["dry_run"] and report["path"]:
        path = screen.style(report["path"])
        screen.line(f"Write it into the repository: nexus task export --repo {name} --output {path}")
    if remaining := _of_checks(report["findings"], codes):
        screen.line()
        _show_repository(screen, name, remaining, in_full=False)
