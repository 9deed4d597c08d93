"""What payloads about repositories, installations and people mean, as neutral facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from nexus_core.domain.changes import Fact, OwnerRenamed, RepositoryRenamed
from nexus_core.domain.hosts import (
    AuthorizationRevoked,
    DefaultBranchChanged,
    HostAccessChanged,
    RepositoryStateChanged,
)

from .reading import REPOSITORY, account_id, instant, login, repository_id, repository_name, rows, table, text, whole
from .sansio import SOURCE

Payload = Mapping[str, Any]
TRUSTED: Final = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
MARK: Final = "<!-- nexus:"  #: stands in what Nexus itself wrote
_STATES: Final = {"archived": "archived", "unarchived": "active", "deleted": "deleted"}
_COMMON: Final = frozenset({"action", "sender", "organization", "enterprise", "installation"})


def is_own(written: Payload, app_id: str) -> bool:
    """Whether Nexus itself wrote an issue or a comment."""
    app = whole(table(written, "performed_via_github_app").get("id"))
    return (bool(app_id) and str(app or "") == app_id) or MARK in text(written.get("body"))


def _is_only(payload: Payload, *more: str) -> bool:
    """Whether a payload holds these and nothing else: the event's name is not signed, so the shape must tell it."""
    return payload.keys() <= _COMMON | set(more)


def repository(payload: Payload, app_id: str) -> list[Fact]:
    """A repository has another name, another state, or another default branch."""
    action, external_id = text(payload.get("action")), repository_id(payload)
    if not _is_only(payload, "repository", "changes"):
        return []
    if state := _STATES.get(action):
        at = instant(table(payload, "repository").get("updated_at"))
        name = repository_name(payload)
        return [
            RepositoryStateChanged(
                source=SOURCE, repository=name, state=state, at=at, repository_external_id=external_id
            )
        ]
    if action == "edited":
        return _branch(payload, external_id)
    new, old = repository_name(payload), _old_name(payload, action)
    if not old:
        return []
    return [RepositoryRenamed(source=SOURCE, old_name=old, new_name=new, external_id=external_id)]


def _branch(payload: Payload, external_id: str | None) -> list[Fact]:
    branch = text(table(payload, "repository").get("default_branch"))
    if not branch or not table(payload, "changes", "default_branch"):
        return []
    name = repository_name(payload)
    return [DefaultBranchChanged(source=SOURCE, repository=name, branch=branch, repository_external_id=external_id)]


def _old_name(payload: Payload, action: str) -> str:
    owner, _, name = repository_name(payload).partition("/")
    changes = table(payload, "changes")
    if action == "renamed":
        old = text(table(changes, "repository", "name").get("from"))
        return f"{owner}/{old}" if old else ""
    if action == "transferred":
        before = table(changes, "owner", "from")
        old = login(before.get("user")) or login(before.get("organization"))
        return f"{old}/{name}" if old else ""
    return ""


def _installation(payload: Payload, app_id: str) -> list[Fact]:
    """Our App was installed, taken away or suspended: on all repositories of an account, or on those listed."""
    granted = {"created": True, "unsuspend": True, "deleted": False, "suspend": False}.get(text(payload.get("action")))
    owner = login(table(payload, "installation").get("account"))
    if granted is None or not owner or not _is_only(payload, "repositories", "requester"):
        return []
    at = instant(table(payload, "installation").get("updated_at"))
    listed = _listed(payload.get("repositories"))
    why = f"the App was {_WORDS[text(payload.get('action'))]} on {owner}"
    return [HostAccessChanged(source=SOURCE, granted=granted, repositories=listed, owner=owner, reason=why, at=at)]


_WORDS: Final = {"created": "installed", "deleted": "uninstalled", "suspend": "suspended", "unsuspend": "unsuspended"}


def _installation_repositories(payload: Payload, app_id: str) -> list[Fact]:
    """Repositories were added to an installation of our App, or taken from it."""
    owner = login(table(payload, "installation").get("account"))
    keys = ("repositories_added", "repositories_removed", "repository_selection", "requester")
    if text(payload.get("action")) not in ("added", "removed") or not owner or not _is_only(payload, *keys):
        return []
    at = instant(table(payload, "installation").get("updated_at"))
    return [
        HostAccessChanged(source=SOURCE, granted=granted, repositories=listed, at=at, reason=f"{owner} {said}")
        for granted, key, said in (
            (True, "repositories_added", "let the App reach it"),
            (False, "repositories_removed", "took the App away from it"),
        )
        if (listed := _listed(payload.get(key)))
    ]


def _listed(value: Any) -> tuple[tuple[str, str | None], ...]:
    return tuple(
        (name, str(number) if (number := whole(row.get("id"))) else None)
        for row in rows(value)
        if REPOSITORY.fullmatch(name := text(row.get("full_name")))
    )


def _authorization(payload: Payload, app_id: str) -> list[Fact]:
    """A person took back that they log in with GitHub."""
    sender = payload.get("sender")
    if payload.get("action") != "revoked" or not account_id(sender) or not _is_only(payload):
        return []
    return [AuthorizationRevoked(source=SOURCE, account_id=account_id(sender), account=login(sender))]


def _owner(payload: Payload, app_id: str) -> list[Fact]:
    """An organisation, or the account that our App is installed on, has a new name: no repository tells of it."""
    account = table(payload, "organization") or table(payload, "account")
    old, new = text(table(payload, "changes", "login").get("from")), text(account.get("login"))
    if payload.get("action") != "renamed" or not _is_only(payload, "account", "changes", "target_type"):
        return []
    is_usable = all(REPOSITORY.fullmatch(f"{name}/x") for name in (old, new))
    return [OwnerRenamed(source=SOURCE, old_name=old, new_name=new)] if is_usable else []


def facts(event: str, payload: Payload, app_id: str) -> list[Fact]:
    """The facts in what is about no one repository."""
    reader = _READERS.get(event)
    return reader(payload, app_id) if reader else []


_READERS: Final[dict[str, Callable[[Payload, str], list[Fact]]]] = {
    "installation": _installation,
    "installation_repositories": _installation_repositories,
    "github_app_authorization": _authorization,
    "installation_target": _owner,
    "organization": _owner,
}
