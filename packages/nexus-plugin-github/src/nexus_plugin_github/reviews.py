"""What reviewers and checks found, as text for the agent that is to mend it. All of it is data from outside."""

from __future__ import annotations

from typing import Final

from .client import Document, GitHubClient
from .reading import login, table, text, whole

_FAILED: Final = frozenset({"failure", "timed_out", "startup_failure"})
_MOST: Final = 50  #: findings of one review or run
_LONGEST: Final = 2000  #: characters of one finding


def review_findings(client: GitHubClient, repository: str, number: int, review: int) -> list[str]:
    """What a review says: its own words first, then each remark with its place."""
    found = table(client.request("GET", f"repos/{repository}/pulls/{number}/reviews/{review}").document)
    by = login(found.get("user")) or "a reviewer"
    findings = [f"{by}: {body[:_LONGEST]}"] if (body := text(found.get("body")).strip()) else []
    path = f"repos/{repository}/pulls/{number}/reviews/{review}/comments"
    for row in client.pages(path):
        if len(findings) >= _MOST:
            break
        findings.append(f"{_place(row)}{by}: {text(row.get('body')).strip()[:_LONGEST]}")
    return findings


def _place(row: Document) -> str:
    path = text(row.get("path"))
    line = whole(row.get("line")) or whole(row.get("original_line")) or whole(row.get("position"))
    return f"{path}:{line}: " if path and line else f"{path}: " if path else ""


def failed_checks(client: GitHubClient, repository: str, commit: str, own_app: str = "") -> list[str]:
    """What the failed check runs of a commit say, each with its annotations; those of our own App are none."""
    findings: list[str] = []
    path = f"repos/{repository}/commits/{commit}/check-runs"
    for run in client.pages(path, within="check_runs", filter="latest"):
        is_ours = own_app and str(whole(table(run, "app").get("id"))) == own_app
        if text(run.get("conclusion")) not in _FAILED or is_ours or len(findings) >= _MOST:
            continue
        output = table(run, "output")
        said = [text(output.get(key)).strip()[:_LONGEST] for key in ("title", "summary")]
        findings.append(": ".join(part for part in (text(run.get("name")), *said) if part))
        findings += _annotations(client, repository, run, _MOST - len(findings))
    return findings


def _annotations(client: GitHubClient, repository: str, run: Document, most: int) -> list[str]:
    number = whole(run.get("id"))
    if not number or not whole(table(run, "output").get("annotations_count")):
        return []
    found: list[str] = []
    for row in client.pages(f"repos/{repository}/check-runs/{number}/annotations"):
        if len(found) >= most:
            break
        line = whole(row.get("start_line"))
        place = f"{text(row.get('path'))}:{line}" if line else text(row.get("path"))
        found.append(f"{place}: {text(row.get('message')).strip()[:_LONGEST]}")
    return found
