"""How GitHub writes things: repositories, pull requests, webhooks. As much of it as anybody reads."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from typing import Any

import attrs

from .bare import BareRepository, CommitInfo

Json = dict[str, Any]
BOT = "nexus-bot"


class _Clock:
    """Goes on by a second at least each time that it is read: here things happen faster than people do them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def read(self) -> int:
        with self._lock:
            self._last = max(int(time.time()), self._last + 1)
            return self._last


_clock = _Clock()


def now() -> str:
    """The time by this GitHub's clock, to the second, as GitHub writes it; never the same twice."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(_clock.read()))


def user(login: str) -> Json:
    """An account."""
    kind = "Bot" if login == BOT else "User"
    number = int(hashlib.sha256(login.encode()).hexdigest()[:6], 16) + 1
    return {
        "login": login,
        "id": number,
        "type": kind,
        "html_url": f"https://github.com/{login}",
        "site_admin": False,
    }


@attrs.define(kw_only=True)
class Pull:
    """A pull request as the stand-in keeps it."""

    repository: str
    number: int
    title: str
    body: str
    head: str  #: branch
    base: str  #: branch
    head_sha: str
    base_sha: str
    author: str
    draft: bool = False
    state: str = "open"
    merged_by: str | None = None
    merge_commit: str | None = None
    created_at: str = attrs.field(factory=now)
    updated_at: str = attrs.field(factory=now)
    closed_at: str | None = None
    fork: str = ""  #: whose fork the branch is in; a test sets it


@attrs.define(kw_only=True)
class Hosted:
    """A repository as the stand-in keeps it."""

    id: int
    name: str  #: `owner/name`
    git: BareRepository
    default_branch: str
    archived: bool = False
    may_push: bool = True  #: whoever asks


def repository(hosted: Hosted, address: str) -> Json:
    """A repository, in answers and webhooks."""
    owner, _, name = hosted.name.partition("/")
    return {
        "id": hosted.id, "name": name, "full_name": hosted.name, "private": False, "owner": user(owner),
        "html_url": f"https://github.com/{hosted.name}", "description": None, "fork": False,
        "url": f"{address}/repos/{hosted.name}", "clone_url": f"https://github.com/{hosted.name}.git",
        "default_branch": hosted.default_branch, "archived": hosted.archived, "disabled": False,
        "visibility": "public", "permissions": {"admin": hosted.may_push, "push": hosted.may_push, "pull": True},
    }  # fmt: skip


def pull(one: Pull, hosted: Hosted, address: str) -> Json:
    """A pull request, in answers and webhooks."""
    owner = hosted.name.partition("/")[0]
    repo = repository(hosted, address)
    is_merged = one.merge_commit is not None

    def end(branch: str, sha: str, fork: str = "") -> Json:
        whose = fork or owner
        theirs = {"id": hosted.id + 1_000_000, "full_name": f"{fork}/{repo['name']}", "owner": user(fork), "fork": True}
        of = repo | theirs if fork else repo
        return {"label": f"{whose}:{branch}", "ref": branch, "sha": sha, "user": user(whose), "repo": of}

    return {
        "id": hosted.id * 1000 + one.number, "number": one.number, "state": one.state, "locked": False,
        "title": one.title, "body": one.body, "user": user(one.author), "draft": one.draft,
        "url": f"{address}/repos/{hosted.name}/pulls/{one.number}",
        "html_url": f"https://github.com/{hosted.name}/pull/{one.number}",
        "head": end(one.head, one.head_sha, one.fork), "base": end(one.base, one.base_sha),
        "created_at": one.created_at, "updated_at": one.updated_at, "closed_at": one.closed_at,
        "merged_at": one.closed_at if is_merged else None, "merged": is_merged,
        "merged_by": user(one.merged_by) if one.merged_by else None, "merge_commit_sha": one.merge_commit,
        "author_association": "COLLABORATOR", "labels": [], "assignees": [], "requested_reviewers": [],
    }  # fmt: skip


def commit(one: CommitInfo, hosted: Hosted, address: str) -> Json:
    """A commit of the Git database."""
    who = {"name": one.author, "email": one.email, "date": one.date}
    below = f"{address}/repos/{hosted.name}/git"
    return {
        "sha": one.sha, "url": f"{below}/commits/{one.sha}", "message": one.message,
        "author": who, "committer": who,
        "html_url": f"https://github.com/{hosted.name}/commit/{one.sha}",
        "tree": {"sha": one.tree, "url": f"{below}/trees/{one.tree}"},
        "parents": [{"sha": parent, "url": f"{below}/commits/{parent}"} for parent in one.parents],
    }  # fmt: skip


def pull_event(action: str, one: Pull, hosted: Hosted, address: str, sender: str) -> Json:
    """The payload of the webhook `pull_request`."""
    return {
        "action": action, "number": one.number, "pull_request": pull(one, hosted, address),
        "repository": repository(hosted, address), "sender": user(sender),
    }  # fmt: skip


def push_event(branch: str, before: str, after: str, hosted: Hosted, address: str, sender: str) -> Json:
    """The payload of the webhook `push`."""
    commits = [_pushed(one, hosted) for one in hosted.git.between(before, after)]
    return {
        "ref": f"refs/heads/{branch}", "before": before, "after": after, "created": False, "deleted": False,
        "forced": False, "commits": commits, "head_commit": commits[-1] if commits else None,
        "repository": repository(hosted, address), "pusher": {"name": sender}, "sender": user(sender),
    }  # fmt: skip


def _pushed(one: CommitInfo, hosted: Hosted) -> Json:
    return {
        "id": one.sha, "tree_id": one.tree, "distinct": True, "message": one.message, "timestamp": one.date,
        "url": f"https://github.com/{hosted.name}/commit/{one.sha}",
        "author": {"name": one.author, "email": one.email}, **hosted.git.changes(one.sha),
    }  # fmt: skip


def signature(body: bytes, secret: str) -> str:
    """The value of `X-Hub-Signature-256`."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
