"""What Nexus says beside a commit: a check run as an App, a commit status by token. One of a name, kept up to date."""

from __future__ import annotations

from typing import Any, Final

import attrs

from nexus_core.errors import Unavailable

from .client import Document, GitHubClient
from .reading import table, text, whole

LONGEST_TITLE: Final = 250
LONGEST_STATUS: Final = 140  #: characters, GitHub's limit for a commit status
LONGEST_SUMMARY: Final = 60_000  #: characters; GitHub takes 65,535
_STATES: Final = {"success": "success", "neutral": "success", "action_required": "failure", "": "pending"}


@attrs.frozen(kw_only=True)
class Check:
    """What a check says."""

    name: str
    key: str  #: by which Nexus recognises it
    conclusion: str = ""  #: `success`, `neutral` or `action_required`; empty = it is not decided yet
    title: str
    summary: str = ""  #: Markdown
    url: str = ""  #: where there is more


def show_check(client: GitHubClient, repository: str, commit: str, check: Check) -> bool:
    """Show a check run on a commit, as an App; false when it reads so already. Safe to repeat."""
    known = _run_of(client, repository, commit, check)
    if known is not None and _reads(known, check):
        return False
    if known is not None and (number := whole(known.get("id"))):
        client.request("PATCH", f"repos/{repository}/check-runs/{number}", json=_sent(check))
        return True
    try:
        client.request("POST", f"repos/{repository}/check-runs", json=_sent(check) | {"head_sha": commit})
    except Unavailable as error:
        if not (error.details.get("unknown_outcome") and _run_of(client, repository, commit, check)):
            raise
    return True


def _run_of(client: GitHubClient, repository: str, commit: str, check: Check) -> Document | None:
    path = f"repos/{repository}/commits/{commit}/check-runs"
    listed = client.pages(path, within="check_runs", check_name=check.name, filter="latest")
    return next((row for row in listed if text(row.get("external_id")) == check.key), None)


def _reads(known: Document, check: Check) -> bool:
    said = table(known, "output")
    output = (text(said.get("title")), text(said.get("summary")))
    return (text(known.get("conclusion")), *output) == (check.conclusion, *_output(check))


def _output(check: Check) -> tuple[str, str]:
    return check.title[:LONGEST_TITLE], check.summary[:LONGEST_SUMMARY]


def _sent(check: Check) -> dict[str, Any]:
    title, summary = _output(check)
    sent: dict[str, Any] = {
        "name": check.name, "external_id": check.key, "output": {"title": title, "summary": summary},
    }  # fmt: skip
    # GitHub itself sets `completed` with a conclusion; without one the run is on its way.
    sent |= {"conclusion": check.conclusion, "status": "completed"} if check.conclusion else {"status": "in_progress"}
    return sent | ({"details_url": check.url} if check.url else {})


def show_status(client: GitHubClient, repository: str, commit: str, check: Check) -> bool:
    """Show a commit status instead: check runs are for Apps alone. False when it reads so already. Safe to repeat."""
    wanted = (_STATES[check.conclusion], _shortened(check.title))
    if _status_of(client, repository, commit, check.name) == wanted:
        return False
    body = {"state": wanted[0], "description": wanted[1], "context": check.name}
    body |= {"target_url": check.url} if check.url else {}
    try:
        client.request("POST", f"repos/{repository}/statuses/{commit}", json=body)
    except Unavailable as error:
        known = error.details.get("unknown_outcome") and _status_of(client, repository, commit, check.name)
        if known != wanted:
            raise
    return True


def _status_of(client: GitHubClient, repository: str, commit: str, name: str) -> tuple[str, str] | None:
    """The newest status of a name: GitHub lists the newest first."""
    for row in client.pages(f"repos/{repository}/commits/{commit}/statuses"):
        if text(row.get("context")) == name:
            return text(row.get("state")), text(row.get("description"))
    return None


def _shortened(title: str) -> str:
    return title if len(title) <= LONGEST_STATUS else title[: LONGEST_STATUS - 1].rstrip() + "…"
