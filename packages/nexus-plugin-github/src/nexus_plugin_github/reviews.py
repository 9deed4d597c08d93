"""What reviewers and checks have against a pull request as it stands, as text for the agent that is to mend it."""

from __future__ import annotations

from typing import Final

from nexus_core.domain.rework import Finding

from .client import Document, GitHubClient
from .reading import login, table, text, whole
from .translate import TRUSTED

_FAILED: Final = frozenset({"failure", "timed_out", "startup_failure"})
_DECIDES: Final = frozenset({"APPROVED", "CHANGES_REQUESTED", "DISMISSED"})
_MOST: Final = 50  #: remarks of one review, and annotations of one check
_LONGEST: Final = 2000  #: characters of one remark


def findings(client: GitHubClient, repository: str, number: int, commit: str, own_app: str = "") -> list[Finding]:
    """Each review that asks for changes and still counts, and each check that failed on the last commit."""
    return [*_reviews(client, repository, number), *_checks(client, repository, commit, own_app)]


def _reviews(client: GitHubClient, repository: str, number: int) -> list[Finding]:
    # The latest decision of each person counts. Anybody may review in a public repository; only those who belong to it
    # send an agent to work.
    latest: dict[str, Document] = {}
    for row in client.pages(f"repos/{repository}/pulls/{number}/reviews"):
        if text(row.get("state")) in _DECIDES and text(row.get("author_association")) in TRUSTED:
            latest[login(row.get("user"))] = row
    asked = [row for row in latest.values() if text(row.get("state")) == "CHANGES_REQUESTED"]
    return [_review(client, repository, number, row) for row in asked]


def _review(client: GitHubClient, repository: str, number: int, row: Document) -> Finding:
    review, by = whole(row.get("id")), login(row.get("user")) or "a reviewer"
    said = [f"{by} asks for changes: {_short(row.get('body'))}".rstrip(": ")]
    remarks = client.pages(f"repos/{repository}/pulls/{number}/reviews/{review}/comments")
    said += [
        f"- {_place(remark)}{_short(remark.get('body'))}" for _, remark in zip(range(_MOST), remarks, strict=False)
    ]
    return Finding(key=f"github-review-{review}.", text="\n".join(said))


def _short(said: object) -> str:
    found = text(said).strip()
    return found if len(found) <= _LONGEST else found[:_LONGEST] + " … (shortened)"


def _place(row: Document) -> str:
    path = text(row.get("path"))
    line = whole(row.get("line")) or whole(row.get("original_line")) or whole(row.get("start_line"))
    return f"{path}:{line}: " if path and line else f"{path}: " if path else ""


def _checks(client: GitHubClient, repository: str, commit: str, own_app: str) -> list[Finding]:
    path = f"repos/{repository}/commits/{commit}/check-runs"
    failed = [row for row in client.pages(path, within="check_runs", filter="latest") if _is_failure(row, own_app)]
    return [_check(client, repository, row) for row in failed]


def _is_failure(run: Document, own_app: str) -> bool:
    is_ours = own_app and str(whole(table(run, "app").get("id"))) == own_app
    return text(run.get("conclusion")) in _FAILED and not is_ours


def _check(client: GitHubClient, repository: str, run: Document) -> Finding:
    number, output = whole(run.get("id")), table(run, "output")
    said = [f"The check {text(run.get('name'))} ended with {text(run.get('conclusion'))}."]
    said += [part for key in ("title", "summary") if (part := _short(output.get(key)))]
    if number and whole(output.get("annotations_count")):
        rows = client.pages(f"repos/{repository}/check-runs/{number}/annotations")
        said += [f"- {_place(row)}{_short(row.get('message'))}" for _, row in zip(range(_MOST), rows, strict=False)]
    return Finding(key=f"github-check-{number}.", text="\n".join(said))
