"""Issues and labels of a repository; a pull request is an issue here. Each call leaves alone what is so already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nexus_core.errors import NotFound, Unavailable

from .client import Document, GitHubClient, in_path, marker
from .reading import rows, table, text


def issue(client: GitHubClient, repository: str, number: int) -> Document:
    """An issue or pull request as it stands. :raises NotFound:"""
    return table(client.request("GET", f"repos/{repository}/issues/{number}").document)


def labels_of(found: Document) -> frozenset[str]:
    """The names of the labels in an issue's document."""
    return frozenset(name for row in rows(found.get("labels")) if (name := text(row.get("name"))))


def edit_issue(client: GitHubClient, repository: str, number: int, **wanted: Any) -> bool:
    """Bring `title`, `body`, `state`, `state_reason` or `labels` to these values; false when all were so already.

    Safe to repeat, also after an unknown outcome. A `state_reason` alone is no reason to write.
    """
    now = issue(client, repository, number)
    differs = {key for key, value in wanted.items() if key != "state_reason" and not _is(now, key, value)}
    if not differs:
        return False
    body = {key: _sent(value) for key, value in wanted.items() if key in differs}
    if "state" in differs and wanted.get("state_reason"):
        body["state_reason"] = wanted["state_reason"]
    client.request("PATCH", f"repos/{repository}/issues/{number}", json=body)
    return True


def _is(now: Document, key: str, value: Any) -> bool:
    if key == "labels":
        return labels_of(now) == frozenset(value)
    return text(now.get(key)) == str(value)


def _sent(value: Any) -> Any:
    return value if isinstance(value, str) else sorted(value)


def create_issue_once(
    client: GitHubClient, repository: str, key: str, *, title: str, body: str, labels: Iterable[str] = ()
) -> Document:
    """Open an issue unless the one of this key is there already, open or closed."""
    mark = marker(key)
    if found := _issue_with(client, repository, mark):
        return found
    sent = {"title": title, "body": f"{body}\n\n{mark}", "labels": sorted(labels)}
    try:
        return table(client.request("POST", f"repos/{repository}/issues", json=sent).document)
    except Unavailable as error:
        if error.details.get("unknown_outcome") and (found := _issue_with(client, repository, mark)):
            return found
        raise


def _issue_with(client: GitHubClient, repository: str, mark: str) -> Document | None:
    path = f"repos/{repository}/issues"
    listed = client.pages(path, state="all", sort="created", direction="desc")
    return next((row for row in listed if mark in text(row.get("body"))), None)


def add_labels(client: GitHubClient, repository: str, number: int, labels: Iterable[str]) -> bool:
    """Put labels on an issue or pull request; false when all were there. GitHub makes those that are new."""
    missing = sorted(frozenset(labels) - _labels(client, repository, number))
    if missing:
        client.request("POST", f"repos/{repository}/issues/{number}/labels", json={"labels": missing})
    return bool(missing)


def remove_label(client: GitHubClient, repository: str, number: int, label: str) -> bool:
    """Take a label off an issue or pull request; false when it was not there."""
    if label not in _labels(client, repository, number):
        return False
    try:
        client.request("DELETE", f"repos/{repository}/issues/{number}/labels/{in_path(label)}")
    except NotFound:  # somebody was faster
        return False
    return True


def _labels(client: GitHubClient, repository: str, number: int) -> frozenset[str]:
    listed = client.pages(f"repos/{repository}/issues/{number}/labels")
    return frozenset(text(row.get("name")) for row in listed)
