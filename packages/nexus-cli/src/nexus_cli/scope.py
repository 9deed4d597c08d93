"""Which repository a command is about: the one named, else the one of the checkout that it is called in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .failures import Failure
from .session import Session
from .transport import Answer

EVERY = "all"
_GITHUB = re.compile(
    r"(?:[a-z+]+://)?(?:[^@/\s]+@)?(?:[\w.-]*\.)?github\.[\w.-]+(?::\d+)?[:/]+([\w.-]+)/([\w.-]+?)(?:\.git)?/?"
)
_REMOTE = re.compile(r'\[remote "(.+)"\]')


def chosen(repository: str | None) -> str | None:
    """The repository meant; None for all of them."""
    if repository is None:
        return of_checkout(Path.cwd())
    return None if repository == EVERY else repository


def required(repository: str | None) -> str:
    """The repository meant, where there must be one. :raises Failure: there is none"""
    found = chosen(repository)
    if found is None:
        raise Failure("say which repository: --repo owner/name (this is no checkout of one on GitHub)", "invalid")
    return found


def ask(session: Session, path: str, repository: str | None, *, query: Mapping[str, Any] | None = None) -> Answer:
    """Read a path narrowed to a repository.

    A checkout whose repository Nexus does not know narrows nothing: that was a guess of ours, so we say so and go on.
    """
    found = chosen(repository)
    try:
        return session.call("GET", path, query={**(query or {}), "repository": found})
    except Failure as failure:
        if repository is not None or found is None or failure.code != "not_found":
            raise
        session.note(f"nexus: {found}, which this is a checkout of, is not in Nexus; showing all repositories")
        return session.call("GET", path, query=query)


def repository_id(session: Session, repository: str | None) -> int:
    """The id of the repository meant. :raises Failure: there is none, or Nexus does not know it"""
    name = required(repository)
    if name.isascii() and name.isdigit():
        return int(name)
    for found in session.items("/repositories"):
        if str(found["name"]).lower() == name.lower():
            return int(found["id"])
    raise Failure(f"there is no repository {name}; add it with: nexus repo add {name}", "not_found")


def of_checkout(folder: Path) -> str | None:
    """The `owner/name` of the GitHub remote of the checkout that a folder is in; None when there is none."""
    root = checkout_root(folder)
    if root is None:
        return None
    try:
        remotes = _remotes((_git_folder(root / ".git") / "config").read_text("utf-8", "replace"))
    except OSError:
        return None
    names = {remote: name for remote, url in remotes.items() if (name := github_name(url))}
    return names.get("origin") or next(iter(names.values()), None)


def checkout_root(folder: Path) -> Path | None:
    """The top of the checkout that a folder is in."""
    return next((above for above in (folder, *folder.parents) if (above / ".git").exists()), None)


def github_name(url: str) -> str | None:
    """The `owner/name` that the address of a GitHub repository has.

    >>> github_name("git@github.com:acme/api.git"), github_name("https://gitlab.com/acme/api")
    ('acme/api', None)
    """
    found = _GITHUB.fullmatch(url.strip())
    return f"{found[1]}/{found[2]}" if found else None


def _git_folder(git: Path) -> Path:
    # In a worktree `.git` is a file that names a folder, which names the common one. A submodule's names none.
    if git.is_dir():
        return git
    own = git.parent / git.read_text("utf-8").removeprefix("gitdir:").strip()
    common = own / "commondir"
    return own / common.read_text("utf-8").strip() if common.is_file() else own


def _remotes(config: str) -> dict[str, str]:
    remotes: dict[str, str] = {}
    section = None
    for line in map(str.strip, config.splitlines()):
        if line.startswith("["):
            named = _REMOTE.match(line)
            section = named[1] if named else None
        elif section is not None and (found := re.fullmatch(r"url\s*=\s*(.+)", line)):
            remotes.setdefault(section, found[1].strip('"'))
    return remotes
